package embedded

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

func randomUnit(random *rand.Rand, size int) []float32 {
	v := make([]float32, size)
	var sum float64
	for i := range v {
		v[i] = float32(random.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

var benchRows = flag.Int("rows", 100_000, "rows of BenchmarkSearch's index")

// likeEmbeddings draws unit vectors that lie as embeddings do: a few directions have most of what there is, as principal
// components are, and the photos of a product are near each other. scripts/peers/search.py draws the same.
func likeEmbeddings(random *rand.Rand, product []float32, size int) []float32 {
	v := make([]float32, size)
	for i := range v {
		v[i] = float32(random.NormFloat64() / math.Sqrt(float64(1+i)))
		if product != nil {
			v[i] = product[i] + 0.5*v[i]
		}
	}
	if product == nil {
		return v
	}
	return vectors.Unit(v)
}

// benchIndex is an index with embeddings of 512 and 64 numbers, five rows a product. Each of the 20 labels has a twentieth
// of the rows.
func benchIndex(b *testing.B) vectors.Index {
	const perAdd, labels = 5000, 20
	rows := *benchRows
	meta := testMetadata("bench")
	meta.UnsupervisedSize, meta.DeepRankSize = 512, 64
	meta.Facets = []catalog.Facet{{Name: "silhouette"}}
	for i := range labels {
		meta.Facets[0].Labels = append(meta.Facets[0].Labels, fmt.Sprintf("label-%d", i))
	}
	s, err := Open(b.TempDir())
	require.NoError(b, err)
	w, err := s.Create(b.Context(), meta)
	require.NoError(b, err)
	random := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < rows; i += perAdd {
		batch := make([]catalog.Row, perAdd)
		var unsupervised, deepRank []float32
		for j := range batch {
			if (i+j)%5 == 0 {
				unsupervised, deepRank = likeEmbeddings(random, nil, 512), likeEmbeddings(random, nil, 64)
			}
			batch[j] = catalog.Row{
				RowID: fmt.Sprintf("%016x", random.Uint64()), ProductID: fmt.Sprintf("product-%d", (i+j)/5), Status: catalog.StatusOK,
				EmbeddingUnsupervised: likeEmbeddings(random, unsupervised, 512), EmbeddingDeepRank: likeEmbeddings(random, deepRank, 64),
				Price:  new(100 * random.Float64()),
				Facets: map[string]catalog.FacetValue{"silhouette": {Label: fmt.Sprintf("label-%d", random.IntN(labels))}},
			}
		}
		require.NoError(b, w.Add(b.Context(), batch))
	}
	require.NoError(b, w.Finish(b.Context()))
	require.NoError(b, s.Publish(b.Context(), "bench"))
	x, err := s.Current(b.Context())
	require.NoError(b, err)
	b.Cleanup(func() { x.Close() })
	return x
}

func BenchmarkSearch(b *testing.B) {
	x := benchIndex(b)
	random := rand.New(rand.NewPCG(3, 4))
	for _, bench := range []struct {
		name string
		q    vectors.Query
	}{
		{"all", vectors.Query{Embedding: vectors.Unsupervised, K: 20}},
		{"per-product", vectors.Query{Embedding: vectors.Unsupervised, K: 20, OnePerProduct: true}},
		{"one-label", vectors.Query{Embedding: vectors.Unsupervised, K: 20, OnePerProduct: true, Where: vectors.Filter{"silhouette": {"label-3"}}}},
		{"one-price", vectors.Query{Embedding: vectors.Unsupervised, K: 20, OnePerProduct: true, Price: vectors.PriceRange{Min: new(40.0), Max: new(45.0)}}},
		{"half-price", vectors.Query{Embedding: vectors.Unsupervised, K: 20, OnePerProduct: true, Price: vectors.PriceRange{Max: new(50.0)}}},
		{"deeprank", vectors.Query{Embedding: vectors.DeepRank, K: 20, OnePerProduct: true}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			size := vectors.Size(x.Metadata(), bench.q.Embedding)
			b.ReportAllocs()
			for b.Loop() {
				bench.q.Vector = likeEmbeddings(random, likeEmbeddings(random, nil, size), size)
				_, err := x.Search(b.Context(), bench.q)
				require.NoError(b, err)
			}
		})
	}
}
