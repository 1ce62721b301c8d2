// Package vectorstest is the conformance suite of vectors.Store: what every store does alike.
package vectorstest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// Place makes a place for indexes that is empty, and returns how to open the store there. Stores that are
// opened one after another see the same indexes.
type Place func(t *testing.T) (open func() vectors.Store)

// Run tests a store. tolerance is how far a similarity may be from the true cosine.
func Run(t *testing.T, place Place, tolerance float64) {
	s := suite{place, tolerance}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"first index", s.testFirst},
		{"next index", s.testNext},
		{"runs that are not there", s.testUnknownRuns},
		{"abort and interruption", s.testInterruption},
		{"empty index", s.testEmpty},
		{"metadata", s.testMetadata},
		{"rows", s.testRows},
		{"replaced rows", s.testReplaced},
		{"memory used again", s.testMemory},
		{"refused rows", s.testRefusedRows},
		{"hostile texts", s.testHostileTexts},
		{"texts that are not UTF-8", s.testOtherBytes},
		{"many rows", s.testManyRows},
		{"search", s.testSearch},
		{"ties", s.testTies},
		{"lengths", s.testLengths},
		{"ends", s.testEnds},
		{"rare rows", s.testRare},
		{"prices", s.testPrices},
		{"no prices", s.testNoPrices},
		{"refused queries", s.testRefusedQueries},
		{"refused prices", s.testRefusedPrices},
		{"given up", s.testGivenUp},
		{"searches during a publish", s.testConcurrency},
	} {
		t.Run(test.name, test.run)
	}
}

type suite struct {
	place     Place
	tolerance float64
}

// open returns a store in an empty place.
func (s suite) open(t *testing.T) vectors.Store {
	store := s.place(t)()
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func metadata(run string) catalog.Metadata {
	return catalog.Metadata{
		Run: run, EmbeddingModel: "e-" + run, FacetModel: "f-1",
		Facets: []catalog.Facet{
			{Name: "neckline", Labels: []string{"round", "v-neck", "boat", "off-shoulder"}},
			{Name: "sleeve", Labels: []string{"short", "long", "none"}},
			{Name: `Länge "x"`, Labels: []string{`mini'`, `"] or true`, `\`}},
		},
		UnsupervisedSize: 12, DeepRankSize: 5,
		CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC),
	}
}

// unit returns a random vector of unit length.
func unit(random *rand.Rand, size int) []float32 {
	v := make([]float64, size)
	var sum float64
	for i := range v {
		v[i] = random.NormFloat64()
		sum += v[i] * v[i]
	}
	out := make([]float32, size)
	for i := range v {
		out[i] = float32(v[i] / math.Sqrt(sum))
	}
	return out
}

func axis(size, i int) []float32 {
	v := make([]float32, size)
	v[i] = 1
	return v
}

// plain is a row with the fewest things in it. Its title is the run, so that a mixture of runs shows.
func plain(meta catalog.Metadata, random *rand.Rand, id, product string) catalog.Row {
	return catalog.Row{
		RowID: id, ProductID: product, Source: id + ".jpg", Title: meta.Run, Status: catalog.StatusOK,
		EmbeddingUnsupervised: unit(random, meta.UnsupervisedSize), EmbeddingDeepRank: unit(random, meta.DeepRankSize),
		EmbeddingModel: meta.EmbeddingModel, FacetModel: meta.FacetModel,
	}
}

func plainRows(meta catalog.Metadata, seed uint64, n int) []catalog.Row {
	random := rand.New(rand.NewPCG(seed, 0))
	rows := make([]catalog.Row, n)
	for i := range rows {
		rows[i] = plain(meta, random, fmt.Sprintf("row-%04d", i), fmt.Sprintf("product-%d", i/2))
	}
	return rows
}

// fill makes a finished index of rows, not yet published.
func fill(ctx context.Context, t *testing.T, store vectors.Store, meta catalog.Metadata, rows []catalog.Row) {
	w, err := store.Create(ctx, meta)
	require.NoError(t, err)
	require.NoError(t, w.Add(ctx, rows))
	require.NoError(t, w.Finish(ctx))
}

// publish makes an index of rows the current one and opens it.
func publish(ctx context.Context, t *testing.T, store vectors.Store, meta catalog.Metadata, rows []catalog.Row) vectors.Index {
	fill(ctx, t, store, meta, rows)
	require.NoError(t, store.Publish(ctx, meta.Run))
	return current(ctx, t, store)
}

func current(ctx context.Context, t *testing.T, store vectors.Store) vectors.Index {
	index, err := store.Current(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, index.Close()) })
	return index
}

func requireCount(ctx context.Context, t *testing.T, index vectors.Index, want int) {
	n, err := index.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, want, n)
}

func requireCurrentRun(ctx context.Context, t *testing.T, store vectors.Store, want string) {
	run, err := store.CurrentRun(ctx)
	require.NoError(t, err)
	require.Equal(t, want, run)
}

// requireRows compares rows, the embeddings within rounding.
func requireRows(t *testing.T, want, got []catalog.Row) {
	require.Len(t, got, len(want))
	for i := range want {
		require.InDeltaSlice(t, want[i].EmbeddingUnsupervised, got[i].EmbeddingUnsupervised, 1e-6)
		require.InDeltaSlice(t, want[i].EmbeddingDeepRank, got[i].EmbeddingDeepRank, 1e-6)
		require.Equal(t, withoutEmbeddings(want[i]), withoutEmbeddings(got[i]))
	}
}

func withoutEmbeddings(row catalog.Row) catalog.Row {
	row.EmbeddingUnsupervised, row.EmbeddingDeepRank = nil, nil
	return row
}
