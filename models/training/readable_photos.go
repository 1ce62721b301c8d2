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

// HoldBackBad looks into photos of options.Reference, and holds back those that cannot be read or have a box that is none
// of a dress in its photo, which is told with its line. total counts the photos, of which some may be named several times.
func HoldBackBad(ctx context.Context, options Options, examples []datasets.Example) (bad []datasets.Bad, total int, err error) {
	photos, seen := map[string]bool{}, map[string]bool{} // a photo without a box, and one with each box that tables give it
	var once []datasets.Example
	for _, e := range examples {
		photos[e.Name] = true
		if key := fmt.Sprint(e.Name, boxOf(e)); !seen[key] {
			seen[key] = true
			once = append(once, e)
		}
	}
	_, unreadable, err := readable(ctx, once, (&maker{Options: options}).counter("looking into photos"))
	if err != nil {
		return nil, 0, err
	}
	var names []string
	for _, e := range unreadable {
		if slices.Contains(names, e.Name) {
			continue
		}
		reason := reasonOf(e.reason)
		var box *boxError
		if errors.As(e.reason, &box) {
			reason = e.At() + ": " + reason
		}
		names = append(names, e.Name)
		bad = append(bad, datasets.Bad{Photo: e.Name, Reason: reason})
	}
	options.Reference.HoldBack(names)
	return bad, len(photos), nil
}
