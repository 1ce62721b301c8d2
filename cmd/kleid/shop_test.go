package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/indexer"
)

const (
	shopProducts = 9
	shopPhotos   = 2 // of each product
)

// shop is a painted catalogue with an index that tests only read.
type shop struct {
	dir       string
	catalogue string // a CSV file
	index     string
}

// scratch is a folder for what tests share; TestMain removes it.
var scratch string

var paintedShop = sync.OnceValues(func() (shop, error) {
	s := shop{dir: filepath.Join(scratch, "shop"), index: filepath.Join(scratch, "shop", "index")}
	s.catalogue = filepath.Join(s.dir, "catalogue.csv")
	return s, studio.WriteCatalogue(context.Background(), s.dir, studio.Products("test-command", 1, shopProducts), shopPhotos, nil)
})

var indexOnce sync.Once

// newShop returns the shop, indexed.
func newShop(t *testing.T) shop {
	t.Helper()
	s, err := paintedShop()
	require.NoError(t, err)
	indexOnce.Do(func() {
		r := kleid(t, "index", "--catalogue", s.catalogue, "--out", s.index)
		require.Equal(t, exit.Done, r.code, r.stderr)
	})
	return s
}

// photos are the paths of the catalogue's photos.
func (s shop) photos(t *testing.T) []string {
	t.Helper()
	photos, err := filepath.Glob(filepath.Join(s.dir, "photos", "*.jpg"))
	require.NoError(t, err)
	require.Len(t, photos, shopProducts*shopPhotos)
	return photos
}

// rows are those of the current run in the folder of an index, in the order of the file.
func rows(t *testing.T, index string) []catalog.Row {
	t.Helper()
	run, err := indexer.Latest(index)
	require.NoError(t, err)
	require.NotEmpty(t, run)
	data, err := os.ReadFile(indexer.ParquetPath(index, run))
	require.NoError(t, err)
	reader, err := catalog.Read(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	all, err := reader.All(catalog.ReadOptions{})
	require.NoError(t, err)
	return all
}

// timeless are rows without the only column that two runs may differ in.
func timeless(rows []catalog.Row) []catalog.Row {
	for i := range rows {
		rows[i].IndexedAt = time.Time{}
	}
	return rows
}

// greyPhoto is a photo without a dress.
func greyPhoto(t *testing.T) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 120, 160))
	for i := range m.Pix {
		m.Pix[i] = color.Gray{Y: 128}.Y
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, nil))
	return b.Bytes()
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return path
}

// readText reads a file.
func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// decodeLine reads the one line of JSON that a run left on standard output.
func decodeLine[T any](t *testing.T, r result) T {
	t.Helper()
	require.Equal(t, 1, strings.Count(r.stdout, "\n"), r.stdout)
	require.True(t, strings.HasSuffix(r.stdout, "\n"))
	var v T
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &v), r.stdout)
	return v
}
