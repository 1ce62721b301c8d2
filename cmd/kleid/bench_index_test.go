package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBenchIndex(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	r := kleid(t, "bench", "index", "--catalogue", s.catalogue, "--rounds", "2", "--json")
	require.Equal(t, exitDone, r.code, r.stderr)
	f := decodeLine[benchIndexFigures](t, r)
	require.Equal(t, shopProducts*shopPhotos, f.OK)
	require.Positive(t, f.ImagesPerSecond)
	require.Positive(t, f.Stages["embed"])
	require.Positive(t, f.PipelineEfficiency)
	require.InDelta(t, f.ImagesPerSecond/f.NetworksAlone, f.PipelineEfficiency, 1e-9)
	require.Positive(t, f.Work["networks"])
	require.InDelta(t, f.Work["networks"]/f.Seconds, f.WorkShares["networks"], 1e-9)
	require.Greater(t, f.PeakRSS, 1.)

	r = kleid(t, "bench", "index", "--products", "2")
	require.Equal(t, exitDone, r.code, r.stderr)
	require.Contains(t, r.stdout, "6 photos in ")
	require.Contains(t, r.stdout, "pipeline efficiency ")
}
