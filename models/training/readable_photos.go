package training

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/photo"
)

// badExample is one whose photo cannot be read, or whose box is none.
type badExample struct {
	datasets.Example
	reason error
}

// readable looks into the photos of examples, on all cores, and parts those that can be read, their boxes cut to the
// photo, from the others.
func readable(ctx context.Context, examples []datasets.Example, progress func(done, total int)) (good []datasets.Example, bad []badExample, err error) {
	reasons, boxes := make([]error, len(examples)), make([]photo.Box, len(examples))
	var done atomic.Int64
	err = parallel(ctx, len(examples), func(i int) error {
		_, boxes[i], reasons[i] = readExample(examples[i], photo.DefaultLimits())
		progress(int(done.Add(1)), len(examples))
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for i, e := range examples {
		if reasons[i] != nil {
			bad = append(bad, badExample{e, reasons[i]})
			continue
		}
		if e.Box != nil {
			e.Box = &boxes[i]
		}
		good = append(good, e)
	}
	return good, bad, nil
}

// HoldBackBad looks into the photos of a reference that location is measured with or, with all, that heads learn from,
// and holds back those that cannot be read; total counts all. A box outside of its photo is an error, which says where it
// stands.
func HoldBackBad(ctx context.Context, options Options, all bool) (bad []datasets.Bad, total int, err error) {
	m := &maker{Options: Options{Reference: options.Reference}}
	read := m.examples
	if !all {
		read = func() ([]datasets.Example, error) {
			home, err := m.Reference.Garments()
			if err != nil {
				return nil, err
			}
			street, err := m.Reference.Street()
			return append(home, street...), err
		}
	}
	examples, err := read()
	if err != nil {
		return nil, 0, err
	}
	seen := map[string]bool{} // a photo without a box, and one with each box that tables give it
	examples = slices.DeleteFunc(examples, func(e datasets.Example) bool {
		key := fmt.Sprint(e.Name, boxOf(e))
		again := seen[key] || !all && !e.Located()
		seen[key] = true
		return again
	})
	_, unreadable, err := readable(ctx, examples, (&maker{Options: options}).counter("looking into photos"))
	if err != nil {
		return nil, 0, err
	}
	var names []string
	for _, e := range unreadable {
		var box *boxError
		if errors.As(e.reason, &box) {
			return nil, 0, fmt.Errorf("%s: %s: %w", e.At(), e.Name, box)
		}
		if !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
			bad = append(bad, datasets.Bad{Photo: e.Name, Reason: reasonOf(e.reason)})
		}
	}
	photos := map[string]bool{}
	for _, e := range examples {
		photos[e.Name] = true
	}
	options.Reference.HoldBack(names)
	return bad, len(photos), nil
}
