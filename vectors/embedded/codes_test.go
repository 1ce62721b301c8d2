package embedded

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// kindsOfVectors draw unit vectors as embeddings may be, and as they should not be.
var kindsOfVectors = map[string]func(random *rand.Rand, size int) []float32{
	"even": randomUnit,
	"steep": func(random *rand.Rand, size int) []float32 { // as principal components are
		v := randomUnit(random, size)
		for i := range v {
			v[i] /= float32(1 + i*i)
		}
		return vectors.Unit(v)
	},
	"sparse": func(random *rand.Rand, size int) []float32 {
		v := make([]float32, size)
		v[random.IntN(size)] = 1
		v[random.IntN(size)] += float32(random.NormFloat64()) / 100
		return vectors.Unit(v)
	},
	"alike": func(random *rand.Rand, size int) []float32 {
		v := randomUnit(random, size)
		for i := range v {
			v[i] = 1 + v[i]/1000
		}
		return vectors.Unit(v)
	},
}

func (m *matrix) add(vector []float32) {
	code := make([]uint8, len(vector))
	scale, distance := encode(code, vector)
	m.numbers = append(m.numbers, vector...)
	m.codes.bytes, m.codes.scales = append(m.codes.bytes, code...), append(m.codes.scales, scale, distance)
}

// TestCodesAreAsFarOffAsTheySay, which is what searches rely on.
func TestCodesAreAsFarOffAsTheySay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for kind, draw := range kindsOfVectors {
		for _, size := range []int{1, 2, 15, 64, 512, 5000} {
			const rows = 20
			m := matrix{size: size, codes: codes{size: size}}
			for range rows {
				m.add(draw(random, size))
			}
			for _, unit := range [][]float32{draw(random, size), randomUnit(random, size), m.at(3)} {
				q := newCodedQuery(unit)
				all := selection{all: true, n: rows}
				likely, err := m.codes.cosines(t.Context(), q, all)
				require.NoError(t, err)
				exact, err := m.cosines(t.Context(), unit, all)
				require.NoError(t, err)
				for row := range uint32(rows) {
					off := m.codes.off(q, row)
					require.LessOrEqual(t, math.Abs(float64(likely[row]-exact[row])), float64(off), "%s, %d numbers", kind, size)
					require.Less(t, off, float32(0.06), "%s, %d numbers: a bound that says something", kind, size)
				}
			}
		}
	}
}

// TestSearchByCodes compares searches of an index with the same ones without its codes: they answer alike, to the bit.
func TestSearchByCodes(t *testing.T) {
	const rows = 3000
	for kind, draw := range kindsOfVectors {
		t.Run(kind, func(t *testing.T) {
			random := rand.New(rand.NewPCG(2, 2))
			meta := testMetadata("coded")
			meta.UnsupervisedSize, meta.DeepRankSize = 48, 17
			meta.Facets = []catalog.Facet{{Name: "neckline", Labels: []string{"round", "boat"}}}
			s, err := Open(t.TempDir())
			require.NoError(t, err)
			w, err := s.Create(t.Context(), meta)
			require.NoError(t, err)
			all := make([]catalog.Row, rows)
			for i := range all {
				all[i] = catalog.Row{
					RowID: fmt.Sprintf("%06d", i), ProductID: fmt.Sprint(random.IntN(rows / 3)), Status: catalog.StatusOK,
					EmbeddingUnsupervised: draw(random, 48), EmbeddingDeepRank: draw(random, 17),
					Facets: map[string]catalog.FacetValue{"neckline": {Label: meta.Facets[0].Labels[random.IntN(2)]}},
				}
				if i%7 == 3 { // equal vectors, which are told apart by their row ids
					all[i].EmbeddingUnsupervised = all[i/2].EmbeddingUnsupervised
				}
			}
			require.NoError(t, w.Add(t.Context(), all))
			require.NoError(t, w.Finish(t.Context()))
			require.NoError(t, s.Publish(t.Context(), "coded"))
			opened, err := s.Current(t.Context())
			require.NoError(t, err)
			defer opened.Close()
			x := opened.(*index)
			plain := &index{manifest: x.manifest, rows: x.rows, products: x.products, rowProducts: x.rowProducts, productRows: x.productRows, bitmaps: x.bitmaps, unsupervised: x.unsupervised, deepRank: x.deepRank}
			plain.unsupervised.codes, plain.deepRank.codes = codes{}, codes{}
			for n := range 200 {
				q := vectors.Query{Embedding: vectors.Unsupervised, K: 1 + random.IntN(30), OnePerProduct: n%2 == 0}
				q.Vector = all[random.IntN(rows)].EmbeddingUnsupervised
				if n%3 == 0 {
					q.Vector = randomUnit(random, 48)
				}
				if n%5 == 0 {
					q.Embedding, q.Vector = vectors.DeepRank, draw(random, 17)
				}
				if n%4 == 1 {
					q.Where, q.ExcludeProduct = vectors.Filter{"neckline": {"boat"}}, fmt.Sprint(random.IntN(rows/3))
				}
				switch n % 11 {
				case 4:
					q.Offset = random.IntN(50)
				case 5:
					q.Offset = rows - 10
				case 6:
					q.K = math.MaxInt
				}
				want, err := plain.Search(t.Context(), q)
				require.NoError(t, err)
				got, err := x.Search(t.Context(), q)
				require.NoError(t, err)
				require.Equal(t, want, got, "%+v", q)
			}
		})
	}
}

// TestShortlist: of vectors that lie as those of embeddings do, few are looked at as they are.
func TestShortlist(t *testing.T) {
	const rows, size = 20_000, 256
	random := rand.New(rand.NewPCG(4, 4))
	m := matrix{size: size, codes: codes{size: size}}
	for range rows {
		m.add(randomUnit(random, size))
	}
	near, err := m.shortlist(t.Context(), randomUnit(random, size), selection{all: true, n: rows}, func(h hitList) []hit { return h.nearest(0, 20) })
	require.NoError(t, err)
	require.GreaterOrEqual(t, near.len(), 20)
	require.Less(t, near.len(), 100)
}

// TestIndexWithoutCodes: an index of before there were codes answers as before.
func TestIndexWithoutCodes(t *testing.T) {
	s := open(t)
	asOfBefore(t, s.runFolder("old"), "", codeFiles)
	require.NoError(t, s.Publish(t.Context(), "old"))
	x, err := s.Current(t.Context())
	require.NoError(t, err)
	defer x.Close()
	result, err := x.Search(t.Context(), vectors.Query{Vector: []float32{1, 2, 3}, Embedding: vectors.Unsupervised, K: 100})
	require.NoError(t, err)
	require.Len(t, result.Matches, 4)
}
