package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
)

// evaluateCommand measures the model on labelled real photos.
func evaluateCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "reference", EnvVars: env("reference"), Usage: "`DIR` of labelled real photos, see kleid evaluate --help"},
		&cli.IntFlag{Name: "fold", Value: -1, EnvVars: env("fold"), Usage: "measure with fold `N` of the photos alone; -1 takes all"},
		jsonFlag(),
		backendFlag(), threadsFlag(), modelsFlag(),
	}
	sub := func(name, usage, description string, run func(*cli.Context, *embedding.Embedder, *datasets.Reference) (any, error)) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage, Flags: flags,
			Description: description + "\n\nExamples:\n  kleid evaluate " + name + " --reference photos/reference\n  kleid evaluate " + name +
				" --reference photos/reference --models build/weights/model-without-fold-0.safetensors --fold 0 --json",
			Action: func(c *cli.Context) error { return evaluate(c, run) },
		}
	}
	return &cli.Command{
		Name:  "evaluate",
		Usage: "measure the model on labelled photos, real or painted",
		Description: `Examples:
  kleid evaluate location --reference photos/reference
  kleid evaluate facets --reference photos/reference --models build/weights/model-without-fold-0.safetensors --fold 0

The shipped weights have learned from all folds: figures on photos that a model has not seen come from
the model that "train all" leaves as model-without-fold-0.safetensors, with --fold 0.

` + referenceLayout,
		Subcommands: []*cli.Command{
			sub("location", "is the dress found, and where", `Prints, for street and home photos, how well the boxes found overlap the true ones (intersection over
union), how many dresses are missed and how many photos of other things are taken for one. Reads the
tables of clothing, ccp and facets.`, evaluateLocation),
			evaluatePaintedCommand(),
			sub("facets", "are silhouette, neckline, sleeve, … named rightly", `Prints precision, recall and F1 of each label, and accuracy and mean F1 of each facet, in the dresses' true
boxes. Reads facets/labels.csv.`, evaluateFacets),
			sub("similarity", "do people agree on which dresses are alike", `Prints the share of the triplets in which each of the two embeddings finds the same dress closer as the
people who judged. Reads triplets/triplets.csv, and boxes from facets/labels.csv.`, evaluateSimilarity),
		},
	}
}

func evaluate(c *cli.Context, run func(*cli.Context, *embedding.Embedder, *datasets.Reference) (any, error)) error {
	if err := required(c, "reference"); err != nil {
		return err
	}
	reference, err := datasets.OpenReference(c.String("reference"))
	if err != nil {
		return err
	}
	embedder, err := newEmbedder(c)
	if err != nil {
		return err
	}
	report, err := run(c, embedder, reference)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(report)
	}
	return nil
}

// table starts a table on standard output, or nothing when JSON was asked for.
func evaluationTable(c *cli.Context) func(format string, args ...any) {
	if c.Bool("json") {
		return func(string, ...any) {}
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
	return func(format string, args ...any) {
		if format == "" {
			w.Flush()
			return
		}
		fmt.Fprintf(w, format+"\t\n", args...)
	}
}

func evaluateLocation(c *cli.Context, e *embedding.Embedder, reference *datasets.Reference) (any, error) {
	reports := map[string]evaluation.LocationReport{}
	row := evaluationTable(c)
	row(locationHead)
	for _, set := range []struct {
		name string
		read func() ([]datasets.Example, error)
	}{{"street", reference.Street}, {"home", reference.Garments}} {
		examples, err := set.read()
		if err != nil {
			return nil, err
		}
		r, err := evaluation.Location(c.Context, e, evaluation.Folds(examples, c.Int("fold")))
		if err != nil {
			return nil, err
		}
		reports[set.name] = r
		writeLocation(row, set.name, r)
	}
	row("")
	return reports, nil
}

const locationHead = "photos\tdresses\tmean IoU\tIoU ≥ 0.5\tIoU ≥ 0.75\tmissed\tothers\twith a dress all the same"

func writeLocation(row func(format string, args ...any), photos string, r evaluation.LocationReport) {
	row("%s\t%d\t%.3f\t%.1f%%\t%.1f%%\t%.1f%%\t%d\t%.1f%%", photos, r.Dresses, r.MeanIoU, 100*r.IoU50, 100*r.IoU75, 100*r.Missed, r.Others, 100*r.False)
}

func evaluateFacets(c *cli.Context, e *embedding.Embedder, reference *datasets.Reference) (any, error) {
	examples, err := reference.Facets()
	if err != nil {
		return nil, err
	}
	minCount := evaluation.MinCount
	if c.Int("fold") >= 0 {
		minCount = 1
	}
	reports, err := evaluation.Facets(c.Context, e, e.Metadata().Facets, evaluation.Folds(examples, c.Int("fold")), true, minCount)
	if err != nil {
		return nil, err
	}
	writeFacets(evaluationTable(c), reports)
	return reports, nil
}

func writeFacets(row func(format string, args ...any), reports []evaluation.FacetReport) {
	row("facet\tlabel\tphotos\tprecision\trecall\tF1\tmost often taken for")
	for _, r := range reports {
		for i, l := range r.Labels {
			row("%s\t%s\t%d\t%.3f\t%.3f\t%.3f\t%s", r.Facet, l.Label, l.Count, l.Precision, l.Recall, l.F1, mistakenFor(r.Confusion, i))
		}
	}
	row("")
	row("facet\tphotos\taccuracy\tmacro F1\t95%% interval\tweighted F1\tcalibration error")
	for _, r := range reports {
		row("%s\t%d\t%.3f\t%.3f\t%.3f–%.3f\t%.3f\t%.3f", r.Facet, r.Photos, r.Accuracy, r.MacroF1, r.MacroInterval[0], r.MacroInterval[1], r.WeightedF1, r.CalibrationError)
	}
	row("")
}

// mistakenFor is the wrong answer that a label gets most often.
func mistakenFor(c evaluation.Confusion, label int) string {
	worst := -1
	for j, n := range c.Counts[label] {
		if j != label && n > 0 && (worst < 0 || n > c.Counts[label][worst]) {
			worst = j
		}
	}
	switch {
	case worst < 0:
		return ""
	case worst == len(c.Labels):
		return fmt.Sprintf("another (%d)", c.Counts[label][worst])
	}
	return fmt.Sprintf("%s (%d)", c.Labels[worst], c.Counts[label][worst])
}

func evaluateSimilarity(c *cli.Context, e *embedding.Embedder, reference *datasets.Reference) (any, error) {
	triplets, err := reference.Triplets()
	if err != nil {
		return nil, err
	}
	var kept []datasets.Triplet
	for _, t := range triplets {
		if fold := c.Int("fold"); fold < 0 || t.Fold == fold {
			kept = append(kept, t)
		}
	}
	r, err := evaluation.Triplets(c.Context, e, kept)
	if err != nil {
		return nil, err
	}
	row := evaluationTable(c)
	row("triplets\tunsupervised\tDeepRank")
	row("%d\t%.3f\t%.3f", r.Triplets, r.Unsupervised, r.DeepRank)
	row("")
	return r, nil
}
