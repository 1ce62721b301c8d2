package evaluation

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
)

// painter answers for the photos of Override with vectors of two numbers: the first tells cloths apart, the
// second says nothing but the facet.
type painter struct{ asked int }

func (p *painter) BatchSize() int { return 4 }

func (p *painter) Embed(_ context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	var photos []embedding.Photo
	for range inputs {
		product := p.asked / 2
		p.asked++
		cloth := product - product%2 // siblings follow each other
		v := []float32{float32(cloth), 100 * float32(product%2), 1}
		photos = append(photos, embedding.Photo{Status: catalog.StatusOK, DeepRank: v, Unsupervised: v})
	}
	return photos, nil
}

func (p *painter) Ignore(_ string, v []float32, facets []string) ([]float32, []string, error) {
	rest := slices.Clone(v)
	rest[1] = 0
	return rest, facets, nil
}

func TestOverride(t *testing.T) {
	const n = 12
	done := 0
	reports, err := Override(t.Context(), &painter{}, 1, n, func(at, total int) { done = at; require.Equal(t, n+n/3, total) })
	require.NoError(t, err)
	require.Equal(t, n+n/3, done)
	seen := map[[3]string]OverrideReport{}
	for _, r := range reports {
		require.Positive(t, r.Searches)
		require.LessOrEqual(t, r.First, r.FirstFive)
		require.LessOrEqual(t, r.First, r.ReciprocalRank)
		if r.Facet == "all" {
			seen[[3]string{r.Embedding, r.Gallery, r.Method}] = r
		}
	}
	require.Len(t, seen, 2*2*4)
	for _, method := range []string{OverridePlain, OverrideIgnore, OverrideCosine, OverrideMove} {
		require.Positive(t, seen[[3]string{"deeprank", "true", method}].ReciprocalRank, method)
		require.Zero(t, seen[[3]string{"deeprank", "predicted", method}].First, "nothing is predicted, so that nothing passes")
	}
	require.GreaterOrEqual(t, seen[[3]string{"deeprank", "true", OverrideCosine}].ReciprocalRank, 0.1)
}

// TestRank counts by hand: dresses of vectors (cloth, facet), all but the second with the label that is searched for.
func TestRank(t *testing.T) {
	gallery := [][]float32{{1, 0, 0}, {9, 0, 0}, {3, 2, 0}, {2, 9, 0}, {4, -9, 0}, {1, 9, 0}}
	s := overrideSearch{e: &painter{}, name: "deeprank", gallery: gallery, byTruth: true}
	for i, v := range gallery {
		rest := slices.Clone(v)
		rest[1] = 0
		s.rests = append(s.rests, rest)
		label := "long"
		if i == 1 {
			label = "short"
		}
		s.dresses = append(s.dresses, worn{labels: map[string]string{"sleeve": label}})
	}
	w := wish{dress: 0, sibling: 2, facet: "sleeve", label: "long"}
	query := []float32{1, 1, 0}
	for method, want := range map[string]int{
		OverridePlain:  3, // 5, after 11 and 10; 9 has another label
		OverrideIgnore: 2, // 3, after 4
		OverrideCosine: 1, // all 1: nothing is nearer
		OverrideMove:   3, // the mean of the others' second numbers is 9/4: 7.5, after 22.25 and 21.25
	} {
		s.method = method
		rank, err := s.rank(query, w)
		require.NoError(t, err)
		require.Equal(t, want, rank, method)
	}
	w.sibling = 1
	rank, err := s.rank(query, w)
	require.NoError(t, err)
	require.Zero(t, rank, "it has not the label")
}

func TestOverrideReports(t *testing.T) {
	wishes := []wish{{facet: "sleeve"}, {facet: "sleeve"}, {facet: "length"}, {facet: "length"}, {facet: "length"}}
	reports := overrideReports("deeprank", OverrideIgnore, true, wishes, []int{1, 0, 5, 6, 2})
	require.Len(t, reports, 3)
	all := reports[0]
	require.Equal(t, "all", all.Facet)
	require.Equal(t, 5, all.Searches)
	require.InDelta(t, 1./5, all.First, 1e-12)
	require.InDelta(t, 3./5, all.FirstFive, 1e-12)
	require.InDelta(t, (1+1./5+1./6+1./2)/5, all.ReciprocalRank, 1e-12)
	for _, r := range reports[1:] {
		require.Equal(t, map[string]int{"sleeve": 2, "length": 3}[r.Facet], r.Searches)
	}
}
