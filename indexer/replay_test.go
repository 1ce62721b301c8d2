package indexer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
)

func TestReplay(t *testing.T) {
	b := newBench(t, pictures(0, 30))
	first := b.run(t)
	_, rows := parquetRows(t, b.out, first.Run)
	file := filepath.Join(t.TempDir(), "queries.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(`{"product_id": "`+rows[20].ProductID+`", "k": 5}
{"product_id": "`+rows[21].ProductID+`", "embedding": "unsupervised", "where": {"sleeve": ["long", "short"]}}
{"product_id": "gone"}
{"vector": [1, 0, 0]}
{"vector": [1, 0, 0, 0], "k": 30}
`), 0o600))
	options := b.options()
	options.Replay = file
	same, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, []int{5, 3}, []int{same.Replay.Queries, same.Replay.Compared}, "one product is gone, one vector too short")
	require.Equal(t, 1.0, same.Replay.Overlap)

	for i := range 3 {
		require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
	}
	changed, err := Run(t.Context(), options)
	require.NoError(t, err)
	all := slices.IndexFunc(changed.Replay.Least, func(q ReplayedQuery) bool { return q.K == 30 })
	require.InDelta(t, 27.0/30, changed.Replay.Least[all].Overlap, 1e-9, "three of thirty are gone")
	require.Less(t, changed.Replay.Overlap, 1.0)
	require.Contains(t, changed.String(), "of 5 recent queries, 3 were compared")
	require.Contains(t, reportOn(t, b.out), "Recent queries")

	for text, problem := range map[string]string{"{": "query 1", `{"k": 3}`: "either product_id or vector"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := Run(t.Context(), options)
		require.ErrorContains(t, err, problem)
	}
	options.Replay = filepath.Join(t.TempDir(), "none")
	_, err = Run(t.Context(), options)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// oldIndex was made before prices could be filtered by.
type oldIndex struct{ vectors.Index }

func (oldIndex) Search(context.Context, vectors.Query) (vectors.Result, error) {
	return vectors.Result{}, vectors.ErrNoPriceFilter
}

// TestReplayWithPrices compares what is within the range alone.
func TestReplayWithPrices(t *testing.T) {
	b := newBench(t, pictures(0, 30))
	options := b.options()
	options.Catalogue = filepath.Join(t.TempDir(), "catalogue.csv")
	catalogue := func(first int) {
		text := "photo,price,currency\n"
		for i := first; i < 30; i++ {
			text += fmt.Sprintf("%s,%d,EUR\n", filepath.Join(b.photos, pictureName(i)), i)
		}
		require.NoError(t, os.WriteFile(options.Catalogue, []byte(text), 0o600))
	}
	catalogue(0)
	_, err := Run(t.Context(), options)
	require.NoError(t, err)
	options.Replay = filepath.Join(t.TempDir(), "queries.jsonl")
	require.NoError(t, os.WriteFile(options.Replay, []byte(`{"vector": [1, 0, 0, 0], "k": 30, "price_min": 0, "price_max": 9, "price_currency": "EUR"}
{"vector": [1, 0, 0, 0], "price_min": 9, "price_max": 0}`), 0o600))
	catalogue(3)
	r, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, 1, r.Replay.Compared, "nothing costs 9 or more and 0 or less")
	require.InDelta(t, 7.0/10, r.Replay.Overlap, 1e-9, "three of ten are gone")
	require.Contains(t, reportOn(t, b.out), "price from 0 price to 9 EUR")

	index, err := b.store.Current(t.Context())
	require.NoError(t, err)
	defer index.Close()
	queries, err := readQueries(options.Replay)
	require.NoError(t, err)
	none, err := replay(t.Context(), queries[:1], oldIndex{index}, index)
	require.NoError(t, err)
	require.Zero(t, none.Compared)
}
