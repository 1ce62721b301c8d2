package evaluate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

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
	"github.com/kleid-search/kleid/models/training/vocabulary"
)

// datasetFlags choose a shop's own photos to measure facets with.
func datasetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "dataset", EnvVars: flags.Env("evaluate-dataset"), Usage: "`PLACE` of photos to measure with, instead of --reference: a folder or a manifest, as kleid train facets takes it, but without a weight; may be repeated"},
		&cli.StringFlag{Name: "split", Value: allSplits, EnvVars: flags.Env("split"), Usage: "which photos of --dataset to measure with: all, or test, those that trainings keep apart"},
		&cli.StringSliceFlag{Name: "facets", EnvVars: flags.Env("facets"), Usage: "`NAMES` of the facets, parted by commas; without it all that the datasets and the model have"},
		&cli.StringSliceFlag{Name: "rename", EnvVars: flags.Env("rename"), Usage: "new name for a label of the model or a dataset, `FACET:OLD=NEW`; may be repeated"},
		maxbad.Flag(),
	}
}

// allSplits is --split of all photos.
const allSplits = "all"

// evaluateDatasets measures a model's facets on --dataset.
func evaluateDatasets(c *cli.Context) error {
	limit, labels, err := datasetOptions(c)
	if err != nil {
		return err
	}
	counting := evaluation.Counting{Least: c.Int("min-count"), Labels: labels.Order}
	labels.Order = map[string][]string{} // which say what counts here
	read, err := learning.NewFacetDatasets(c, limit)
	if err != nil {
		return err
	}
	defer read.Close()
	f := datasetEvaluation{read}
	f.Options = training.Options{Logger: f.Progress.Logger(), Watch: f.Progress.WatchTraining()}
	if c.String("split") != allSplits {
		f.Mixture.Split = datasets.Test
	}
	if f.Options.From, err = open.Model(c); err != nil {
		return err
	}
	if err := f.planTests(labels); err != nil {
		return err
	}
	if err := counting.Check(f.Measured()); err != nil {
		return exit.WrongUsage(c, "--labels: %v", err)
	}
	photos, err := f.ReadPhotos()
	if err != nil {
		return err
	}
	if len(photos.Measured) == 0 && f.Mixture.Split != "" {
		return errors.New("no photo with a label is for measuring: leave out --split test")
	}
	embedder, err := embedding.NewDescriber(f.Options.Backend, f.Options.From)
	if err != nil {
		return err
	}
	looked, seen, err := f.Look(embedder, "measuring", photos.Measured)
	if err != nil {
		return err
	}
	f.Rename(seen)
	f.Progress.End()
	return f.report(looked, seen, counting)
}

// datasetEvaluation measures a model's facets on photos of datasets.
type datasetEvaluation struct{ *learning.FacetDatasets }

// datasetOptions reads the flags, and what goes without --dataset alone is refused.
func datasetOptions(c *cli.Context) (limit maxbad.Limit, labels vocabulary.Options, err error) {
	for _, name := range []string{"reference", "dresses", "folds", "class-weights", "class-weight", "label-smoothing", "focal", "upper", "surroundings"} {
		if flags.OnCommandLine(c, name) {
			return limit, labels, exit.WrongUsage(c, "--dataset and --%s exclude each other", name)
		}
	}
	for _, text := range flags.Repeated(c, "dataset") {
		part, err := learning.ParseDataset(text)
		switch {
		case err != nil || part.Place != text:
			return limit, labels, exit.WrongUsage(c, "--dataset is %q, but takes no weight: all photos are measured with", text)
		case text == learning.StudioDataset:
			return limit, labels, exit.WrongUsage(c, "--dataset is %s: kleid evaluate painted measures with painted dresses", text)
		}
	}
	if split := c.String("split"); split != allSplits && split != string(datasets.Test) {
		return limit, labels, exit.WrongUsage(c, "--split is %q, but must be %s or %s", split, allSplits, datasets.Test)
	}
	if limit, err = maxbad.Parse(c.String("max-bad")); err != nil {
		return limit, labels, exit.WrongUsage(c, "%v", err)
	}
	labels, err = learning.LabelOptions(c)
	return limit, labels, err
}

