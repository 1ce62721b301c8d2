//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/indexer"
)

// manyPhotos fills a folder with photos enough to be caught at work: those of the shop again and again,
// each with other bytes behind the picture, which makes it another photo.
func manyPhotos(t *testing.T, s shop) (dir string, n int) {
	t.Helper()
	const copies = 10
	dir = t.TempDir()
	for i, path := range s.photos(t) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		for j := range copies {
			write(t, filepath.Join(dir, fmt.Sprintf("%d-%d.jpg", i, j)), fmt.Append(data[:len(data):len(data)], j))
			n++
		}
	}
	return dir, n
}

// journalled says how many bytes of finished photos the folder of an index has.
func journalled(t *testing.T, index string) int64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(index, "work", "photos-*", "*.log"))
	require.NoError(t, err)
	var sum int64
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// interrupt starts an index, whose folder is the last argument, and sends it a signal when some photos, but
// not all, are through.
func interrupt(t *testing.T, signal syscall.Signal, args ...string) (code int, stderr string) {
	t.Helper()
	out := args[len(args)-1]
	p := start(t, args...)
	require.Eventually(t, func() bool { return journalled(t, out) > 2<<10 }, patience, glance, "%v", args)
	p.signal(signal)
	return p.end(t), p.stderr.String()
}

// TestKilled kills the nightly job in its middle, and then lets it run to its end.
func TestKilled(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	photos, n := manyPhotos(t, s)
	undisturbed := t.TempDir()
	require.Equal(t, exit.Done, kleid(t, "index", "--catalogue", photos, "--out", undisturbed).code)

	out := t.TempDir()
	args := []string{"index", "--catalogue", photos, "--out", out}
	code, _ := interrupt(t, syscall.SIGKILL, args...)
	require.Equal(t, -1, code, "it ended before it was killed")
	latest, err := indexer.Latest(out)
	require.NoError(t, err)
	require.Empty(t, latest)

	r := kleid(t, append(args, "--json")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	report := decodeLine[indexer.Report](t, r)
	require.Equal(t, n, report.OK)
	require.Positive(t, report.Embedded)
	require.Less(t, report.Embedded, n, "what was embedded before is not embedded again")
	require.Equal(t, timeless(rows(t, undisturbed)), timeless(rows(t, out)))
}

// TestKilledKeepsYesterday kills a job that should replace an index.
func TestKilledKeepsYesterday(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	require.Equal(t, exit.Done, kleid(t, "index", "--catalogue", s.catalogue, "--out", out).code)
	yesterday := search(t, s.photos(t)[0], "--index", out)

	photos, n := manyPhotos(t, s)
	before := journalled(t, out)
	p := start(t, "index", "--catalogue", photos, "--out", out)
	require.Eventually(t, func() bool { return journalled(t, out) > before }, patience, glance)
	p.signal(syscall.SIGKILL)
	require.Equal(t, -1, p.end(t), "it ended before it was killed")

	today := search(t, s.photos(t)[0], "--index", out)
	require.Equal(t, yesterday.Results, today.Results)
	require.Equal(t, yesterday.Run, today.Run)
	report := decodeLine[indexer.Report](t, kleid(t, "index", "--catalogue", photos, "--out", out, "--json"))
	require.Equal(t, n, report.OK)
}

// TestInterrupted stops the job as a person does.
func TestInterrupted(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	photos, _ := manyPhotos(t, s)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		code, stderr := interrupt(t, signal, "index", "--catalogue", photos, "--out", t.TempDir())
		require.Equal(t, exit.Interrupted, code)
		require.Contains(t, stderr, "goes on from there")
		require.Contains(t, stderr, "kleid: interrupted")
	}
}
