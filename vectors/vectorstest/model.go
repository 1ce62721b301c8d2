package vectorstest

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// model answers queries by the words of the interface, slowly.
type model struct {
	meta catalog.Metadata
	rows []catalog.Row
}

type hit struct {
	row    catalog.Row
	cosine float64
}

// near is how far apart two cosines must be for a store to have to tell them apart.
const near = 1e-5

func vectorOf(row catalog.Row, embedding vectors.Embedding) []float32 {
	if embedding == vectors.DeepRank {
		return row.EmbeddingDeepRank
	}
	return row.EmbeddingUnsupervised
}

func cosine(a, b []float32) float64 {
	var product, aa, bb float64
	for i := range a {
		product += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return product / math.Sqrt(aa*bb)
}

func passes(row catalog.Row, q vectors.Query) bool {
	for facet, labels := range q.Where {
		value, ok := row.Facets[facet]
		if !ok || !slices.Contains(labels, value.Label) {
			return false
		}
	}
	return inRange(row, q.Price) && (q.ExcludeProduct == "" || row.ProductID != q.ExcludeProduct)
}

// all returns all matches of a query, whatever its K and Offset.
func (m model) all(q vectors.Query) []hit {
	var hits []hit
	for _, row := range m.rows {
		if passes(row, q) {
			hits = append(hits, hit{row, cosine(q.Vector, vectorOf(row, q.Embedding))})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.cosine, a.cosine), cmp.Compare(a.row.RowID, b.row.RowID))
	})
	if q.OnePerProduct {
		seen := make(map[string]bool)
		hits = slices.DeleteFunc(hits, func(h hit) bool {
			again := seen[h.row.ProductID]
			seen[h.row.ProductID] = true
			return again
		})
	}
	return hits
}

// require compares an answer with the model's. Rows whose cosines are nearly the same may have changed
// places, rows of the same vector not.
func (m model) require(t *testing.T, q vectors.Query, got vectors.Result, tolerance float64) {
	want := m.all(q)
	require.Equal(t, len(want), got.TotalMatches, "%+v", q)
	require.True(t, got.Exact)
	want = want[min(q.Offset, len(want)):]
	want = want[:min(q.K, len(want))]
	require.Len(t, got.Matches, len(want), "%+v", q)
	ids, products := make(map[string]bool), make(map[string]bool)
	for i, match := range got.Matches {
		at := m.find(t, match.Row.RowID)
		require.Equal(t, withoutEmbeddings(at), match.Row)
		require.True(t, passes(at, q), "row %s does not pass %+v", at.RowID, q)
		require.InDelta(t, cosine(q.Vector, vectorOf(at, q.Embedding)), match.Similarity, tolerance)
		require.InDelta(t, want[i].cosine, match.Similarity, tolerance)
		if at.RowID != want[i].row.RowID {
			require.NotEqual(t, vectorOf(at, q.Embedding), vectorOf(want[i].row, q.Embedding), "%s and %s are equally near: the order is that of row ids", at.RowID, want[i].row.RowID)
			require.InDelta(t, want[i].cosine, cosine(q.Vector, vectorOf(at, q.Embedding)), near, "match %d of %+v is %s instead of %s", i, q, at.RowID, want[i].row.RowID)
		}
		if i > 0 {
			before := got.Matches[i-1]
			require.True(t, before.Similarity > match.Similarity || before.Similarity == match.Similarity && before.Row.RowID < match.Row.RowID)
		}
		require.False(t, ids[at.RowID], "row %s twice", at.RowID)
		require.False(t, q.OnePerProduct && products[at.ProductID], "product %s twice", at.ProductID)
		ids[at.RowID], products[at.ProductID] = true, true
	}
}

func (m model) find(t *testing.T, id string) catalog.Row {
	i := slices.IndexFunc(m.rows, func(row catalog.Row) bool { return row.RowID == id })
	require.GreaterOrEqual(t, i, 0, "row %q", id)
	return m.rows[i]
}
