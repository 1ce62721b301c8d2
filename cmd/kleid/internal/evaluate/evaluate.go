// Package evaluate is kleid evaluate: how good a model is on labelled photos, real or painted.
package evaluate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/tables"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
)

// badReferenceNote says what becomes of bad photos, for evaluations of labelled photos.
const badReferenceNote = `Photos that cannot be read, or whose box is outside of them, are counted and left out; more of them than --max-bad are
exit code 3.`

// Command measures the model on labelled real photos.
func Command() *cli.Command {
	shared := []cli.Flag{
		&cli.StringFlag{Name: "reference", Aliases: []string{"data"}, EnvVars: flags.Env("reference"), Usage: "`DIR` of labelled real photos, see kleid evaluate --help"},
		&cli.BoolFlag{Name: "folds", EnvVars: flags.Env("folds"), Usage: "measure each fold of the photos by heads that have not learned from it: they are trained anew, on the model's trunk"},
		&cli.StringFlag{Name: "work", Value: "build/folds", EnvVars: flags.Env("evaluate-work"), Usage: "`DIR` or s3:// URL for what --folds trains; it goes on from what is there"},
		learning.DressesFlag(), flags.JSON(),
		open.BackendFlag(), open.ThreadsFlag(), open.ModelsFlag(),
	}
	sub := func(name, usage, description string, heads []string, run func(*cli.Context, measured) (any, error)) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage,
			Flags: append(slices.Clone(shared), &cli.IntFlag{Name: "products", Value: training.DefaultPaintOptions().Products, EnvVars: flags.Env("evaluate-" + name + "-products"), Usage: "`N` painted dresses that --folds learns from besides" + learning.MemoryNote(heads)}),
			Description: description + "\n\nExamples:\n  kleid evaluate " + name + " --folds --reference photos/reference\n  kleid evaluate " + name +
				" --reference photos/reference --models build/weights/model.safetensors --json",
			Action: func(c *cli.Context) error { return evaluate(c, heads, run) },
		}
	}
	return &cli.Command{
		Name:  "evaluate",
		Usage: "measure the model on labelled photos, real or painted",
		Description: `Examples:
  kleid evaluate location --folds --reference photos/reference
  kleid evaluate facets --reference photos/reference --models build/weights/model.safetensors

The shipped weights have learned from all folds of the photos that they are made with. --folds gives
figures on photos that heads have not seen: they are trained five times, on the model's own trunk, each
time without a fold, which is then measured.

` + learning.ReferenceLayout,
		Subcommands: []*cli.Command{
			also(sub("location", "is the dress found, and where", `Prints, for street and home photos, how well the boxes found overlap the true ones (intersection over
union), how many dresses are missed and how many photos of other things are taken for one. Reads the
tables of clothing, ccp and facets, or, as "photos" (in --json: location), a shop's own: --dataset.
`+badReferenceNote+`

`+learning.LocationFormat+`
It says if the model has learned from them: --split test then takes those that kleid train location kept apart, and
--folds measures with all of them, by heads that learn from the others.`, []string{"background", "location", "refine"}, evaluateLocation), locationFlags()...),
			paintedCommand(),
			overrideCommand(),
			also(sub("facets", "are silhouette, neckline, sleeve, … named rightly", `Prints precision, recall and F1 of each label, and accuracy and mean F1 of each facet, in the dresses' true
boxes and, with --reference, in those that are found. Reads facets/labels.csv, or a shop's own photos: --dataset. Of
these it also prints what is taken for what, and says if the model has learned from them: --split test then takes those
that kleid train facets kept apart. How heads are judged while --folds trains them is chosen as in kleid train facets.
`+badReferenceNote, []string{"facets"}, evaluateFacets), slices.Concat(learning.FacetLossFlags(), datasetFlags(), []cli.Flag{
				&cli.IntFlag{Name: "min-count", Value: evaluation.MinCount, EnvVars: flags.Env("min-count"), Usage: "`N` photos that a label needs to count towards a facet's macro F1"},
				&cli.StringSliceFlag{Name: "labels", EnvVars: flags.Env("evaluate-labels"), Usage: "labels that count, `FACET=LABEL,LABEL`, whatever --min-count says; those that no photo has do not, and are named, and if no photo has any it is an error; may be repeated"},
			})...),
			also(sub("similarity", "do people agree on which dresses are alike", `Prints the share of the triplets in which each of the two embeddings finds the same dress closer as the
people who judged. Reads triplets/triplets.csv, and boxes from facets/labels.csv. With --folds, --triplets are
learned from, those of each fold apart, and not measured with. With --catalogue, it prints what kleid train similarity
--catalogue does, for a model that is there: how often another photo of a product comes first, and, with --triplets,
how often people agree, of products that trainings keep apart.
`+badReferenceNote, []string{"deeprank"}, evaluateSimilarity), slices.Concat(learning.TripletFlags(training.AllHeads, "--reference or --catalogue"), learning.ShopFlags("photos of one product_id should be alike, and a fifth of the products is measured with"))...),
		},
	}
}

