package training

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// LocationPhotos are the photos of people's own datasets that location learns from and is measured with: those with the
// box of one dress, and those that are said to show none. Each is there once, without labels, its box as far as it is in
// the photo and its Fold that of its product.
type LocationPhotos struct {
	// Learned and Measured have no photo in common, and no product unless its dataset says so.
	Learned, Measured []datasets.Example
	// Shared are not learned from, since another dataset has photos of their products to measure with.
	Shared []datasets.Example
	// Unknown counts the photos of which nobody said where the dress is, and Several those with boxes of several dresses: a
	// model is to find one. Both are left out.
	Unknown, Several int
	// Bad are those that cannot be read, the datasets' own included; Total counts all.
	Bad   []datasets.Bad
	Total int

	apart map[string]bool // ids of all that is not to be learned from
}

// ReadLocationPhotos looks into the photos of datasets, on all cores, and keeps none of them in memory. What cannot be
// read, and boxes outside of their photos, are counted and left out.
func ReadLocationPhotos(ctx context.Context, options Options, sets []*datasets.Dataset) (*LocationPhotos, error) {
	p := &LocationPhotos{}
	p.sort(sets)
	progress := (&maker{Options: options}).counter("looking into photos")
	for _, part := range []*[]datasets.Example{&p.Learned, &p.Measured, &p.Shared} {
		good, bad, err := readable(ctx, *part, progress)
		if err != nil {
			return nil, err
		}
		*part = good
		for _, b := range bad {
			p.Bad = append(p.Bad, datasets.Bad{Photo: b.Source, Reason: reasonOf(b.reason)})
		}
	}
	return p, nil
}

// All are the photos, whatever they are for.
func (p *LocationPhotos) All() []datasets.Example {
	return slices.Concat(p.Learned, p.Measured, p.Shared)
}

// ToLearn is p with all photos to learn from, for Folds, which leaves out each fold in turn.
func (p *LocationPhotos) ToLearn() *LocationPhotos { return &LocationPhotos{Learned: p.All()} }

// sort says of each photo what it is for. One, byte for byte, that some dataset measures with is not learned from.
func (p *LocationPhotos) sort(sets []*datasets.Dataset) {
	folds := productFolds(sets)
	p.apart = map[string]bool{}
	products := map[string]*datasets.Dataset{} // of a product where it is measured with
	for _, d := range sets {
		p.Bad, p.Total = append(p.Bad, d.Bad...), p.Total+d.Size()
		for _, e := range d.Examples {
			if e.Split == datasets.Test {
				p.apart[e.PhotoID] = true
				for _, product := range e.GivenProducts() {
					products[product] = d
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, d := range sets {
		dresses := map[string]int{} // of a photo
		for _, e := range d.Examples {
			if e.Located() {
				dresses[e.PhotoID]++
			}
		}
		for _, e := range d.Examples {
			if !e.Located() && dresses[e.PhotoID] == 0 {
				p.Unknown++
			}
			if !e.Located() || seen[e.PhotoID] {
				continue
			}
			seen[e.PhotoID] = true
			if dresses[e.PhotoID] > 1 {
				p.Several++
				continue
			}
			e.Labels, e.Votes, e.Street, e.Fold = nil, nil, false, folds(e)
			if e.NoDress {
				e.Box = nil
			}
			elsewhere := slices.ContainsFunc(e.GivenProducts(), func(product string) bool {
				measured := products[product]
				return measured != nil && measured != d // where its own dataset says otherwise, it knows
			})
			switch {
			case p.apart[e.PhotoID]:
				p.Measured = append(p.Measured, e)
			case elsewhere:
				p.apart[e.PhotoID] = true
				p.Shared = append(p.Shared, e)
			default:
				p.Learned = append(p.Learned, e)
			}
		}
	}
}

// productFolds gives photos of one product, and of products that share a photo, the same fold: the first that somebody
// gave to one of them, else one by the product's id.
func productFolds(sets []*datasets.Dataset) func(datasets.Example) int {
	groups, owner, given := datasets.Groups{}, map[string]string{}, map[string]int{}
	for _, d := range sets {
		for _, e := range d.Examples {
			for _, other := range append(e.Aliases, owner[e.PhotoID]) {
				if other != "" {
					groups.Join(e.Product, other)
				}
			}
			owner[e.PhotoID] = e.Product
		}
	}
	for _, d := range sets {
		for _, e := range d.Examples {
			if _, known := given[groups.First(e.Product)]; !known && e.Fold >= 0 && e.Fold < realFolds {
				given[groups.First(e.Product)] = e.Fold
			}
		}
	}
	return func(e datasets.Example) int {
		product := groups.First(e.Product)
		if fold, ok := given[product]; ok {
			return fold
		}
		return calibrationFoldOf(product, realFolds)
	}
}

// fingerprint is of what is learned from, and of what is not to be.
func (p *LocationPhotos) fingerprint() string {
	h := sha256.New()
	for _, e := range p.Learned {
		fmt.Fprintln(h, e.PhotoID, e.NoDress, e.Fold, boxOf(e))
	}
	fmt.Fprintln(h, slices.Sorted(maps.Keys(p.apart)))
	return fmt.Sprintf("%x", h.Sum(nil))
}

func boxOf(e datasets.Example) photo.Box {
	if e.Box == nil {
		return photo.Box{}
	}
	return *e.Box
}

// beside are the photos that are learned from, beside others that are: of those, what is measured with is left out, and
// where they say where the dress is in a photo, they say so alone. Photos are the same byte for byte.
func (p *LocationPhotos) beside(others []datasets.Example) ([]datasets.Example, error) {
	ids, known := map[string]string{}, map[string]bool{}
	for _, e := range others {
		if ids[e.Path] == "" {
			data, err := os.ReadFile(e.Path)
			if err != nil {
				return nil, err
			}
			ids[e.Path] = photo.ID(data)
		}
		known[ids[e.Path]] = known[ids[e.Path]] || e.Located()
	}
	all := slices.DeleteFunc(others, func(e datasets.Example) bool { return p.apart[ids[e.Path]] })
	for _, e := range p.Learned {
		if !known[e.PhotoID] {
			all = append(all, e)
		}
	}
	return all, nil
}

// learned are models.Config.Learned of the model that is made: what is trained anew forgets what it has learned from.
func (m *maker) learned(before map[string]models.PhotoSample) map[string]models.PhotoSample {
	const location = models.LearnedLocation
	learned := maps.Clone(before)
	maps.DeleteFunc(learned, func(of string, _ models.PhotoSample) bool {
		if of == location {
			return m.wants("background") && m.wants("location") && m.wants("refine")
		}
		return m.wants("facets")
	})
	if m.Location != nil && len(m.Location.Learned) > 0 && slices.ContainsFunc(m.Heads, isLocationHead) {
		if learned == nil {
			learned = map[string]models.PhotoSample{}
		}
		learned[location] = learned[location].With(ExampleIDs(m.Location.Learned))
	}
	if len(learned) == 0 {
		return nil
	}
	return learned
}

// ExampleIDs are the ids of photos.
func ExampleIDs(examples []datasets.Example) []string {
	var ids []string
	for _, e := range examples {
		ids = append(ids, e.PhotoID)
	}
	return ids
}
