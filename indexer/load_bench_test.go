package indexer

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// shopPhoto is a JPEG file of the size that shops use, with edges and shades as photos have.
func shopPhoto(number int) []byte {
	const width, height = 600, 800
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			wave := math.Sin(float64(x*(number%7+1))/40) * math.Cos(float64(y)/30)
			m.SetRGBA(x, y, color.RGBA{uint8(128 + 100*wave), uint8(x / 3), uint8(y/4 + number), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 85}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// free is an embedder that costs nothing.
type free struct{ *stub }

func (f free) Locate(_ context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	photos := make([]embedding.Photo, len(inputs))
	for i := range photos {
		photos[i] = f.answer(inputs[i].Image)
	}
	return photos, nil
}

// BenchmarkRun measures all of a job but the embedding: scanning, reading, decoding, thumbnails, journal,
// Parquet and store.
func BenchmarkRun(b *testing.B) {
	const n = 200
	photos := b.TempDir()
	files := make(map[string][]byte, n)
	for i := range n {
		files[fmt.Sprintf("%03d.jpg", i)] = shopPhoto(i)
	}
	writeFiles(b, photos, files)
	for b.Loop() {
		out := filepath.Join(b.TempDir(), "out")
		store, err := embedded.Open(out)
		require.NoError(b, err)
		report, err := Run(b.Context(), Options{Catalogue: photos, Out: out, Store: store, Embedder: free{newStub()}})
		require.NoError(b, err)
		require.Equal(b, n, report.Embedded)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "photos/s")
}