// planTests opens the datasets, and brings their labels to the model's.
func (f datasetEvaluation) planTests(labels vocabulary.Options) error {
	facets, known := f.Options.From.Metadata().Facets, map[string]bool{}
	model := make([]models.FacetConfig, len(facets)) // colours, which no head names, included
	for i, facet := range facets {
		model[i].Facet, known[facet.Name] = facet, true
	}
	for _, name := range labels.Facets {
		if !known[name] {
			return exit.WrongUsage(f.CLI, "--facets: the model knows no %s", name)
		}
	}
	for _, location := range flags.Repeated(f.CLI, "dataset") {
		d, err := f.Open(location, labels.Facets)
		if err != nil {
			return err
		}
		f.Mixture.Tests = append(f.Mixture.Tests, d)
	}
	if err := f.Bad.Take(f.Mixture.Bad()); err != nil { // first: where rows are bad, labels may be missing
		return err
	}
	if len(labels.Facets) == 0 {
		labels.Facets = f.sharedFacets(known)
		if len(labels.Facets) == 0 {
			return errors.New("the datasets have no facet that the model knows")
		}
	}
	for _, facet := range facets { // whose labels are called as the model calls them
		if slices.Contains(labels.Facets, facet.Name) {
			labels.Order[facet.Name] = labels.Distinct(facet)
		}
	}
	var err error
	if f.Mixture.Plan, err = vocabulary.NewPlan(model, f.Mixture.Tests, labels); err != nil {
		return exit.WrongUsage(f.CLI, "%v", err)
	}
	for _, change := range f.Mixture.Plan.Changes {
		if change.Fate == vocabulary.Added {
			f.Progress.Say("the model has no %s %s, and so is wrong about each photo of it; where it calls it otherwise, say --rename %s:%s=…",
				change.Facet, terminal.Printable(change.Label), change.Facet, terminal.Printable(change.Label))
		}
	}
	return nil
}

// DatasetReport is what `evaluate facets --dataset --json` prints.
type DatasetReport struct {
	Facets []evaluation.FacetReport `json:"facets"`
	Mean   evaluation.MeanF1        `json:"mean"`
	// NotCounted are labels of photos that are left out.
	NotCounted []evaluation.UncountedLabel `json:"not_counted"`
	// Learned is the share of each facet's photos that the model has learned from, where its file tells.
	Learned map[string]float64 `json:"learned_from,omitempty"`
}

// report measures what was seen in photos, and prints it.
func (f datasetEvaluation) report(looked []training.LabelledPhoto, seen []embedding.Photo, counting evaluation.Counting) error {
	examples := make([]datasets.Example, len(looked))
	for i, p := range looked {
		examples[i] = p.Example
	}
	r := DatasetReport{
		Facets:     evaluation.MeasureFacets(f.Measured(), examples, seen, counting),
		NotCounted: counting.Uncounted(f.Measured(), examples), Learned: f.learnedShares(looked),
	}
	if err := counting.Measured(r.Facets); err != nil {
		return fmt.Errorf("--labels: %w", err)
	}
	if len(r.Facets) == 0 {
		return fmt.Errorf("no label has %d photos, as --min-count asks for", counting.Least)
	}
	r.Mean = evaluation.Mean(r.Facets)
	f.tellLearned(r.Learned)
	if f.CLI.Bool("json") {
		return json.NewEncoder(f.CLI.App.Writer).Encode(r)
	}
	row := tables.New(f.CLI)
	tables.Facets(row, r.Facets)
	for _, facet := range r.Facets {
		tables.Confusion(row, terminal.Printable(facet.Facet), facet.Confusion)
	}
	tables.Uncounted(row, r.NotCounted)
	return nil
}

// learnedShares are the shares of each facet's photos that the model has learned from, where its file tells.
func (f datasetEvaluation) learnedShares(photos []training.LabelledPhoto) map[string]float64 {
	shares := map[string]float64{}
	for _, facet := range f.Mixture.Plan.Facets {
		if share, ok := f.Options.From.Config.Learned[facet.Name].Share(training.PhotoIDs(photos, facet.Name)); ok {
			shares[facet.Name] = share
		}
	}
	return shares
}

// tellLearned warns of figures on photos that the model has learned from.
func (f datasetEvaluation) tellLearned(shares map[string]float64) {
	var learned []string
	for _, facet := range f.FacetNames() {
		if share := shares[facet]; share > 0 {
			learned = append(learned, fmt.Sprintf("%s from about %.0f%%", facet, 100*share))
		}
	}
	if len(learned) == 0 {
		return
	}
	advice := "--split test measures with those that its training kept apart"
	if f.Mixture.Split != "" {
		advice = "measure with photos of another place"
	}
	f.Progress.Say("the model has learned from these photos (%s of them), so that its figures are better than they would be on others: %s", strings.Join(learned, ", "), advice)
}

// sharedFacets are those of the datasets that the model knows, too.
func (f datasetEvaluation) sharedFacets(known map[string]bool) []string {
	var names []string
	seen := map[string]bool{}
	for _, d := range f.Mixture.Tests {
		for _, facet := range d.Facets {
			if known[facet.Name] && !seen[facet.Name] {
				seen[facet.Name] = true
				names = append(names, facet.Name)
			}
		}
	}
	return names
}
