package learning

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
)

// TestCheckWork leaves nothing behind.
func TestCheckWork(t *testing.T) {
	work := t.TempDir()
	bucket, err := storage.Open(t.Context(), work)
	require.NoError(t, err)
	require.NoError(t, checkWork(t.Context(), bucket))
	left, err := os.ReadDir(work)
	require.NoError(t, err)
	require.Empty(t, left)
}
