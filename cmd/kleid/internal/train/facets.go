package train

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/vocabulary"
	"github.com/kleid-search/kleid/storage"
)

// facetsCommand trains facet heads on a shop's own photos.
func facetsCommand() *cli.Command {
	return &cli.Command{
		Name: "facets", Usage: "the facet heads, on photos of your own",
		Description: `Trains the facets of --facets on the photos of --dataset, and measures them on those that are kept apart.
The trunk of --models stays as it is, and so do its other facets: an index stays valid. With --own-trunk these
facets get a network of their own beside it. A dataset is

  a folder      <label>/*.jpg for the one facet of --facets, or <facet>/<label>/*.jpg; folders below a label's
                are products; train/ and test/ may be above it all, and then nothing else
  a manifest    .csv, .jsonl or .parquet, with a row for each photo: photo, a column for each facet (called like
                it, or facet_ and its name), and, if there are such, product_id, x_min, y_min, x_max, y_max
                (pixels, rounded to the nearest), split (train or test), is_dress (no)
  studio        painted dresses, --products of them

each of them a path or s3:// URL. Where there is no box, the model looks for the dress. Of products without a
split, a fifth is kept apart to measure with, always the same ones; with --test-dataset none is, and what is
marked as test is left out. A file labels.json beside the photos or the manifest, {"neckline": ["round",
"v-neck"]}, or --labels puts labels in order, everywhere; the file may have labels that no photo has yet, which
are left out. Labels that are new, gone or renamed are shown and asked for; those that stay keep what they have
learned.

Without --dataset, all facets are trained anew on painted dresses and the photos of --reference. Nothing is
measured then, and --json prints which model it is.

In --work: model.safetensors, facets.json (figures, confusions), metrics.json (for kleid models push), the
probabilities of all labels of all photos as predictions.parquet and predictions.csv, bad-photos.csv.

Examples:
  kleid train facets --dataset photos/ --facets neckline,sleeve
  kleid train facets --dataset shop.csv=0.7 --dataset studio=0.3 --facets neckline --rename neckline:crew=round --yes
  kleid train facets --dataset shop.csv --facets fit --labels fit=slim,regular,wide --class-weights inverse
  kleid train facets --dataset shop.csv --facets neckline --own-trunk 2000 --ema 0.998
  kleid index --catalogue photos/ --out index/ --models build/facets/model.safetensors

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 more bad photos than --max-bad, 130 interrupted`,
		Flags: slices.Concat(partFlags("build/facets", []string{"facets"}), referenceFlags(), []cli.Flag{
			&cli.StringSliceFlag{Name: "dataset", EnvVars: flags.Env("dataset"), Usage: "`PLACE` of photos to learn from, or PLACE=WEIGHT: its share of each batch; may be repeated (in the variable parted by ;)"},
			&cli.StringSliceFlag{Name: "test-dataset", EnvVars: flags.Env("test-dataset"), Usage: "`PLACE` of photos to measure with, all of them; those of --dataset are all learned from then, but for photos marked as test, which are left out; may be repeated"},
			&cli.StringSliceFlag{Name: "facets", EnvVars: flags.Env("facets"), Usage: "`NAMES` of the facets, parted by commas; without it all that the datasets have"},
			&cli.StringSliceFlag{Name: "labels", EnvVars: flags.Env("labels"), Usage: "order of labels, `FACET=LABEL,LABEL`, each of which a photo or the model has; may be repeated"},
			&cli.StringSliceFlag{Name: "rename", EnvVars: flags.Env("rename"), Usage: "new name for a label of the model or a dataset, `FACET:OLD=NEW`; may be repeated"},
			&cli.IntFlag{Name: "own-trunk", EnvVars: flags.Env("own-trunk"), Usage: "train a trunk that these facets have to themselves, for `N` steps, from the model's: better where there are thousands of photos, at the cost of one more pass of a network for each; --learning-rate, --warm-up, --accumulate, --clip-norm and --ema are the trunk's then; 0 trains heads alone"},
			maxbad.Flag(), terminal.YesFlag(),
			&cli.IntFlag{Name: "steps", EnvVars: flags.Env("steps"), DefaultText: "the head's own number", Usage: "`N` steps of training"},
			earlyStopFlag(), flags.JSON(), open.ModelsFlag(),
		}, learning.FacetLossFlags(), mixFlags(), loopFlags()),
		Action: trainFacets,
	}
}

// trainFacets is the action.
func trainFacets(c *cli.Context) error {
	if err := flags.NotNegative(c, "steps", "own-trunk"); err != nil {
		return err
	}
	if len(flags.Repeated(c, "dataset")) == 0 || flags.OnlyOther(c, "dataset", "reference") {
		for _, name := range []string{"test-dataset", "facets", "labels", "rename"} {
			if flags.OnCommandLine(c, name) {
				return exit.WrongUsage(c, "--%s goes with --dataset; --dataset studio is painted dresses", name)
			}
		}
		for _, name := range []string{"own-trunk", "early-stop", "mixup", "cutmix", "mix-share"} {
			if flags.OnCommandLine(c, name) {
				return exit.WrongUsage(c, "--%s goes with --dataset", name)
			}
		}
		return train(c, []string{"facets"})
	}
	for _, name := range []string{"mixup", "cutmix", "mix-share"} {
		if c.Int("own-trunk") == 0 && flags.OnCommandLine(c, name) && c.Float64(name) > 0 {
			return exit.WrongUsage(c, "--%s goes with --own-trunk: heads read features that were taken before", name)
		}
	}
	if c.Int("own-trunk") == 0 && flags.OnCommandLine(c, "early-stop") && c.Int("early-stop") > 0 {
		return exit.WrongUsage(c, "--early-stop goes with --own-trunk: heads take all their steps, since they learn from all photos in the end")
	}
	for _, name := range []string{"upper", "surroundings"} {
		if c.Int("own-trunk") > 0 && flags.OnCommandLine(c, name) {
			return exit.WrongUsage(c, "--%s goes without --own-trunk, which learns where to look in the dress", name)
		}
	}
	for _, name := range []string{"reference", "dresses"} {
		if flags.OnCommandLine(c, name) {
			return exit.WrongUsage(c, "--dataset and --%s exclude each other", name)
		}
	}
	if err := flags.Positive(c, "products"); err != nil {
		return err
	}
	labels, err := learning.LabelOptions(c)
	if err != nil {
		return err
	}
	var parts []learning.DatasetArgument
	for _, text := range flags.Repeated(c, "dataset") {
		part, err := learning.ParseDataset(text)
		if err != nil {
			return exit.WrongUsage(c, "%v", err)
		}
		parts = append(parts, part)
	}
	limit, err := maxbad.Of(c)
	if err != nil {
		return err
	}
	read, err := learning.NewFacetDatasets(c, limit)
	if err != nil {
		return err
	}
	defer read.Close()
	f := &facetTraining{FacetDatasets: read}
	return f.run(parts, labels)
}

