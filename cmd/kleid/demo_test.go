package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

// TestDemoOnce measures a small shop.
func TestDemoOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := kleid(t, "demo", "--once", "--seed", "7", "--json", "--products", "5", "--photos-per-product", "2", "--queries", "7")
	require.Equal(t, exit.Done, r.code, r.stderr)
	fields := decodeLine[map[string]json.Number](t, r)
	require.Len(t, fields, 6)
	for name, want := range map[string]string{"photos": "10", "products": "5", "queries": "7"} {
		require.Equal(t, json.Number(want), fields[name], name)
	}
	first, err := fields["recall_at_1"].Float64()
	require.NoError(t, err)
	five, err := fields["recall_at_5"].Float64()
	require.NoError(t, err)
	require.GreaterOrEqual(t, first, 0.0)
	require.LessOrEqual(t, first, five)
	require.Equal(t, 1.0, five, "there are only five products")
	seconds, err := fields["seconds"].Float64()
	require.NoError(t, err)
	require.Positive(t, seconds)
	require.Contains(t, r.stderr, "Painting 10 photos of 5 dresses")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left, "--once cleans up")
}

// TestDemoStartsAgain paints and embeds once only, unless something else is asked for.
func TestDemoStartsAgain(t *testing.T) {
	dir := t.TempDir()
	demo := func(products, seed string) result {
		r := kleid(t, "demo", "--once", "--dir", dir, "--products", products, "--seed", seed, "--photos-per-product", "1", "--queries", "2")
		require.Equal(t, exit.Done, r.code, r.stderr)
		require.Empty(t, r.stdout)
		return r
	}
	require.Contains(t, demo("3", "1").stderr, "3 photos are indexed, 3 of them anew")
	again := demo("3", "1").stderr
	require.Contains(t, again, "from an earlier start")
	require.Contains(t, again, "0 of them anew")
	require.Contains(t, demo("4", "1").stderr, "Painting 4 photos")
	require.Contains(t, demo("4", "2").stderr, "Painting 4 photos")
	require.Len(t, photosIn(t, dir), 4, "the other seed's photos are gone")

	// Painting that was interrupted is done again.
	require.NoError(t, os.Remove(filepath.Join(dir, "painted.json")))
	require.Contains(t, demo("4", "2").stderr, "Painting 4 photos")
}

// TestDemoKeepsOthersPhotos starts in a folder that has a catalogue already.
func TestDemoKeepsOthersPhotos(t *testing.T) {
	dir := t.TempDir()
	own := write(t, filepath.Join(dir, "catalogue", "photos", "own.jpg"), greyPhoto(t))
	for _, seed := range []string{"1", "2"} {
		r := kleid(t, "demo", "--once", "--dir", dir, "--products", "1", "--seed", seed, "--photos-per-product", "1", "--queries", "1")
		require.Equal(t, exit.Done, r.code, r.stderr)
		require.FileExists(t, own)
	}
}

// photosIn are the photos of a demo's catalogue.
func photosIn(t *testing.T, dir string) []string {
	t.Helper()
	photos, err := filepath.Glob(filepath.Join(dir, "catalogue", "photos", "*.jpg"))
	require.NoError(t, err)
	return photos
}
