package evaluation

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
)

// OverrideEmbedder is what is measured by Override.
type OverrideEmbedder interface {
	Embedder
	Ignore(embedding string, vector []float32, facets []string) (rest []float32, ignored []string, err error)
}

// The ways to search for a dress with another facet.
const (
	OverridePlain  = "plain"   // the dress's vector as it is
	OverrideIgnore = "ignore"  // without what it says of the facet: what searches do
	OverrideCosine = "cosine"  // both sides without it, and of unit length again
	OverrideMove   = "replace" // what it says of the facet replaced by the mean of the dresses that have the label
)

// OverrideReport is how often the sibling of a dress is found: the same cloth, but another label of a facet.
type OverrideReport struct {
	Embedding      string  `json:"embedding"`
	Gallery        string  `json:"gallery"` // "true" or "predicted": by which labels it is filtered
	Facet          string  `json:"facet"`   // "all" for all searches
	Method         string  `json:"method"`
	Searches       int     `json:"searches"`
	First          float64 `json:"first"`
	FirstFive      float64 `json:"first_five"`
	ReciprocalRank float64 `json:"reciprocal_rank"` // mean
}

// worn is a painted dress as it is seen.
type worn struct {
	labels           map[string]string // true ones
	catalogue, query embedding.Photo
}

// wish is a search for a dress's sibling by a facet.
type wish struct {
	dress, sibling int
	facet, label   string
}

// colourFacet is the facet that the studio's labels do not have.
const colourFacet = "colour"

// Override measures the search for "this dress, but with another facet" on n painted dresses in their true
// boxes: from a customer's photo to the catalogue's photo of the sibling.
func Override(ctx context.Context, e OverrideEmbedder, seed uint64, n int, progress func(done, total int)) ([]OverrideReport, error) {
	dresses, wishes, err := wishesOf(ctx, e, seed, n, progress)
	if err != nil {
		return nil, err
	}
	var reports []OverrideReport
	for _, name := range []string{"deeprank", "unsupervised"} {
		gallery, queries := make([][]float32, len(dresses)), make([][]float32, len(dresses))
		for i, d := range dresses {
			gallery[i], queries[i] = vectorOf(d.catalogue, name), vectorOf(d.query, name)
		}
		rests, err := without(e, name, gallery)
		if err != nil {
			return nil, err
		}
		for _, byTruth := range []bool{true, false} {
			for _, method := range []string{OverridePlain, OverrideIgnore, OverrideCosine, OverrideMove} {
				ranks := make([]int, len(wishes))
				for i, w := range wishes {
					s := overrideSearch{e, name, method, dresses, gallery, rests[w.facet], byTruth}
					if ranks[i], err = s.rank(queries[w.dress], w); err != nil {
						return nil, err
					}
				}
				reports = append(reports, overrideReports(name, method, byTruth, wishes, ranks)...)
			}
		}
	}
	return reports, nil
}

func vectorOf(p embedding.Photo, name string) []float32 {
	if name == "deeprank" {
		return p.DeepRank
	}
	return p.Unsupervised
}

// wishesOf paints and embeds dresses, their siblings among them and some dyed in other colours.
func wishesOf(ctx context.Context, e Embedder, seed uint64, n int, progress func(done, total int)) ([]worn, []wish, error) {
	products := studio.Products("override-evaluation", seed, n)
	number := map[string]int{}
	for i := range products {
		number[products[i].ID] = i
	}
	siblings := make([]int, n)
	for i := range products {
		siblings[i] = -1
		if at, ok := number[products[i].Sibling]; ok {
			siblings[i] = at
		}
	}
	dyes := studio.Dyes()
	for i := 0; i < n; i += 3 {
		products = append(products, products[i].Dyed(dyes[i/3%len(dyes)]))
		siblings = append(siblings, i)
	}
	dresses := make([]worn, len(products))
	for begin := 0; begin < len(products); begin += e.BatchSize() {
		end := min(begin+e.BatchSize(), len(products))
		var inputs []embedding.Input
		for i := begin; i < end; i++ {
			for _, shot := range []studio.Shot{{}, {Query: true}} {
				painted := products[i].Paint(shot)
				inputs = append(inputs, embedding.Input{Image: painted.Image, Box: &painted.Box})
			}
		}
		photos, err := e.Embed(ctx, inputs)
		if err != nil {
			return nil, nil, err
		}
		for i := begin; i < end; i++ {
			dresses[i] = worn{products[i].Facets, photos[2*(i-begin)], photos[2*(i-begin)+1]}
		}
		progress(end, len(products))
	}
	var wishes []wish
	for i, sibling := range siblings {
		switch {
		case sibling < 0:
			continue
		case i >= n: // dyed
			if label := products[i].MainColour(); label != products[sibling].MainColour() {
				wishes = append(wishes, wish{sibling, i, colourFacet, label})
			}
			continue
		}
		for _, f := range datasets.Facets() {
			if label := products[sibling].Facets[f.Name]; label != products[i].Facets[f.Name] {
				wishes = append(wishes, wish{i, sibling, f.Name, label})
			}
		}
	}
	for i := range dresses {
		labels := map[string]string{colourFacet: products[i].MainColour()}
		maps.Copy(labels, dresses[i].labels)
		dresses[i].labels = labels
	}
	return dresses, wishes, nil
}

