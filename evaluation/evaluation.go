// Package evaluation measures the whole pipeline on labelled photos: whether dresses are found, how
// their facets are named, and which dresses are alike.
package evaluation

import (
	"context"
	"fmt"
	"os"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// Embedder is what is measured.
type Embedder interface {
	Embed(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error)
	BatchSize() int
}

// embed reads and embeds examples, in batches; given says whether their true boxes are used instead of
// found ones (an example without a box is then taken whole).
func embed(ctx context.Context, e Embedder, examples []datasets.Example, given bool) ([]embedding.Photo, error) {
	var photos []embedding.Photo
	for begin := 0; begin < len(examples); begin += e.BatchSize() {
		part := examples[begin:min(begin+e.BatchSize(), len(examples))]
		inputs := make([]embedding.Input, len(part))
		for i, example := range part {
			image, err := read(example.Path)
			if err != nil {
				return nil, err
			}
			inputs[i].Image = image
			if given {
				box := image.Frame()
				if example.Box != nil {
					box = *example.Box
				}
				inputs[i].Box = &box
			}
		}
		batch, err := e.Embed(ctx, inputs)
		if err != nil {
			return nil, err
		}
		photos = append(photos, batch...)
	}
	return photos, nil
}

func read(path string) (*photo.Image, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	image, err := photo.Open(data, photo.DefaultLimits())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return image, nil
}

// Folds keeps the examples of one evaluation fold; all of them for a negative one.
func Folds(examples []datasets.Example, fold int) []datasets.Example {
	if fold < 0 {
		return examples
	}
	var kept []datasets.Example
	for _, e := range examples {
		if e.Fold == fold {
			kept = append(kept, e)
		}
	}
	return kept
}
