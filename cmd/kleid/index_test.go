package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
)

func TestIndex(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	r := kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--json")
	require.Equal(t, exitDone, r.code, r.stderr)
	fields := decodeLine[map[string]any](t, r)
	for _, name := range []string{"photos", "ok", "no_dress", "unreadable", "seconds", "images_per_second", "index", "run", "embedding_model", "facet_model", "embedded"} {
		require.Contains(t, fields, name)
	}
	first := decodeLine[indexer.Report](t, r)
	require.Equal(t, shopProducts*shopPhotos, first.Photos)
	require.Equal(t, first.Photos, first.OK)
	require.Equal(t, first.Photos, first.Embedded)
	require.Equal(t, out, first.Index)
	written := rows(t, out)
	require.Len(t, written, first.Photos)
	require.Equal(t, catalog.StatusOK, written[0].Status)
	require.Equal(t, first.EmbeddingModel, written[0].EmbeddingModel)
	require.Len(t, written[0].Facets, len(datasets.Facets())+1, "and the colour")
	require.NotEmpty(t, written[0].Colours)
	require.NotEmpty(t, written[0].Attributes["colour"])

	again := decodeLine[indexer.Report](t, kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--json"))
	require.Zero(t, again.Embedded, "a second run embeds none again")
	require.NotEqual(t, first.Run, again.Run)
	require.Equal(t, first.Run, again.PreviousRun)
	require.Equal(t, timeless(written), timeless(rows(t, out)))

	text := kleid(t, "index", "--catalogue", s.catalogue, "--out", out)
	require.Equal(t, exitDone, text.code)
	require.Contains(t, text.stdout, "0 embedded anew")
}

// TestIndexKeepsRuns counts the runs that --keep leaves, in the Parquet files and in the store.
func TestIndexKeepsRuns(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	for range 3 {
		require.Equal(t, exitDone, kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--keep", "0").code)
	}
	for _, pattern := range []string{"run=*", "vectors/*/manifest.json"} {
		runs, err := filepath.Glob(filepath.Join(out, pattern))
		require.NoError(t, err)
		require.Len(t, runs, 1, pattern)
	}
}

func TestIndexOfAFolder(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), "new", "index")
	report := decodeLine[indexer.Report](t, kleid(t, "index", "--catalogue", filepath.Join(s.dir, "photos"), "--out", out, "--json"))
	require.Equal(t, shopProducts*shopPhotos, report.OK)
	require.Equal(t, report.Photos, report.Products, "a file name is a product")
}

// TestIndexIntoAnotherStore keeps vectors apart from the rest.
func TestIndexIntoAnotherStore(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out, elsewhere := t.TempDir(), t.TempDir()
	require.Equal(t, exitDone, kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--store", "embedded:"+elsewhere).code)
	store, err := embedded.Open(out)
	require.NoError(t, err)
	_, err = store.Current(t.Context())
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	r := kleid(t, "search", s.photos(t)[0], "--store", "embedded:"+elsewhere)
	require.Equal(t, exitDone, r.code, r.stderr)
}

func TestIndexTooManyBad(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	photos := t.TempDir()
	good, err := os.ReadFile(s.photos(t)[0])
	require.NoError(t, err)
	write(t, filepath.Join(photos, "good.jpg"), good)
	out := t.TempDir()
	require.Equal(t, exitDone, kleid(t, "index", "--catalogue", photos, "--out", out).code)
	run, err := indexer.Latest(out)
	require.NoError(t, err)

	write(t, filepath.Join(photos, "bad.jpg"), []byte("not a photo"))
	r := kleid(t, "index", "--catalogue", photos, "--out", out, "--json")
	require.Equal(t, exitTooManyBad, r.code)
	require.Contains(t, r.stderr, "50.0% of the photos are unreadable")
	require.Contains(t, r.stderr, "stays the current one")
	report := decodeLine[indexer.Report](t, r)
	require.Equal(t, 1, report.Unreadable)
	require.False(t, report.Published)
	now, err := indexer.Latest(out)
	require.NoError(t, err)
	require.Equal(t, run, now)

	r = kleid(t, "index", "--catalogue", photos, "--out", out, "--max-bad", "0.5")
	require.Equal(t, exitDone, r.code, r.stderr)
	r = kleid(t, "index", "--catalogue", photos, "--out", t.TempDir())
	require.Equal(t, exitTooManyBad, r.code)
	require.Contains(t, r.stderr, "published all the same")
}

func TestIndexFails(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"no such catalogue", []string{"--catalogue", "nowhere", "--out", t.TempDir()}, "nowhere"},
		{"empty catalogue", []string{"--catalogue", t.TempDir(), "--out", t.TempDir()}, "has no photos"},
		{"catalogue of no kind", []string{"--catalogue", write(t, filepath.Join(t.TempDir(), "c.xls"), nil), "--out", t.TempDir()}, "neither a folder nor"},
		{"no such model", []string{"--catalogue", s.catalogue, "--out", t.TempDir(), "--models", "nowhere.safetensors"}, "nowhere.safetensors"},
		{"model that is none", []string{"--catalogue", s.catalogue, "--out", t.TempDir(), "--models", s.catalogue}, "catalogue.csv"},
		{"out is a file", []string{"--catalogue", s.catalogue, "--out", s.catalogue}, "catalogue.csv"},
		{"built without XLA", []string{"--catalogue", s.catalogue, "--out", t.TempDir(), "--backend", "xla:cpu"}, "xla"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := kleid(t, append([]string{"index", "--json"}, test.args...)...)
			require.Equal(t, exitFailed, r.code, r.stderr)
			require.Contains(t, r.stderr, test.says)
			require.Empty(t, r.stdout)
		})
	}
}

// TestReportIsOneLine holds for names that would break it.
func TestReportIsOneLine(t *testing.T) {
	photos := t.TempDir()
	write(t, filepath.Join(photos, "two\nlines.jpg"), []byte("x"))
	r := kleid(t, "index", "--catalogue", photos, "--out", t.TempDir(), "--max-bad", "1", "--json")
	require.Equal(t, exitDone, r.code, r.stderr)
	report := decodeLine[indexer.Report](t, r)
	require.Equal(t, "two\nlines.jpg", report.Bad[0].Source)
	require.True(t, json.Valid([]byte(r.stdout)))
}
