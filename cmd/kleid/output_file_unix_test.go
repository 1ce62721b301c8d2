//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/indexer"
)

// TestOutputFile writes where a file, a link, a pipe or nothing is.
func TestOutputFile(t *testing.T) {
	s := newShop(t)
	dir := t.TempDir()
	defer syscall.Umask(syscall.Umask(0o027))
	export := func(to string, more ...string) result {
		return kleid(t, append([]string{"export", "--index", s.index, "--format", "csv", "--columns", "source", "--to", to}, more...)...)
	}
	requireRows := func(path string, mode os.FileMode) {
		t.Helper()
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, 1+shopProducts*shopPhotos, strings.Count(string(data), "\n"))
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode())
	}

	r := export(filepath.Join(dir, "new", "folder", "rows.csv"))
	require.Equal(t, exit.Done, r.code, r.stderr)
	requireRows(filepath.Join(dir, "new", "folder", "rows.csv"), 0o640)

	private := write(t, filepath.Join(dir, "private", "rows.csv"), nil)
	require.NoError(t, os.Chmod(private, 0o602)) // the umask leaves a file that is there as it is
	link, dangling := filepath.Join(dir, "link.csv"), filepath.Join(dir, "dangling.csv")
	require.NoError(t, os.Symlink(filepath.Join("private", "rows.csv"), link))
	require.NoError(t, os.Symlink(filepath.Join("private", "more.csv"), dangling))
	// A link that leads up from where it really is.
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "private", "deep"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join("private", "deep"), filepath.Join(dir, "short")))
	up := filepath.Join(dir, "short", "up.csv")
	require.NoError(t, os.Symlink(filepath.Join("..", "up.csv"), up))
	for _, to := range []string{link, dangling, up} {
		r = export(to)
		require.Equal(t, exit.Done, r.code, r.stderr)
		info, err := os.Lstat(to)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&os.ModeSymlink)
	}
	requireRows(private, 0o602)
	requireRows(filepath.Join(dir, "private", "more.csv"), 0o640)
	requireRows(filepath.Join(dir, "private", "up.csv"), 0o640)

	pipe := filepath.Join(dir, "pipe.csv")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	read := make(chan string)
	go func() {
		data, _ := os.ReadFile(pipe)
		read <- string(data)
	}()
	r = export(pipe)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Equal(t, 1+shopProducts*shopPhotos, strings.Count(<-read, "\n"))
	info, err := os.Lstat(pipe)
	require.NoError(t, err)
	require.Equal(t, os.ModeNamedPipe|0o600, info.Mode())
	r = export(os.DevNull)
	require.Equal(t, exit.Done, r.code, r.stderr)

	current, err := indexer.Latest(s.index)
	require.NoError(t, err)
	require.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	for problem, args := range map[string][]string{
		"it is a folder":              {dir},
		"it has no file name":         {filepath.Join(dir, "missing") + "/"},
		"too many links":              {filepath.Join(dir, "loop")},
		"not a directory":             {filepath.Join(private, "rows.csv")},
		"which is read":               {indexer.ParquetPath(s.index, current)},
		`there is no column "colour"`: {private, "--columns", "colour"},
		"must be a file on this":      {"s3://shop/rows.csv"},
	} {
		r = export(args[0], args[1:]...)
		require.NotEqual(t, exit.Done, r.code, problem)
		require.Contains(t, r.stderr, problem)
	}
	requireRows(private, 0o602)
	left, err := filepath.Glob(filepath.Join(dir, "*", ".*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestOutputToAnOpenFile writes to what the program was started with.
func TestOutputToAnOpenFile(t *testing.T) {
	s := newShop(t)
	for _, to := range []string{"/dev/stdout", "/dev/fd/1"} {
		p := start(t, "export", "--index", s.index, "--format", "csv", "--columns", "source", "--to", to)
		require.Equal(t, exit.Done, p.end(t), p.stderr.String())
		require.Equal(t, 1+shopProducts*shopPhotos, strings.Count(p.stdout.String(), "\n"))
	}
}
