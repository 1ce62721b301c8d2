package training

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/photo"
)

// JudgedTriplets are those of Options.Reference whose photos can be read.
type JudgedTriplets struct {
	// Bad are the triplets that are left out, by the photo that cannot be read, with where they stand; Total counts all.
	Bad   []datasets.Bad
	Total int

	triplets []datasets.Triplet
	crops    map[string]Crop // of their photos, by name
}

// ReadTriplets reads the photos of the judged triplets of options.Reference, on all cores. Triplets with a photo that
// cannot be read are counted and left out.
func ReadTriplets(ctx context.Context, options Options) (*JudgedTriplets, error) {
	judged, err := options.Reference.AllTriplets()
	if err != nil {
		return nil, err
	}
	m := &maker{Options: options}
	config := m.config()
	config.Surroundings = nil // which embeddings do not read
	pool := newPool(config, nil)
	var examples []datasets.Example
	index := map[string]int{}
	for _, t := range judged {
		for _, e := range t.Photos() {
			if _, ok := index[e.Name]; !ok {
				index[e.Name] = len(examples)
				examples = append(examples, e)
			}
		}
	}
	crops, reasons := make([]Crop, len(examples)), make([]error, len(examples))
	progress := m.counter("reading the photos of triplets")
	const chunk = 64
	for begin := 0; begin < len(examples); begin += chunk {
		end := min(begin+chunk, len(examples))
		err := parallel(ctx, end-begin, func(i int) error {
			e := examples[begin+i]
			image, box, err := readExample(e, photo.DefaultLimits())
			if err != nil {
				reasons[begin+i] = err
				return ctx.Err() // which is no fault of the photo's
			}
			c := pool.crop(image, box, nil)
			c.Product, c.Real, c.Fold, c.Name = -1, true, FoldOf(e), e.Path
			crops[begin+i] = c
			return nil
		})
		if err != nil {
			return nil, err
		}
		progress(end, len(examples))
	}
	j := &JudgedTriplets{Total: len(judged), crops: map[string]Crop{}}
	for _, t := range judged {
		photos := t.Photos()
		bad := -1
		for i, e := range photos {
			if reasons[index[e.Name]] != nil && bad < 0 {
				bad = i
			}
		}
		if bad >= 0 {
			j.Bad = append(j.Bad, badTriplet(t, photos[bad], reasonOf(reasons[index[photos[bad].Name]])))
			continue
		}
		j.triplets = append(j.triplets, t)
		for _, e := range photos {
			j.crops[e.Name] = crops[index[e.Name]]
		}
	}
	return j, nil
}

// badTriplet says where a triplet stands, and what is wrong with one of its photos.
func badTriplet(t datasets.Triplet, e datasets.Example, reason string) datasets.Bad {
	return datasets.Bad{Photo: e.Name, Reason: t.Source + ": " + reason}
}

// identity tells apart what is learned without some of them; empty where there are all.
func (j *JudgedTriplets) identity() string {
	if j == nil || len(j.Bad) == 0 {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, j.Bad)))
}

// readTriplets reads those that Options.Triplets does not have, and tells of bad ones.
func (m *maker) readTriplets(ctx context.Context) error {
	if m.Triplets != nil || m.Reference == nil || !m.wants("deeprank") {
		return nil
	}
	var err error
	if m.Triplets, err = ReadTriplets(ctx, m.Options); err != nil {
		return err
	}
	if bad := m.Triplets.Bad; len(bad) > 0 {
		m.Logger.Warn("triplets are left out, since photos cannot be read", "triplets", len(bad), "of", m.Triplets.Total, "first", bad[0].Photo, "reason", bad[0].Reason)
	}
	return nil
}

// triplets adds the photos of all judged triplets to the pool, in an order that does not depend on the fold that is
// left out, since looks are changed by a crop's place in the pool. held are those of the fold. What is learned says nothing
// of their pairs.
func (m *maker) triplets(excluded int) (learned, held []cropTriplet) {
	if m.Shop != nil {
		for _, t := range m.Shop.triplets {
			for i := range t.Crops {
				t.Crops[i] += m.shopCrops
			}
			learned = append(learned, t)
		}
	}
	if m.Triplets == nil {
		return learned, nil
	}
	if m.tripletCrops == nil {
		m.tripletCrops = map[string]int{}
	}
	for _, t := range m.Triplets.triplets {
		c := cropTriplet{Confidence: t.Confidence}
		for i, e := range t.Photos() {
			at, ok := m.tripletCrops[e.Name]
			if !ok {
				at = len(m.pool.Crops)
				crop := m.Triplets.crops[e.Name]
				crop.Labels = m.pool.indices(nil)
				m.pool.Crops = append(m.pool.Crops, crop)
				m.tripletCrops[e.Name] = at
			}
			c.Crops[i] = at
		}
		if excluded >= 0 && TripletFold(t) == excluded {
			held = append(held, c)
		} else {
			learned = append(learned, c)
		}
	}
	all := len(learned)
	if learned = apartFrom(held, learned); len(learned) < all {
		m.Logger.Info("deeprank: triplets that compare dresses which are measured with", "fold", excluded, "left out", all-len(learned), "learned from", len(learned))
	}
	return learned, held
}

// apartFrom leaves out the triplets that compare two dresses that one of held compares, too: how much alike two are is the
// same question whichever of them is the query.
func apartFrom(held, triplets []cropTriplet) []cropTriplet {
	known := map[[2]int]bool{}
	for _, t := range held {
		for _, pair := range t.pairs() {
			known[pair] = true
		}
	}
	return slices.DeleteFunc(triplets, func(t cropTriplet) bool {
		pairs := t.pairs()
		return known[pairs[0]] || known[pairs[1]]
	})
}
