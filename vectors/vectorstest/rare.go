package vectorstest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// RunApproximate tests what holds of a store, too, whose answers need not be those of an exhaustive search.
func RunApproximate(t *testing.T, place Place, tolerance float64) {
	s := suite{place, tolerance}
	t.Run("rare rows", s.testRare)
}

// Few rows pass a filter, and they lie far from the query and from what lies near it: all that were asked for are
// returned nevertheless.
func (s suite) testRare(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	meta.UnsupervisedSize = 32
	const n, every, products = 6000, 50, 2000
	random := rand.New(rand.NewPCG(37, 0))
	m := model{meta: meta}
	for i := range n {
		row := plain(meta, random, catalog.NewRowID(fmt.Sprint(i), "photo"), fmt.Sprintf("p%d", i%products))
		label, centre := "long", 0
		if i%every == 0 {
			label, centre = "short", 7
		}
		v := axis(meta.UnsupervisedSize, centre)
		for j := range v {
			v[j] += float32(random.NormFloat64() * 0.1)
		}
		row.EmbeddingUnsupervised = vectors.Unit(v)
		row.Price = new(float64(100 * centre))
		row.Facets = map[string]catalog.FacetValue{"sleeve": {Label: label, Probability: 0.5, Source: catalog.Predicted}}
		m.rows = append(m.rows, row)
	}
	index := publish(ctx, t, s.open(t), meta, m.rows)
	for i, q := range []vectors.Query{
		{K: 30},
		{K: 30, Offset: 100},
		{K: n},
		{K: 30, ExcludeProduct: "p50"},
		{K: 30, OnePerProduct: true},
		{K: n, OnePerProduct: true},
		{K: 30, Offset: 20, OnePerProduct: true, ExcludeProduct: "p50"},
	} {
		q.Vector, q.Embedding = m.rows[1].EmbeddingUnsupervised, vectors.Unsupervised
		if i%2 == 0 {
			q.Where = vectors.Filter{"sleeve": {"short"}}
		} else {
			q.Price.Min = new(500.0)
		}
		result, err := index.Search(ctx, q)
		require.NoError(t, err)
		if result.Exact {
			m.require(t, q, result, s.tolerance)
			continue
		}
		all := len(m.all(q))
		require.Equal(t, all, result.TotalMatches)
		require.Len(t, result.Matches, min(q.K, all-q.Offset), "%+v", q)
		for i, match := range result.Matches {
			row := m.find(t, match.Row.RowID)
			require.True(t, passes(row, q))
			require.InDelta(t, cosine(q.Vector, row.EmbeddingUnsupervised), match.Similarity, s.tolerance)
			require.True(t, i == 0 || match.Similarity <= result.Matches[i-1].Similarity)
		}
	}
}