// without are vectors without what they say of a facet, for each facet.
func without(e OverrideEmbedder, name string, vectors [][]float32) (map[string][][]float32, error) {
	rests := map[string][][]float32{}
	for _, facet := range append(datasets.Facets(), catalog.Facet{Name: colourFacet}) {
		for _, v := range vectors {
			rest, _, err := e.Ignore(name, v, []string{facet.Name})
			if err != nil {
				return nil, err
			}
			rests[facet.Name] = append(rests[facet.Name], rest)
		}
	}
	return rests, nil
}

// overrideSearch is one way to search among dresses.
type overrideSearch struct {
	e            OverrideEmbedder
	name, method string
	dresses      []worn
	gallery      [][]float32
	rests        [][]float32 // of the gallery, without the facet
	byTruth      bool
}

// rank is that of the sibling among the dresses that have the label, from 1; 0 where it is not among them.
func (s overrideSearch) rank(query []float32, w wish) (int, error) {
	has := func(i int) bool {
		if s.byTruth {
			return s.dresses[i].labels[w.facet] == w.label
		}
		return labelOf(s.dresses[i].catalogue, w.facet) == w.label
	}
	if !has(w.sibling) {
		return 0, nil
	}
	similarity := func(i int) float64 { return dot(query, s.gallery[i]) }
	if s.method != OverridePlain {
		rest, _, err := s.e.Ignore(s.name, query, []string{w.facet})
		if err != nil {
			return 0, err
		}
		query = rest
	}
	switch s.method {
	case OverrideCosine:
		similarity = func(i int) float64 {
			return dot(query, s.rests[i]) / math.Sqrt(max(dot(s.rests[i], s.rests[i]), 1e-12))
		}
	case OverrideMove:
		query = slices.Clone(query)
		var wearing []int
		for i := range s.dresses {
			if i != w.sibling && has(i) {
				wearing = append(wearing, i)
			}
		}
		for _, i := range wearing {
			for k := range query {
				query[k] += (s.gallery[i][k] - s.rests[i][k]) / float32(len(wearing))
			}
		}
	}
	own, at := similarity(w.sibling), 1
	for i := range s.dresses {
		if i != w.sibling && i != w.dress && has(i) && similarity(i) > own {
			at++
		}
	}
	return at, nil
}

func labelOf(p embedding.Photo, facet string) string {
	for _, f := range p.Facets {
		if f.Name == facet {
			return f.Label
		}
	}
	return ""
}

// overrideReports sums up, over all searches first, then for each facet.
func overrideReports(name, method string, byTruth bool, wishes []wish, ranks []int) []OverrideReport {
	gallery := "predicted"
	if byTruth {
		gallery = "true"
	}
	var reports []OverrideReport
	for _, facet := range append([]catalog.Facet{{Name: "all"}}, append(datasets.Facets(), catalog.Facet{Name: colourFacet})...) {
		r := OverrideReport{Embedding: name, Gallery: gallery, Facet: facet.Name, Method: method}
		for i, w := range wishes {
			if facet.Name != "all" && facet.Name != w.facet {
				continue
			}
			r.Searches++
			if ranks[i] == 0 {
				continue
			}
			if ranks[i] == 1 {
				r.First++
			}
			if ranks[i] <= 5 {
				r.FirstFive++
			}
			r.ReciprocalRank += 1 / float64(ranks[i])
		}
		if r.Searches == 0 {
			continue
		}
		n := float64(r.Searches)
		r.First, r.FirstFive, r.ReciprocalRank = r.First/n, r.FirstFive/n, r.ReciprocalRank/n
		reports = append(reports, r)
	}
	return reports
}
