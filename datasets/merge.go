package datasets

import (
	"fmt"
	"slices"

	"github.com/kleid-search/kleid/photo"
)

// dress is what an example is of: a photo, byte for byte, and a box in it, which is zero where it is not known.
type dress struct {
	photo string
	box   photo.Box
}

// merge makes one example of those of one dress. Their labels come together, and so do the products that somebody gave.
// Where they contradict each other, the facet is not known, and the latter is bad. They are split already.
func merge(examples []Example) ([]Example, []Bad) {
	var merged []Example
	var bad []Bad
	at := map[dress]int{}
	type question struct {
		dress
		facet string // "" for whether there is a dress
	}
	contradicted := map[question]bool{}
	boxes := onlyBoxes(examples)
	for _, e := range examples {
		if e.Box == nil {
			e.Box = boxes[e.PhotoID]
		}
		of := dress{photo: e.PhotoID}
		if e.Box != nil {
			of.box = *e.Box
		}
		i, again := at[of]
		if !again {
			at[of] = len(merged)
			merged = append(merged, e)
			continue
		}
		kept := &merged[i]
		kept.addProduct(e)
		if kept.Fold < 0 {
			kept.Fold = e.Fold
		}
		if any := (question{of, ""}); contradicted[any] || kept.NoDress != e.NoDress {
			contradicted[any] = true
			kept.NoDress, kept.Box, kept.Labels = false, nil, map[string]string{}
			bad = append(bad, Bad{e.at, fmt.Sprintf("the photo's rows do not agree on whether it shows a dress: see %s", kept.at)})
			continue
		}
		for facet, label := range e.Labels {
			other, known := kept.Labels[facet]
			switch {
			case known && other != label:
				delete(kept.Labels, facet)
				contradicted[question{of, facet}] = true
				bad = append(bad, Bad{e.at, fmt.Sprintf("the same photo is %s %q in %s", facet, other, kept.at)})
			case contradicted[question{of, facet}]:
				bad = append(bad, Bad{e.at, fmt.Sprintf("the same photo has another %s in %s", facet, kept.at)})
			default:
				kept.Labels[facet] = label
			}
		}
	}
	for i := range merged {
		slices.Sort(merged[i].Aliases)
		merged[i].Aliases = slices.Compact(merged[i].Aliases)
	}
	return merged, bad
}

// onlyBoxes are those of photos in which one dress has a box: it is what a row without one is of. Where there are
// several, such a row may be of any.
func onlyBoxes(examples []Example) map[string]*photo.Box {
	boxes := map[string]*photo.Box{}
	for _, e := range examples {
		if e.Box == nil || e.NoDress {
			continue
		}
		if other, known := boxes[e.PhotoID]; known && (other == nil || *other != *e.Box) {
			boxes[e.PhotoID] = nil
		} else {
			boxes[e.PhotoID] = e.Box
		}
	}
	return boxes
}

// addProduct adds the product of another example of the dress, if somebody gave it: that counts before a file's name.
func (e *Example) addProduct(other Example) {
	switch {
	case !other.ProductGiven || other.Product == e.Product && e.ProductGiven:
	case !e.ProductGiven:
		e.Product, e.ProductGiven = other.Product, true
	default:
		e.Aliases = append(e.Aliases, other.Product)
	}
}
