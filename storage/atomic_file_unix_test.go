//go:build unix

package storage

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPutKeepsToTheUmask: who may read what is put is what the operator's umask says, and all where it says nothing.
func TestPutKeepsToTheUmask(t *testing.T) {
	root := t.TempDir()
	b, err := Open(t.Context(), root)
	require.NoError(t, err)
	for umask, want := range map[int]os.FileMode{0o077: 0o600, 0o027: 0o640, 0o022: 0o644, 0: 0o644} {
		before := syscall.Umask(umask)
		put(t, b, "blob", "x")
		syscall.Umask(before)
		info, err := os.Stat(filepath.Join(root, "blob"))
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm(), "umask %#o", umask)
	}
}
