package vectorstest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

func inRange(row catalog.Row, r vectors.PriceRange) bool {
	if r == (vectors.PriceRange{}) {
		return true
	}
	return row.Price != nil && (r.Min == nil || *row.Price >= *r.Min) && (r.Max == nil || *row.Price <= *r.Max) &&
		(r.Currency == "" || row.Currency == r.Currency)
}

// Limits are included, also where numbers are as large, small or precise as they can be; neither a price of another
// currency nor no price passes.
func (s suite) testPrices(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	random := rand.New(rand.NewPCG(43, 0))
	numbers := []float64{-math.MaxFloat64, -2.5, math.Copysign(0, -1), math.SmallestNonzeroFloat64, 0.1, 49.99, 50, math.Nextafter(50, 51), 1e21, 1 << 53, math.MaxFloat64}
	currencies := []string{"", "EUR", "eur", `S"ek\`, "€\u2028\n"}
	m := model{meta: meta}
	for i := range 6 * len(numbers) {
		row := plain(meta, random, fmt.Sprintf("row-%03d", (i*37)%997), fmt.Sprintf("p%d", i/3))
		if i%6 > 0 {
			row.Price = &numbers[i/6]
		}
		row.Currency = currencies[i%len(currencies)]
		if i%2 == 0 {
			row.Facets = map[string]catalog.FacetValue{"sleeve": {Label: "long", Probability: 0.5, Source: catalog.Predicted}}
		}
		m.rows = append(m.rows, row)
	}
	index := publish(ctx, t, s.open(t), meta, m.rows)
	has, err := index.HasPrices(ctx)
	require.NoError(t, err)
	require.True(t, has)

	ranges := []vectors.PriceRange{{Max: new(0.0), Min: new(0.0)}, {Min: new(-2.5), Max: new(49.99), Currency: "EUR"}, {Min: new(51.0), Max: new(52.0)}}
	for i := range numbers {
		ranges = append(ranges, vectors.PriceRange{Min: &numbers[i]}, vectors.PriceRange{Max: &numbers[i]}, vectors.PriceRange{Min: &numbers[i], Max: &numbers[i]})
	}
	for _, currency := range append(currencies, "USD") {
		ranges = append(ranges, vectors.PriceRange{Currency: currency}, vectors.PriceRange{Min: new(0.1), Currency: currency})
	}
	for i, r := range ranges {
		q := vectors.Query{
			Vector: unit(random, meta.DeepRankSize), Embedding: vectors.DeepRank, Price: r, K: len(m.rows), OnePerProduct: i%2 == 0,
		}
		if i%3 == 0 {
			q.Where = vectors.Filter{"sleeve": {"long"}}
		}
		if i%5 == 0 {
			q.ExcludeProduct = m.rows[random.IntN(len(m.rows))].ProductID
		}
		result, err := index.Search(ctx, q)
		require.NoError(t, err, "%+v", r)
		m.require(t, q, result, s.tolerance)
	}
}

// Where no row has a price, none passes, and the index says so.
func (s suite) testNoPrices(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	rows := plainRows(meta, 1, 3)
	rows[0].Currency = "EUR"
	index := publish(ctx, t, s.open(t), meta, rows)
	has, err := index.HasPrices(ctx)
	require.NoError(t, err)
	require.False(t, has)
	for _, r := range []vectors.PriceRange{{Min: new(-math.MaxFloat64)}, {Max: new(math.MaxFloat64)}, {Currency: "EUR"}} {
		result, err := index.Search(ctx, vectors.Query{Vector: axis(meta.DeepRankSize, 0), Embedding: vectors.DeepRank, K: 5, Price: r})
		require.NoError(t, err)
		require.Zero(t, result.TotalMatches)
		require.Empty(t, result.Matches)
	}
}

func (s suite) testRefusedPrices(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	index := publish(ctx, t, s.open(t), meta, plainRows(meta, 1, 3))
	for message, r := range map[string]vectors.PriceRange{
		"a limit of the price is not a finite number: leave out the one that there is not": {Max: new(math.Inf(1))},
		"the lowest price, 50.5, is above the highest, 50: swap them, or leave one out":    {Min: new(50.5), Max: new(50.0)},
	} {
		_, err := index.Search(ctx, vectors.Query{Vector: axis(meta.DeepRankSize, 0), Embedding: vectors.DeepRank, K: 5, Price: r})
		var refused *vectors.QueryError
		require.True(t, errors.As(err, &refused), "%+v: %v", r, err)
		require.EqualError(t, refused, message)
	}
}
