package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
)

// TestMilvus gives the embedded store's answers from a real Milvus server.
func TestMilvus(t *testing.T) {
	s := newShop(t)
	url := milvustest.URL(milvustest.Start(t), "dresses")
	r := kleid(t, "search", s.photos(t)[0], "--store", url)
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "run `kleid index` first")

	out := t.TempDir()
	for range 2 { // the second run takes the place of the first
		r = kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--store", url)
		require.Equal(t, exit.Done, r.code, r.stderr)
	}
	facet, products := productsByLabel(t, s)
	searches := [][]string{nil, {"--every-photo", "--k", "50"}, {"--k", "2", "--offset", "3"}, {"--embedding", "unsupervised"}}
	for label := range products {
		searches = append(searches, []string{"--where", facet + "=" + label})
	}
	for _, path := range s.photos(t)[:2] {
		for _, args := range searches {
			args = append([]string{path}, args...)
			want := search(t, append(args, "--index", s.index)...)
			got := search(t, append(args, "--store", url)...)
			require.Len(t, got.Results, len(want.Results), "%v", args)
			require.NotEmpty(t, got.Results, "%v", args)
			require.Equal(t, want.TotalMatches, got.TotalMatches, "%v", args)
			for i := range want.Results {
				require.Equal(t, want.Results[i].RowID, got.Results[i].RowID, "%v", args)
				require.Equal(t, want.Results[i].Facets, got.Results[i].Facets, "%v", args)
				require.InDelta(t, want.Results[i].Similarity, got.Results[i].Similarity, 1e-3, "%v", args)
			}
		}
	}
}
