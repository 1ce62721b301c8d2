package training

import (
	"context"
	"fmt"
	"os"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/photo"
)

// Whole is a real photo, of which nothing is known but what a teacher sees.
type Whole struct {
	Image *photo.Image
	Name  string // of its file
	maps  []featureMap
}

// readWholes adds real photos as pictures alone, each once. What is known about them is not looked at.
func (p *Pool) readWholes(ctx context.Context, examples []datasets.Example, limits photo.Limits) error {
	known := map[string]bool{}
	var paths []string
	for _, e := range examples {
		if !known[e.Path] {
			known[e.Path] = true
			paths = append(paths, e.Path)
		}
	}
	wholes := make([]Whole, len(paths))
	err := parallel(ctx, len(paths), func(i int) error {
		data, err := os.ReadFile(paths[i])
		if err != nil {
			return err
		}
		image, err := photo.Decode(data, limits)
		if err != nil {
			return fmt.Errorf("%s: %w", paths[i], err)
		}
		wholes[i].Image, wholes[i].Name = image, paths[i]
		return nil
	})
	p.Wholes = append(p.Wholes, wholes...)
	return err
}
