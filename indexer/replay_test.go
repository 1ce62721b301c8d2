package indexer

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
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
