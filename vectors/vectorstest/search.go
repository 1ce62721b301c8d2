package vectorstest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// randomModel has rows of few different vectors, so that many are equally near, and facets of which some
// are null.
func randomModel(meta catalog.Metadata, seed uint64, rows, products int) model {
	random := rand.New(rand.NewPCG(seed, 0))
	var unsupervised, deepRank [][]float32
	for range rows / 3 {
		unsupervised = append(unsupervised, unit(random, meta.UnsupervisedSize))
		deepRank = append(deepRank, unit(random, meta.DeepRankSize))
	}
	m := model{meta: meta}
	for range rows {
		row := plain(meta, random, fmt.Sprintf("%016x", random.Uint64()), fmt.Sprintf("product %d", random.IntN(products)))
		row.EmbeddingUnsupervised = unsupervised[random.IntN(len(unsupervised))]
		row.EmbeddingDeepRank = deepRank[random.IntN(len(deepRank))]
		if random.IntN(5) > 0 {
			row.Price, row.Currency = new(float64(random.IntN(10))), []string{"EUR", "SEK"}[random.IntN(2)]
		}
		for _, facet := range meta.Facets {
			if random.IntN(5) == 0 {
				continue
			}
			if row.Facets == nil {
				row.Facets = make(map[string]catalog.FacetValue)
			}
			row.Facets[facet.Name] = catalog.FacetValue{
				Label: facet.Labels[random.IntN(len(facet.Labels))], Probability: random.Float32(), Source: catalog.Predicted,
			}
		}
		m.rows = append(m.rows, row)
	}
	return m
}

func (m model) randomQuery(random *rand.Rand) vectors.Query {
	q := vectors.Query{
		Embedding: vectors.Unsupervised, K: random.IntN(40), OnePerProduct: random.IntN(2) == 0, Where: vectors.Filter{},
	}
	if random.IntN(2) == 0 {
		q.Embedding = vectors.DeepRank
	}
	if random.IntN(3) == 0 {
		q.K += len(m.rows)
	}
	if random.IntN(2) == 0 {
		q.Offset = random.IntN(60)
	}
	if random.IntN(2) == 0 {
		q.ExcludeProduct = m.rows[random.IntN(len(m.rows))].ProductID
	}
	if random.IntN(3) == 0 {
		q.Vector = slices.Clone(vectorOf(m.rows[random.IntN(len(m.rows))], q.Embedding))
	} else {
		q.Vector = unit(random, vectors.Size(m.meta, q.Embedding))
	}
	if random.IntN(4) == 0 {
		q.Price.Min = new(float64(random.IntN(4)))
	}
	if random.IntN(4) == 0 {
		q.Price.Max = new(float64(4 + random.IntN(6)))
	}
	if random.IntN(8) == 0 {
		q.Price.Currency = "SEK"
	}
	for _, facet := range m.meta.Facets {
		for _, label := range facet.Labels {
			if random.IntN(3) == 0 {
				q.Where[facet.Name] = append(q.Where[facet.Name], label)
			}
		}
		if random.IntN(2) == 0 {
			delete(q.Where, facet.Name)
		}
	}
	return q
}

