package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/bench"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// TestBenchRebuild leaves nothing behind, neither in a store that it is given nor in folders for a while.
func TestBenchRebuild(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := filepath.Join(t.TempDir(), "new", "bench")
	for _, args := range [][]string{nil, {"--store", "embedded:" + dir}} {
		r := kleid(t, append([]string{"bench", "rebuild", "--rows", "30", "--size", "8", "--json"}, args...)...)
		require.Equal(t, exit.Done, r.code, r.stderr)
		f := decodeLine[bench.RebuildFigures](t, r)
		require.Equal(t, [2]int{30, 8}, [2]int{f.Rows, f.Size})
		require.Positive(t, f.StoreRowsPerSec)
		require.Positive(t, f.ParquetMB)
		require.NoDirExists(t, filepath.Dir(dir))
		left, err := os.ReadDir(os.TempDir())
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// TestBenchRebuildSparesAnIndex neither takes a shop's store from its variable nor one that has an index.
func TestBenchRebuildSparesAnIndex(t *testing.T) {
	s := newShop(t)
	before := rows(t, s.index)
	runs, err := os.ReadDir(filepath.Join(s.index, "vectors"))
	require.NoError(t, err)
	store, err := embedded.Open(s.index)
	require.NoError(t, err)
	run, err := store.CurrentRun(t.Context())
	require.NoError(t, err)
	args := []string{"bench", "rebuild", "--rows", "3", "--size", "8"}
	r := kleid(t, append(args, "--store", "embedded:"+s.index)...)
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "has an index, run "+run+": name a store that has none")
	t.Setenv("KLEID_STORE", "embedded:"+s.index)
	r = kleid(t, args...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	now, err := store.CurrentRun(t.Context())
	require.NoError(t, err)
	require.Equal(t, run, now)
	require.Equal(t, before, rows(t, s.index))
	left, err := os.ReadDir(filepath.Join(s.index, "vectors"))
	require.NoError(t, err)
	require.Equal(t, runs, left)
}

// TestBenchRebuildInterrupted ends as any command does that is interrupted.
func TestBenchRebuildInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"kleid", "bench", "rebuild", "--rows", "3", "--store", "embedded:" + t.TempDir()}, strings.NewReader(""), &stdout, &stderr)
	require.Equal(t, exit.Interrupted, code, stderr.String())
}