// also adds flags to a command.
func also(c *cli.Command, flags ...cli.Flag) *cli.Command {
	c.Flags = slices.Concat(c.Flags, flags)
	return c
}

// measured is what an evaluation is of: one model, or one for each fold of the reference photos that has not
// learned from it.
type measured struct {
	reference *datasets.Reference // nil where location is measured with --dataset alone
	location  locationMeasured
	// learned are the shares of photos that the model has learned from, where its file tells.
	learned   map[string]float64
	facets    []catalog.Facet
	embedders []*embedding.Embedder
	// confidence is that from which the model takes what it finds for a dress.
	confidence float64
	// confidences are others from which location is measured, too.
	confidences []float64
	// counting says which labels of the facets count.
	counting evaluation.Counting
}

// parts gives each embedder the examples that it is measured on.
func (m measured) parts(examples []datasets.Example) []evaluation.Part {
	if len(m.embedders) == 1 {
		return []evaluation.Part{{Embedder: m.embedders[0], Examples: examples}}
	}
	parts := make([]evaluation.Part, len(m.embedders))
	for k, e := range m.embedders {
		parts[k].Embedder = e
	}
	for _, e := range examples {
		k := training.FoldOf(e)
		parts[k].Examples = append(parts[k].Examples, e)
	}
	return parts
}

func evaluate(c *cli.Context, heads []string, run func(*cli.Context, measured) (any, error)) error {
	if slices.Contains(heads, "facets") {
		if err := flags.Positive(c, "min-count"); err != nil {
			return err
		}
	}
	if slices.Contains(heads, "location") {
		places, reference, err := locationChoice(c)
		if err != nil {
			return err
		}
		return learning.WithFetched(func(folder string) error {
			return evaluateModel(c, heads, func() (measured, error) {
				m, err := readLocationMeasured(c, heads, places, reference, folder)
				return measured{reference: m.reference, location: m}, err
			}, run)
		})
	}
	if c.String("catalogue") != "" && !flags.OnlyOther(c, "catalogue", "reference") { // similarity alone has it
		return evaluateShop(c)
	}
	if len(flags.Repeated(c, "dataset")) > 0 && !flags.OnlyOther(c, "dataset", "reference") { // of facets
		return evaluateDatasets(c)
	}
	for _, name := range []string{"facets", "rename", "split"} {
		if flags.OnCommandLine(c, name) {
			return exit.WrongUsage(c, "--%s goes with --dataset", name)
		}
	}
	if c.String("reference") == "" && slices.Contains(heads, "facets") {
		return exit.WrongUsage(c, "%s needs --dataset, photos of your own, or --reference", c.Command.HelpName)
	}
	if c.String("reference") == "" && slices.Contains(heads, "deeprank") {
		return exit.WrongUsage(c, "%s needs --catalogue, photos of your own, or --reference", c.Command.HelpName)
	}
	if err := flags.Required(c, "reference"); err != nil {
		return err
	}
	limit, err := maxbad.Of(c)
	if err != nil {
		return err
	}
	return evaluateModel(c, heads, func() (measured, error) {
		progress := terminal.NewProgress(c)
		defer progress.End()
		reference, bad, err := openMeasuredReference(c, progress, heads)
		if err != nil {
			return measured{}, err
		}
		list := maxbad.NewList(c, progress, limit)
		return measured{reference: reference}, list.TakeKinds(bad)
	}, run)
}

// evaluateModel measures the model, or what --folds trains, with what is opened.
func evaluateModel(c *cli.Context, heads []string, read func() (measured, error), run func(*cli.Context, measured) (any, error)) error {
	if err := flags.Positive(c, "products"); err != nil {
		return err
	}
	if err := checkFoldFlags(c); err != nil {
		return err
	}
	confidences, err := minConfidences(c)
	if err != nil {
		return err
	}
	backend, err := open.Backend(c)
	if err != nil {
		return err
	}
	model, err := open.Model(c)
	if err != nil {
		return err
	}
	if !c.Bool("folds") { // which trains what a model lacks
		switch {
		case slices.Contains(heads, "location") && !model.Locates():
			return errors.New("the model cannot find dresses, since its location was never trained: train all that a trunk lacks with kleid train heads, or measure heads that are trained anew by --folds")
		case slices.Contains(heads, "facets") && len(model.Config.Facets) == 0:
			return errors.New("the model names no facets: train them with kleid train facets, or measure heads that are trained anew by --folds")
		}
	}
	facets, counting := model.Metadata().Facets, evaluation.Counting{Least: c.Int("min-count"), Labels: map[string][]string{}}
	if err := learning.FacetLabels(c, counting.Labels); err != nil {
		return err
	}
	if err := counting.Check(facets); err != nil {
		return exit.WrongUsage(c, "--labels: %v", err)
	}
	m, err := read()
	if err != nil {
		return err
	}
	if m.reference != nil && !c.Bool("folds") {
		learned, err := training.LearnedFrom(model, m.reference)
		if err != nil {
			return err
		}
		if learned {
			terminal.Say(c, "the model comes from a training with these very photos, so that its figures are better than they would be on others: --folds measures heads that have not seen them")
		}
	}
	m.confidences, m.facets, m.counting = confidences, facets, counting
	of := []*models.Model{model}
	if c.Bool("folds") {
		if of, err = foldModels(c, heads, m, model, backend); err != nil {
			return err
		}
	} else if share, ok := m.location.learnedShare(c, model); ok {
		m.learned = map[string]float64{"location": share}
	}
	newEmbedder := embedding.New
	if slices.Contains(heads, "location") { // which needs no embeddings
		newEmbedder = embedding.NewDescriber
	}
	m.confidence = model.Config.Merge.MinConfidence
	for _, model := range of {
		measured := *model // the default one is shared
		for _, confidence := range confidences {
			measured.Config.Merge.MinConfidence = min(measured.Config.Merge.MinConfidence, confidence)
		}
		e, err := newEmbedder(backend, &measured)
		if err != nil {
			return err
		}
		m.embedders = append(m.embedders, e)
	}
	report, err := run(c, m)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(report)
	}
	return nil
}