// Every answer is that of a search through all rows, and a stricter filter never finds a nearer one.
func (s suite) testSearch(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	m := randomModel(meta, 17, 300, 70)
	index := publish(ctx, t, s.open(t), meta, m.rows)
	random := rand.New(rand.NewPCG(19, 0))
	for range 100 {
		q := m.randomQuery(random)
		result, err := index.Search(ctx, q)
		require.NoError(t, err)
		m.require(t, q, result, s.tolerance)

		q.Offset, q.K = 0, 1
		strict, err := index.Search(ctx, q)
		require.NoError(t, err)
		names := slices.Sorted(maps.Keys(q.Where))
		if len(names) == 0 {
			continue
		}
		looser := q
		looser.Where = maps.Clone(q.Where)
		delete(looser.Where, names[random.IntN(len(names))])
		loose, err := index.Search(ctx, looser)
		require.NoError(t, err)
		require.GreaterOrEqual(t, loose.TotalMatches, strict.TotalMatches)
		if len(strict.Matches) > 0 {
			require.NotEmpty(t, loose.Matches)
			require.GreaterOrEqual(t, loose.Matches[0].Similarity, strict.Matches[0].Similarity)
		}
	}

	// A facet that is named without labels lets no row pass.
	none, err := index.Search(ctx, vectors.Query{Vector: axis(meta.DeepRankSize, 0), Embedding: vectors.DeepRank, K: 5, Where: vectors.Filter{"sleeve": {}}})
	require.NoError(t, err)
	require.Empty(t, none.Matches)
	require.Zero(t, none.TotalMatches)

	// A vector of another length asks the same.
	q := vectors.Query{Vector: unit(random, meta.DeepRankSize), Embedding: vectors.DeepRank, K: 9}
	once, err := index.Search(ctx, q)
	require.NoError(t, err)
	for i := range q.Vector {
		q.Vector[i] *= 4
	}
	longer, err := index.Search(ctx, q)
	require.NoError(t, err)
	require.Equal(t, once, longer)
}

// Rows that are equally near come in the order of their ids, also where the page ends among them.
func (s suite) testTies(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	const n = 120
	m := model{meta: meta}
	random := rand.New(rand.NewPCG(23, 0))
	for i := range n {
		row := plain(meta, random, fmt.Sprintf("row-%03d", (i*37)%n), fmt.Sprintf("p%d", i%(n/2)))
		row.EmbeddingUnsupervised, row.EmbeddingDeepRank = axis(meta.UnsupervisedSize, 0), axis(meta.DeepRankSize, i%2)
		m.rows = append(m.rows, row)
	}
	index := publish(ctx, t, s.open(t), meta, m.rows)
	for _, q := range []vectors.Query{
		{Embedding: vectors.Unsupervised, K: 7},
		{Embedding: vectors.Unsupervised, K: 7, Offset: 50},
		{Embedding: vectors.Unsupervised, K: n},
		{Embedding: vectors.Unsupervised, K: 5, OnePerProduct: true},
		{Embedding: vectors.Unsupervised, K: 5, Offset: 20, OnePerProduct: true},
		{Embedding: vectors.DeepRank, K: 10, Offset: n/2 - 5},
		{Embedding: vectors.DeepRank, K: 40, OnePerProduct: true, ExcludeProduct: "p3"},
	} {
		q.Vector = axis(vectors.Size(meta, q.Embedding), 0)
		result, err := index.Search(ctx, q)
		require.NoError(t, err)
		m.require(t, q, result, s.tolerance)
	}
}

// Rows are ranked by cosine, also where vectors are a little longer or shorter than unit length. Those that
// are not keep their bits.
func (s suite) testLengths(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	random := rand.New(rand.NewPCG(41, 0))
	at := func(id string, angle, length float64) catalog.Row {
		row := plain(meta, random, id, "product "+id)
		row.EmbeddingUnsupervised = make([]float32, meta.UnsupervisedSize)
		row.EmbeddingUnsupervised[0], row.EmbeddingUnsupervised[1] = float32(length*math.Cos(angle)), float32(length*math.Sin(angle))
		return row
	}
	rows := []catalog.Row{at("second", 0.05, 1.0015), at("first", 0, 0.9985), at("third", 0.06, 1)}
	index := publish(ctx, t, s.open(t), meta, rows)
	result, err := index.Search(ctx, vectors.Query{Vector: axis(meta.UnsupervisedSize, 0), Embedding: vectors.Unsupervised, K: 3})
	require.NoError(t, err)
	for i, want := range []struct {
		id     string
		cosine float64
	}{{"first", 1}, {"second", math.Cos(0.05)}, {"third", math.Cos(0.06)}} {
		require.Equal(t, want.id, result.Matches[i].Row.RowID)
		require.InDelta(t, want.cosine, result.Matches[i].Similarity, s.tolerance)
	}
	got, err := index.Get(ctx, "third", "second")
	require.NoError(t, err)
	require.Equal(t, rows[2].EmbeddingUnsupervised, got[0].EmbeddingUnsupervised)
	require.Equal(t, rows[2].EmbeddingDeepRank, got[0].EmbeddingDeepRank)
	require.InDeltaSlice(t, vectors.Unit(rows[0].EmbeddingUnsupervised), got[1].EmbeddingUnsupervised, 1e-6)
}

