package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/bench"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

func TestBenchIndex(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	r := kleid(t, "bench", "index", "--catalogue", s.catalogue, "--rounds", "2", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	f := decodeLine[bench.IndexFigures](t, r)
	require.Equal(t, shopProducts*shopPhotos, f.OK)
	require.Positive(t, f.ImagesPerSecond)
	require.Positive(t, f.Stages["embed"])
	require.Positive(t, f.PipelineEfficiency)
	require.InDelta(t, float64(f.Embedded)/f.Seconds/f.NetworksAlone, f.PipelineEfficiency, 1e-9)
	require.Positive(t, f.Work["networks"])
	require.InDelta(t, f.Work["networks"]/f.Seconds, f.WorkShares["networks"], 1e-9)
	require.Greater(t, f.PeakRSS, 1.)

	r = kleid(t, "bench", "index", "--products", "2")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "6 photos in ")
	require.Contains(t, r.stdout, "pipeline efficiency ")
}

// TestBenchIndexCountsWorkOnce: copies and photos that cannot be read cost the networks nothing, and so make the
// pipeline no more efficient.
func TestBenchIndexCountsWorkOnce(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	photos, err := filepath.Glob(filepath.Join(filepath.Dir(s.catalogue), "*", "*.jpg"))
	require.NoError(t, err)
	if len(photos) == 0 {
		photos, err = filepath.Glob(filepath.Join(filepath.Dir(s.catalogue), "*.jpg"))
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, len(photos), 3)
	dir := t.TempDir()
	for i, path := range photos[:3] {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		for copied := range 4 {
			write(t, filepath.Join(dir, fmt.Sprintf("%d-%d.jpg", i, copied)), data)
		}
	}
	write(t, filepath.Join(dir, "bad.jpg"), []byte("no photo"))
	r := kleid(t, "bench", "index", "--catalogue", dir, "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	f := decodeLine[bench.IndexFigures](t, r)
	require.Equal(t, 13, f.Photos)
	require.Equal(t, 3, f.Embedded)
	require.InDelta(t, 3/f.Seconds/f.NetworksAlone, f.PipelineEfficiency, 1e-9)
}
