// Package train is kleid train: the model's parts, from painted dresses, labelled photos and a shop's own.
package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/vocabulary"
	"github.com/kleid-search/kleid/storage"
)

// trainNotes hold for all that is trained.
const trainNotes = `The dresses to learn from are painted, and --reference adds real photos. Those that cannot be read, or whose box is
outside of them, are counted, listed in bad-photos.csv and left out; more of them than --max-bad are exit code 3.
Checkpoints and the result, model.safetensors, are in --work: the same command goes on where it stopped.`

// locationNotes hold for what learns where the dress is from a shop's own photos.
const locationNotes = `

With --dataset where the dress is, and whether there is one, is learned from photos of your own as well.
` + learning.LocationFormat + ` A fifth of the products, or what split marks as test, is not learned from: how well dresses are
found there is printed, also by the model before, and left in --work for kleid models push (metrics.json), beside
bad-photos.csv. report.html shows the worst of these photos, or else painted ones, with the box that was found. An
index is made anew with the model.`

// locationTrainFlag is --dataset of what learns where the dress is.
func locationTrainFlag() cli.Flag {
	return learning.LocationDatasetFlag("train-dataset", "to learn where the dress is from, instead of --reference or beside it")
}

// Command trains the model's parts: `train all` makes the shipped weights.
func Command() *cli.Command {
	command := &cli.Command{
		Name:  "train",
		Usage: "train the model, or one of its parts, on painted and real photos",
		Description: `Examples:
  kleid train all --reference photos/reference --work build/weights
  kleid train facets --dataset shop.csv --facets neckline,sleeve
  kleid train all --trunk resnet18 --trunk-weights resnet18.safetensors --half-steps 0 --full-steps 0

"train all" goes from nothing to a model; it leaves checkpoints and goes on where it stopped. The
others train a part of the model named by --models (by default the shipped one) on its frozen trunk
and write WORK/model.safetensors, which --models reads.

` + learning.ReferenceLayout,
		Subcommands: []*cli.Command{
			{
				Name: "all", Usage: "trunk and all heads, from nothing",
				Description: trainNotes + locationNotes + `

Examples:
  kleid train all --reference photos/reference
  kleid train all --trunk resnet18 --trunk-weights resnet18.safetensors --half-steps 0 --full-steps 0

` + exit.BadCodes,
				Flags:  slices.Concat(partFlags("build/weights", nil), referenceFlags(), learning.TripletFlags(training.AllHeads, "--reference"), []cli.Flag{locationTrainFlag(), maxbad.Flag()}, trunkFlags(), learning.FacetLossFlags(), loopFlags()),
				Action: func(c *cli.Context) error { return train(c, nil) },
			},
			{
				Name: "trunk", Usage: "the trunk alone, from nothing",
				Description: trainNotes + ` kleid train all with the same
--work goes on from the trunk.

Example:
  kleid train trunk --trunk resnet18 --reference photos/reference

` + exit.BadCodes,
				Flags:  slices.Concat(partFlags("build/trunk", []string{}), referenceFlags(), []cli.Flag{maxbad.Flag()}, trunkFlags(), loopFlags()),
				Action: func(c *cli.Context) error { return train(c, []string{}) },
			},
		},
	}
	for _, part := range trainedParts() {
		command.Subcommands = append(command.Subcommands, part.command())
	}
	command.Subcommands = append(command.Subcommands, facetsCommand())
	return command
}

// productsNote says what painted dresses take, or, where few of them count, which.
func productsNote(work string, heads []string) string {
	if work != overrideWork {
		return learning.MemoryNote(heads)
	}
	return fmt.Sprintf("; more than %d change nothing", training.OverrideProducts)
}

// partFlags are those of all that is trained; of a whole model heads are nil.
func partFlags(work string, heads []string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "work", Value: work, EnvVars: flags.Env("work"), Usage: "`DIR` or s3:// URL for checkpoints and the result; training goes on from what is there, and one at a time works in a folder"},
		&cli.IntFlag{Name: "products", Value: training.DefaultPaintOptions().Products, EnvVars: flags.Env("train-products"), Usage: "`N` painted dresses to learn from" + productsNote(work, heads)},
		open.BackendFlag(), open.ThreadsFlag(),
	}
}

// referenceFlags are those of what learns from labelled real photos.
func referenceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "reference", EnvVars: flags.Env("reference"), Usage: "`DIR` of labelled real photos, see kleid train --help; without it the model learns from painted dresses alone"},
		learning.DressesFlag(),
	}
}