func evaluateFacets(c *cli.Context, m measured) (any, error) {
	examples, err := m.reference.Facets()
	if err != nil {
		return nil, err
	}
	reports, means := map[string]any{}, map[string]evaluation.MeanF1{}
	row := tables.New(c)
	for _, on := range []struct {
		name string
		true bool
	}{{"true boxes", true}, {"found boxes", false}} {
		r, err := evaluation.Facets(c.Context, m.facets, on.true, m.counting, m.parts(examples)...)
		if err != nil {
			return nil, err
		}
		if err := m.counting.Measured(r); err != nil {
			return nil, fmt.Errorf("--labels: %w", err)
		}
		if reports[on.name] = r; len(r) > 0 {
			means[on.name] = evaluation.Mean(r)
		}
		row("on %s", on.name)
		tables.Facets(row, r)
	}
	uncounted := m.counting.Uncounted(m.facets, slices.DeleteFunc(examples, func(e datasets.Example) bool { return e.NoDress }))
	tables.Uncounted(row, uncounted)
	reports["mean"], reports["not_counted"] = means, uncounted
	return reports, nil
}

func evaluateSimilarity(c *cli.Context, m measured) (any, error) {
	triplets, err := m.reference.Triplets()
	if err != nil {
		return nil, err
	}
	parts := make([]evaluation.TripletPart, len(m.embedders))
	for k, e := range m.embedders {
		parts[k].Embedder = e
	}
	for _, t := range triplets {
		k := training.TripletFold(t) % len(parts)
		parts[k].Triplets = append(parts[k].Triplets, t)
	}
	r, err := evaluation.Triplets(c.Context, parts...)
	if err != nil {
		return nil, err
	}
	report := SimilarityReport{Triplets: r}
	row := tables.New(c)
	row("triplets\tunsupervised\tDeepRank\tgain\t80%% interval")
	row("%d\t%.3f\t%.3f\t%+.3f\t%+.3f to %+.3f", r.Triplets, r.Unsupervised, r.DeepRank, r.Gain, r.GainInterval[0], r.GainInterval[1])
	row("")
	photos, err := m.reference.Patterns()
	if errors.Is(err, fs.ErrNotExist) {
		return report, nil
	}
	if err != nil {
		return nil, err
	}
	// None of the heads has learned from these.
	patterns, err := evaluation.Patterns(c.Context, m.embedders[0], photos)
	if err != nil {
		return nil, err
	}
	again, err := evaluation.Again(c.Context, m.embedders[0], photos)
	if err != nil {
		return nil, err
	}
	report.Patterns, report.Again = &patterns, &again
	row("pattern, %d queries in %d\tP@1\tP@10\tpatterned P@1\tP@10", patterns.Queries, patterns.Gallery)
	for _, of := range []struct {
		name string
		evaluation.PatternFigures
	}{{"unsupervised", patterns.Unsupervised}, {"DeepRank", patterns.DeepRank}} {
		row("%s\t%.3f\t%.3f\t%.3f\t%.3f", of.name, of.P1, of.P10, of.PatternedP1, of.PatternedP10)
	}
	row("")
	row("photographed again, %d queries in %d\tunsupervised\tDeepRank", again.Queries, again.Gallery)
	row("R@1\t%.3f\t%.3f", again.Unsupervised, again.DeepRank)
	row("")
	return report, nil
}

// SimilarityReport is what evaluate similarity prints.
type SimilarityReport struct {
	Triplets evaluation.TripletReport `json:"triplets"`
	// Patterns and Again are nil where the reference photos have no patterns.
	Patterns *evaluation.PatternReport `json:"patterns,omitempty"`
	Again    *evaluation.AgainReport   `json:"again,omitempty"`
}
