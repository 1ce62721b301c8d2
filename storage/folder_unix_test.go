//go:build unix

package storage

import (
	"path/filepath"
	"strings"
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

// TestDeleteFails where the blob cannot be got rid of, or nobody knows whether it is there.
func TestDeleteFails(t *testing.T) {
	b, err := Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.ErrorIs(t, b.Delete(t.Context(), strings.Repeat("long", 100)), syscall.ENAMETOOLONG)
}