// trunkFlags are those of what trains a trunk.
func trunkFlags() []cli.Flag {
	return slices.Concat([]cli.Flag{
		teacherFlag(), earlyStopFlag(),
		&cli.IntFlag{Name: "half-steps", Value: training.DefaultTrunkOptions().HalfSteps, EnvVars: flags.Env("half-steps"), Usage: "`N` steps of the trunk at half the size of its crops"},
		&cli.IntFlag{Name: "full-steps", Value: training.DefaultTrunkOptions().FullSteps, EnvVars: flags.Env("full-steps"), Usage: "`N` steps of the trunk at full size"},
		&cli.StringFlag{Name: "trunk", Aliases: []string{"backbone"}, Value: models.DefaultConfig().Backbone, EnvVars: flags.Env("trunk"), Usage: "`NETWORK` of the trunk: " + strings.Join(models.BackboneNames(), ", ") + ", or " + onnxPrefix + "FILE, any ONNX image network, which stays as it is unless steps are given"},
		&cli.StringFlag{Name: "crop", EnvVars: flags.Env("crop"), DefaultText: "what the shipped model reads, or the network, where its file says so", Usage: "`HEIGHTxWIDTH` in pixels of what embeddings and facets read of a dress: larger crops show more, and cost more; multiples of the trunk's stride"},
		&cli.StringFlag{Name: "trunk-weights", EnvVars: flags.Env("trunk-weights"), Usage: "safetensors `FILE` or URL that the trunk starts from, with torchvision's or timm's names; with --half-steps 0 --full-steps 0 it stays as it is"},
	}, spatialTransformerFlags(), onnxFlags(), mixFlags())
}

// train runs training.Make. heads nil means a whole model, empty a trunk alone, else those heads of an
// existing model.
func train(c *cli.Context, heads []string) error {
	if err := flags.Positive(c, "products"); err != nil {
		return err
	}
	progress := terminal.NewProgress(c)
	defer progress.End()
	options := training.Options{Code: c.App.Version, FacetLoss: training.DefaultFacetLoss(), Heads: heads, Stale: measuredFiles, Logger: progress.Logger(), Watch: progress.WatchTraining(), Trunk: training.DefaultTrunkOptions(), Paint: training.DefaultPaintOptions()}
	options.Paint, options.Steps = options.Paint.OfProducts(c.Int("products")), c.Int("steps")
	if err := learning.SetMining(c, &options); err != nil {
		return err
	}
	if err := setLoop(c, &options); err != nil {
		return err
	}
	ofHead := len(heads) > 0
	if heads == nil || slices.Contains(heads, "facets") {
		var err error
		if options.FacetLoss, err = learning.FacetLoss(c, datasets.Facets(), training.DefaultFacetLoss()); err != nil {
			return err
		}
	}
	if !ofHead {
		if err := trunkOptions(c, &options.Trunk); err != nil {
			return err
		}
	}
	var err error
	if options.Work, err = storage.Open(c.Context, c.String("work")); err != nil {
		return err
	}
	if options.Backend, err = open.Backend(c); err != nil {
		return err
	}
	if c.String("reference") != "" {
		if options.Reference, err = learning.OpenReference(c); err != nil {
			return err
		}
	} else if len(flags.Repeated(c, "triplets")) > 0 && c.String("catalogue") == "" {
		return exit.WrongUsage(c, "--triplets are of the photos in --reference or --catalogue, which are missing")
	} else if len(flags.Repeated(c, "dresses")) > 0 {
		return exit.WrongUsage(c, "--dresses are of the photos in --reference, which is missing")
	}
	if ofHead {
		if options.From, err = open.Model(c); err != nil {
			return err
		}
	}
	if ofHead && slices.Contains(heads, "facets") {
		if err := confirmStudioLabels(c, progress, options.From); err != nil {
			return err
		}
	}
	if err := options.Check(); err != nil { // a catalogue takes its time
		return err
	}
	release, err := learning.ClaimWork(c.Context, options.Work)
	if err != nil {
		return err
	}
	defer release()
	return learning.WithFetched(func(folder string) error {
		if err := readPhotos(c, progress, &options, folder); err != nil {
			return err
		}
		return makeModel(c, progress, options)
	})
}

// confirmStudioLabels asks before facets of a model get the labels of painted dresses, where it knows others: those of a
// shop. Its other facets stay.
func confirmStudioLabels(c *cli.Context, progress *terminal.Progress, model *models.Model) error {
	var names []string
	for _, facet := range datasets.Facets() {
		names = append(names, facet.Name)
	}
	plan, err := vocabulary.NewPlan(model.Config.Facets, []*datasets.Dataset{training.Studio()}, vocabulary.Options{Facets: names})
	if err != nil {
		return err
	}
	own := map[string]bool{} // facets that the model knows: of others nothing is lost
	for _, f := range model.Config.Facets {
		own[f.Name] = true
	}
	changes := slices.ContainsFunc(plan.Changes, func(change vocabulary.Change) bool {
		return own[change.Facet] && change.Fate != vocabulary.Kept
	})
	if !changes {
		return nil
	}
	return confirmLabels(c, progress, plan)
}

// trunkOptions reads trunkFlags.
func trunkOptions(c *cli.Context, options *training.TrunkOptions) (err error) {
	if err := flags.NotNegative(c, "half-steps", "full-steps"); err != nil {
		return err
	}
	options.HalfSteps, options.FullSteps = c.Int("half-steps"), c.Int("full-steps")
	if err := trunkConfig(c, options); err != nil {
		return err
	}
	if options.Teacher, err = teacher(c); err != nil {
		return err
	}
	if url := c.String("trunk-weights"); url != "" && options.Initial == nil { // which an ONNX file has itself
		options.Initial, err = models.LoadWeights(c.Context, url)
	}
	return err
}
