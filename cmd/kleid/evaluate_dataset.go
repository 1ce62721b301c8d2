package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models/training"
)

// datasetFlags choose a shop's own photos to measure facets with.
func datasetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "dataset", EnvVars: env("evaluate-dataset"), Usage: "`PLACE` of photos to measure with, all of them, instead of --reference: a folder or a manifest, as kleid train facets takes it, but without a weight; may be repeated"},
		&cli.StringSliceFlag{Name: "facets", EnvVars: env("facets"), Usage: "`NAMES` of the facets, parted by commas; without it all that the datasets and the model have"},
		maxBadFlag(),
	}
}

// evaluateDatasets measures a model's facets on --dataset.
func evaluateDatasets(c *cli.Context) error {
	for _, name := range []string{"reference", "dresses", "folds", "class-weights", "class-weight", "label-smoothing", "focal", "upper", "surroundings"} {
		if onCommandLine(c, name) {
			return wrongUsage(c, "--dataset and --%s exclude each other", name)
		}
	}
	for _, text := range repeated(c, "dataset") {
		part, err := parseDataset(text)
		switch {
		case err != nil || part.location != text:
			return wrongUsage(c, "--dataset is %q, but takes no weight: all photos are measured with", text)
		case text == studioDataset:
			return wrongUsage(c, "--dataset is %s: kleid evaluate painted measures with painted dresses", text)
		}
	}
	limit, err := parseMaxBad(c.String("max-bad"))
	if err != nil {
		return wrongUsage(c, "%v", err)
	}
	labels, err := labelOptions(c)
	if err != nil {
		return err
	}
	counting := evaluation.Counting{Least: c.Int("min-count"), Labels: labels.Order}
	labels.Order = map[string][]string{} // which say what counts here
	f := newFacetTraining(c, limit)
	defer f.close()
	f.options = training.Options{Logger: f.progress.logger(), Watch: f.progress.watchTraining()}
	if f.fetched, err = os.MkdirTemp("", "kleid-photos-"); err != nil {
		return err
	}
	if f.options.From, err = loadModel(c); err != nil {
		return err
	}
	facets := f.options.From.Metadata().Facets
	known := map[string]bool{}
	for _, facet := range facets {
		known[facet.Name] = true
	}
	for _, name := range labels.Facets {
		if !known[name] {
			return wrongUsage(c, "--facets: the model knows no %s", name)
		}
	}
	for _, location := range repeated(c, "dataset") {
		d, err := f.dataset(location, labels.Facets)
		if err != nil {
			return err
		}
		f.mixture.Tests = append(f.mixture.Tests, d)
	}
	if err := f.bad.list(f.mixture.Bad()); err != nil { // first: where rows are bad, labels may be missing
		return err
	}
	if len(labels.Facets) == 0 {
		labels.Facets = f.sharedFacets(known)
		if len(labels.Facets) == 0 {
			return fmt.Errorf("the datasets have no facet that the model knows")
		}
	}
	for _, facet := range facets { // whose labels are called as the model calls them
		if slices.Contains(labels.Facets, facet.Name) {
			labels.Order[facet.Name] = facet.Labels
		}
	}
	if f.mixture.Plan, err = training.PlanLabels(f.options.From.Config.Facets, f.mixture.Tests, labels); err != nil {
		return wrongUsage(c, "%v", err)
	}
	if err := counting.Check(f.facetsOf()); err != nil {
		return wrongUsage(c, "--labels: %v", err)
	}
	if f.options.Backend, err = newBackend(c); err != nil {
		return err
	}
	photos, err := training.ReadFacetPhotos(c.Context, f.options, f.mixture)
	if err != nil {
		return err
	}
	if err := f.bad.list(photos.Bad, photos.Total); err != nil {
		return err
	}
	embedder, err := embedding.NewDescriber(f.options.Backend, f.options.From)
	if err != nil {
		return err
	}
	looked, seen, err := f.look(embedder, "measuring", photos.Measured)
	if err != nil {
		return err
	}
	examples := make([]datasets.Example, len(seen))
	for i, p := range looked {
		examples[i] = p.Example
	}
	reports := evaluation.MeasureFacets(f.facetsOf(), examples, seen, counting)
	f.progress.end()
	if err := counting.Measured(reports); err != nil {
		return fmt.Errorf("--labels: %w", err)
	}
	if len(reports) == 0 {
		return fmt.Errorf("no label has %d photos, as --min-count asks for", counting.Least)
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(map[string]any{"facets": reports, "mean": evaluation.Mean(reports)})
	}
	writeFacets(evaluationTable(c), reports)
	return nil
}

// sharedFacets are those of the datasets that the model knows, too.
func (f *facetTraining) sharedFacets(known map[string]bool) []string {
	var names []string
	seen := map[string]bool{}
	for _, d := range f.mixture.Tests {
		for _, facet := range d.Facets {
			if known[facet.Name] && !seen[facet.Name] {
				seen[facet.Name] = true
				names = append(names, facet.Name)
			}
		}
	}
	return names
}
