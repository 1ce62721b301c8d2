package storage

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// A catalogue's folder may hold anything. What cannot be read is listed with its reason, nothing is
// followed forever, and the rest is there.
func TestListOfAHostileFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	root := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside.jpg")
	require.NoError(t, os.WriteFile(outside, []byte("outside"), 0o600))
	for _, name := range []string{"a.jpg", "name\nwith newline.jpg", "sub/b.jpg", ".put-123.tmp", ".put-off.jpg", "x.tmp", ".hidden.jpg"} {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	}
	link := func(target, name string) { require.NoError(t, os.Symlink(target, filepath.Join(root, name))) }
	link("nowhere.jpg", "dangling.jpg")
	link("loop2.jpg", "loop1.jpg")
	link("loop1.jpg", "loop2.jpg")
	link("..", "sub/up")
	link(outside, "link.jpg")
	link("sub", "sub2")

	b, err := Open(t.Context(), root)
	require.NoError(t, err)
	var good, bad []string
	for info, err := range b.List(t.Context(), "") {
		if err != nil {
			bad = append(bad, info.Key)
		} else {
			good = append(good, info.Key)
		}
	}
	require.Equal(t, []string{".hidden.jpg", ".put-off.jpg", "a.jpg", "link.jpg", "name\nwith newline.jpg", "sub/b.jpg", "sub2/b.jpg", "x.tmp"}, good)
	require.Equal(t, []string{"dangling.jpg", "loop1.jpg", "loop2.jpg", "sub/up", "sub2/up"}, bad)
}

func TestListOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	b, err := Open(t.Context(), path)
	require.NoError(t, err)
	n := 0
	for _, err := range b.List(t.Context(), "") {
		require.ErrorContains(t, err, "not a folder")
		n++
	}
	require.Equal(t, 1, n)
}

func TestPutLeavesNoTemporaryFiles(t *testing.T) {
	root := t.TempDir()
	b, err := Open(t.Context(), root)
	require.NoError(t, err)
	put(t, b, "blob", "x")
	require.Error(t, b.Put(t.Context(), "blob/below", nil), "a file is in the way")
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
