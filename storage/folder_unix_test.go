//go:build unix

package storage

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Opening a named pipe would wait for a writer that never comes.
func TestPipesAreNotOpened(t *testing.T) {
	root := t.TempDir()
	pipe := filepath.Join(root, "pipe.jpg")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	b, err := Open(t.Context(), root)
	require.NoError(t, err)
	_, err = b.Get(t.Context(), "pipe.jpg")
	require.ErrorContains(t, err, "not a regular file")
	_, err = Fetch(t.Context(), pipe, FetchOptions{})
	require.ErrorContains(t, err, "not a regular file")
	_, err = Fetch(t.Context(), "/dev/zero", FetchOptions{})
	require.ErrorContains(t, err, "not a regular file")
	for info, err := range b.List(t.Context(), "") {
		require.Equal(t, "pipe.jpg", info.Key)
		require.ErrorContains(t, err, "not a regular file")
	}
}
