package main

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/demo"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/photos"
	"github.com/kleid-search/kleid/photo"
)

// TestShippedModel is the only test that uses the weights in the program: the right dress comes first for
// most customers' photos, and a photo of the catalogue finds itself.
func TestShippedModel(t *testing.T) {
	t.Setenv("KLEID_MODELS", "")
	dir := t.TempDir()
	r := kleid(t, "demo", "--once", "--json", "--dir", dir, "--seed", "7", "--products", "40", "--photos-per-product", "3", "--queries", "80")
	require.Equal(t, exit.Done, r.code, r.stderr)
	f := decodeLine[demo.Figures](t, r)
	require.Equal(t, 120, f.Photos)
	require.Equal(t, 80, f.Queries)
	// Weights that have learned nothing would find 1 in 40.
	require.GreaterOrEqual(t, f.RecallAt1, 0.75)
	require.GreaterOrEqual(t, f.RecallAt5, f.RecallAt1)

	files, err := filepath.Glob(filepath.Join(dir, "catalogue", "photos", "*.jpg"))
	require.NoError(t, err)
	require.Len(t, files, 120)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	answer := search(t, files[0], "--index", filepath.Join(dir, "index"))
	require.Equal(t, photo.ID(data), answer.Results[0].PhotoID)
	require.GreaterOrEqual(t, answer.Results[0].Similarity, float32(0.9999))
	require.NotEmpty(t, answer.Facets)

	three := beside(t, files[0], files[3], files[6]) // of three products
	seen := decodeLine[photos.EmbedReport](t, kleid(t, "embed", "--json", three)).Photos[0]
	found := map[int32]bool{}
	for _, c := range seen.Candidates {
		if at := c.Box.XMin * 3 / int32(seen.Width); at == (c.Box.XMax-1)*3/int32(seen.Width) {
			found[at] = true
		}
	}
	require.Equal(t, map[int32]bool{0: true, 1: true, 2: true}, found, "each in its third: %v", seen.Candidates)
	require.Equal(t, len(seen.Candidates)-1, strings.Count(kleid(t, "embed", three).stdout, "another one at"))
}

// beside puts photos of one size side by side.
func beside(t *testing.T, paths ...string) string {
	t.Helper()
	var wide *image.RGBA
	for i, path := range paths {
		file, err := os.Open(path)
		require.NoError(t, err)
		m, err := jpeg.Decode(file)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		size := m.Bounds().Size()
		if wide == nil {
			wide = image.NewRGBA(image.Rect(0, 0, len(paths)*size.X, size.Y))
		}
		draw.Draw(wide, image.Rect(i*size.X, 0, (i+1)*size.X, size.Y), m, image.Point{}, draw.Src)
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, wide, nil))
	return write(t, filepath.Join(t.TempDir(), "wide.jpg"), b.Bytes())
}
