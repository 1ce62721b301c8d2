package embedded

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

func TestFirst(t *testing.T) {
	ctx := t.Context()
	s, err := Open(t.TempDir() + "/x")
	require.NoError(t, err)
	_, err = s.Current(ctx)
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	meta := catalog.Metadata{Run: "r1", UnsupervisedSize: 3, DeepRankSize: 2, Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "round"}}}, CreatedAt: time.Now().UTC()}
	w, err := s.Create(ctx, meta)
	require.NoError(t, err)
	rows := []catalog.Row{
		{RowID: "b", ProductID: "p1", PhotoID: "f1", Status: catalog.StatusOK, EmbeddingUnsupervised: []float32{1, 0, 0}, EmbeddingDeepRank: []float32{0, 1}, Facets: map[string]catalog.FacetValue{"neckline": {Label: "round", Probability: 0.3, Source: catalog.Predicted}}},
		{RowID: "a", ProductID: "p2", PhotoID: "f1", Status: catalog.StatusOK, EmbeddingUnsupervised: []float32{0, 1, 0}, EmbeddingDeepRank: []float32{0, 1}},
	}
	require.NoError(t, w.Add(ctx, rows))
	require.NoError(t, w.Finish(ctx))
	require.NoError(t, s.Publish(ctx, "r1"))
	x, err := s.Current(ctx)
	require.NoError(t, err)
	r, err := x.Search(ctx, vectors.Query{Vector: []float32{1, 0, 0}, Embedding: vectors.Unsupervised, K: 5, Where: vectors.Filter{"neckline": {"round"}}})
	require.NoError(t, err)
	require.Len(t, r.Matches, 1)
	require.Equal(t, float32(1), r.Matches[0].Similarity)
	got, err := x.Get(ctx, "a", "b")
	require.NoError(t, err)
	require.Equal(t, []catalog.Row{rows[1], rows[0]}, got)
	require.NoError(t, x.(*index).Verify(ctx))
	require.NoError(t, x.Close())
}
