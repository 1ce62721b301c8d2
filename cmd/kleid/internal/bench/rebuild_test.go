package bench

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// TestRebuildInterrupted drops what it has when it is stopped in its middle.
func TestRebuildInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store, err := embedded.Open(dir)
	require.NoError(t, err)
	f := RebuildFigures{Rows: 3000, Size: 8}
	err = f.rebuild(ctx, store, false, filepath.Join(t.TempDir(), "rows.parquet"), func(int) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	left, err := filepath.Glob(filepath.Join(dir, "vectors", "*"))
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = store.Current(t.Context())
	require.ErrorIs(t, err, vectors.ErrNoIndex)
}