func (s suite) testEnds(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	m := randomModel(meta, 29, 20, 6)
	index := publish(ctx, t, s.open(t), meta, m.rows)
	for _, perProduct := range []bool{false, true} {
		for _, exclude := range []string{"", m.rows[0].ProductID, "no such product"} {
			for _, k := range []int{0, 1, 19, 20, 21, 1000, math.MaxInt} {
				for _, offset := range []int{0, 1, 5, 20, math.MaxInt} {
					q := vectors.Query{Vector: axis(meta.DeepRankSize, 1), Embedding: vectors.DeepRank, K: k, Offset: offset, OnePerProduct: perProduct, ExcludeProduct: exclude}
					result, err := index.Search(ctx, q)
					require.NoError(t, err)
					m.require(t, q, result, s.tolerance)
				}
			}
		}
	}
}

func (s suite) testRefusedQueries(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	index := publish(ctx, t, s.open(t), meta, plainRows(meta, 1, 3))
	good := vectors.Query{Vector: axis(meta.UnsupervisedSize, 0), Embedding: vectors.Unsupervised, K: 2, Where: vectors.Filter{"sleeve": {"long"}}}
	_, err := index.Search(ctx, good)
	require.NoError(t, err)
	with := func(number float64) func(*vectors.Query) {
		return func(q *vectors.Query) { q.Vector[1] = float32(number) }
	}
	for name, change := range map[string]func(*vectors.Query){
		"no vector":         func(q *vectors.Query) { q.Vector = nil },
		"short vector":      func(q *vectors.Query) { q.Vector = q.Vector[1:] },
		"long vector":       func(q *vectors.Query) { q.Vector = append(q.Vector, 0) },
		"other embedding":   func(q *vectors.Query) { q.Embedding = vectors.DeepRank },
		"no embedding":      func(q *vectors.Query) { q.Embedding = "" },
		"unknown embedding": func(q *vectors.Query) { q.Embedding = "row" },
		"NaN":               with(math.NaN()),
		"infinite":          with(math.Inf(-1)),
		"zero":              func(q *vectors.Query) { clear(q.Vector) },
		"negative k":        func(q *vectors.Query) { q.K = -1 },
		"negative offset":   func(q *vectors.Query) { q.Offset = math.MinInt },
	} {
		q := good
		q.Vector = slices.Clone(good.Vector)
		change(&q)
		_, err := index.Search(ctx, q)
		var refused *vectors.QueryError
		require.True(t, errors.As(err, &refused), "%s: %v", name, err)
	}
	for _, test := range []struct {
		where   vectors.Filter
		unknown bool
		known   []string
	}{
		{vectors.Filter{"colour": {"red"}}, true, []string{"neckline", "sleeve", `Länge "x"`}},
		{vectors.Filter{"": nil}, true, []string{"neckline", "sleeve", `Länge "x"`}},
		{vectors.Filter{`sleeve" or "`: {"long"}}, true, []string{"neckline", "sleeve", `Länge "x"`}},
		{vectors.Filter{"sleeve": {"long", "red"}}, false, []string{"short", "long", "none"}},
		{vectors.Filter{"sleeve": {""}}, false, []string{"short", "long", "none"}},
		{vectors.Filter{"sleeve": {`long"] or true or sleeve in ["`}}, false, []string{"short", "long", "none"}},
	} {
		q := good
		q.Where = test.where
		_, err := index.Search(ctx, q)
		var refused *vectors.FilterError
		require.True(t, errors.As(err, &refused), "%v: %v", test.where, err)
		require.Equal(t, test.unknown, refused.UnknownFacet)
		require.Equal(t, test.known, refused.Known)
	}
}
