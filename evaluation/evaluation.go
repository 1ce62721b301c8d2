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

// Part is examples with what is measured on them. A model as it is makes one part; honest figures of heads that learn
// from the same photos take a part for each fold, whose model has not learned from it.
type Part struct {
	Embedder Embedder
	Examples []datasets.Example
}

// embed reads and embeds the examples of all parts that keep wants, and returns them with the answers; given says
// whether true boxes are used instead of found ones (an example without a box is then taken whole).
func embed(ctx context.Context, parts []Part, given bool, keep func(datasets.Example) bool) ([]datasets.Example, []embedding.Photo, error) {
	var examples []datasets.Example
	var photos []embedding.Photo
	for _, part := range parts {
		var own []datasets.Example
		for _, e := range part.Examples {
			if keep(e) {
				own = append(own, e)
			}
		}
		embedded, err := embedPart(ctx, part.Embedder, own, given)
		if err != nil {
			return nil, nil, err
		}
		examples, photos = append(examples, own...), append(photos, embedded...)
	}
	return examples, photos, nil
}

// embedPart embeds in batches, and notes in the examples which photo, by its bytes, each of them is.
func embedPart(ctx context.Context, e Embedder, examples []datasets.Example, given bool) ([]embedding.Photo, error) {
	var photos []embedding.Photo
	for begin := 0; begin < len(examples); begin += e.BatchSize() {
		part := examples[begin:min(begin+e.BatchSize(), len(examples))]
		inputs := make([]embedding.Input, len(part))
		for i, example := range part {
			image, id, err := openPhoto(example.Path)
			if err != nil {
				return nil, err
			}
			inputs[i].Image, examples[begin+i].PhotoID = image, id
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

// OpenPhoto reads the file of a photo that is measured with. Errors name it.
func OpenPhoto(path string) (*photo.Image, error) {
	image, _, err := openPhoto(path)
	return image, err
}

// openPhoto is OpenPhoto, and the photo's id.
func openPhoto(path string) (image *photo.Image, id string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	if image, err = photo.Open(data, photo.DefaultLimits()); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return image, photo.ID(data), nil
}