// facetTraining is a run of train facets.
type facetTraining struct {
	*learning.FacetDatasets
	sets []datasetFigures
}

func (f *facetTraining) run(parts []learning.DatasetArgument, labels vocabulary.Options) error {
	c := f.CLI
	f.Options = training.Options{Code: c.App.Version, Paint: training.DefaultPaintOptions(), Steps: c.Int("steps"), OwnTrunk: c.Int("own-trunk"), Stale: measuredFiles, Logger: f.Progress.Logger(), Watch: f.Progress.WatchTraining()}
	f.Options.Paint = f.Options.Paint.OfProducts(c.Int("products"))
	err := setLoop(c, &f.Options)
	if err != nil {
		return err
	}
	if f.Options.Work, err = storage.Open(c.Context, c.String("work")); err != nil {
		return err
	}
	f.Bad.Work = f.Options.Work
	if f.Options.From, err = open.Model(c); err != nil {
		return err
	}
	release, err := learning.ClaimWork(c.Context, f.Options.Work)
	if err != nil {
		return err
	}
	defer release()
	if err := f.open(parts, labels.Facets); err != nil {
		return err
	}
	if err := f.Bad.Take(f.Mixture.Bad()); err != nil { // first: where rows are bad, labels may be missing
		return err
	}
	if err := f.plan(labels); err != nil {
		return err
	}
	photos, err := f.ReadPhotos()
	if err != nil {
		return err
	}
	f.tellPhotos(photos)
	fit, err := training.FitFacets(c.Context, f.Options, photos)
	if err != nil {
		return err
	}
	return fit.Finish(c.Context, f.measure(photos, fit))
}

// open reads the datasets.
func (f *facetTraining) open(parts []learning.DatasetArgument, facets []string) error {
	for _, part := range parts {
		d := training.Studio()
		if part.Place != learning.StudioDataset {
			var err error
			if d, err = f.Open(part.Place, facets); err != nil {
				return err
			}
		}
		f.Mixture.Parts = append(f.Mixture.Parts, training.Part{Dataset: d, Weight: part.Weight, Painted: part.Place == learning.StudioDataset})
		f.sets = append(f.sets, datasetFigures{Name: d.Name, Place: part.Place, Weight: part.Weight, Fingerprint: d.Fingerprint, Photos: d.Size()})
	}
	for _, location := range flags.Repeated(f.CLI, "test-dataset") {
		d, err := f.Open(location, facets)
		if err != nil {
			return err
		}
		f.Mixture.Tests = append(f.Mixture.Tests, d)
		f.sets = append(f.sets, datasetFigures{Name: d.Name, Place: location, Fingerprint: d.Fingerprint, Photos: d.Size()})
	}
	return nil
}

func (f *facetTraining) tellPhotos(photos *training.FacetPhotos) {
	located := 0
	for _, p := range slices.Concat(photos.Learned, photos.Measured, photos.Others) {
		if p.Found {
			located++
		}
	}
	f.Progress.Say("%d photos to learn from, %d to measure with, %d others; the dress was found in %d, and %d without a box are taken whole",
		len(photos.Learned), len(photos.Measured), len(photos.Others), located, photos.Whole)
	if unlabelled := len(photos.Others) - photos.Marked; unlabelled > 0 {
		f.Progress.Say("%d of the others have no label of %s", unlabelled, terminal.Printable(strings.Join(f.FacetNames(), ", ")))
	}
	if photos.Marked > 0 {
		f.Progress.Say("%d of the others are marked as test in --dataset: with --test-dataset they are neither learned from nor measured with", photos.Marked)
	}
	if photos.NoDress > 0 {
		f.Progress.Say("%d photos more are left out, which show no dress", photos.NoDress)
	}
	for i, measured := range f.Mixture.Plan.Measured() {
		if unlearned := measured.Labels[len(f.Mixture.Plan.Facets[i].Labels):]; len(unlearned) > 0 {
			f.Progress.Say("%s: no photo to learn from is %s: those to measure with count as wrong", measured.Name, terminal.Printable(strings.Join(unlearned, ", ")))
		}
	}
	if photos.Repeated > 0 {
		f.Progress.Say("%d photos are measured with once, though another dataset has them, too", photos.Repeated)
	}
	if photos.Shared > 0 {
		f.Progress.Say("%d photos more are not learned from: another dataset has them, or photos of their products, to measure with", photos.Shared)
	}
}
