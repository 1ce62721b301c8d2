package evaluate

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models/training"
)

// openMeasuredReference opens --reference for an evaluation of heads, looks into its photos and holds back bad ones, which it
// returns.
func openMeasuredReference(c *cli.Context, progress *terminal.Progress, heads []string) (*datasets.Reference, maxbad.Kind, error) {
	reference, err := learning.OpenReference(c)
	if err != nil {
		return nil, maxbad.Kind{}, err
	}
	examples, err := measuredExamples(reference, heads)
	if err == nil && c.Bool("folds") {
		var learned []datasets.Example
		learned, err = learnedExamples(reference, heads)
		examples = append(examples, learned...)
	}
	if err != nil {
		return nil, maxbad.Kind{}, err
	}
	options := training.Options{Reference: reference, Logger: progress.Logger(), Watch: progress.WatchTraining()}
	bad, total, err := training.HoldBackBad(c.Context, options, examples)
	return reference, maxbad.Kind{Name: "photos of --reference", Bad: bad, Total: total}, err
}

// measuredExamples are those that an evaluation of heads measures with.
func measuredExamples(r *datasets.Reference, heads []string) ([]datasets.Example, error) {
	switch {
	case slices.Contains(heads, "facets"):
		return r.Facets()
	case slices.Contains(heads, "deeprank"):
		triplets, err := r.Triplets()
		if err != nil {
			return nil, err
		}
		patterns, err := r.Patterns()
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return append(patterns, photosOf(triplets)...), err
	}
	home, err := r.Garments()
	if err != nil {
		return nil, err
	}
	street, err := r.Street()
	return slices.DeleteFunc(append(home, street...), func(e datasets.Example) bool { return !e.Located() }), err
}

// learnedExamples are those that --folds trains heads with.
func learnedExamples(r *datasets.Reference, heads []string) ([]datasets.Example, error) {
	examples, err := training.ReferenceExamples(r)
	if err != nil || !slices.Contains(heads, "deeprank") {
		return examples, err
	}
	triplets, err := r.AllTriplets()
	return append(examples, photosOf(triplets)...), err
}

func photosOf(triplets []datasets.Triplet) (photos []datasets.Example) {
	for _, t := range triplets {
		photos = append(photos, t.Photos()...)
	}
	return photos
}
