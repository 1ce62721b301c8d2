package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBench(t *testing.T) {
	for _, what := range []string{"embed", "train"} {
		r := kleid(t, "bench", what, "--network", "kleid-s", "--size", "32", "--batch", "2", "--seconds", "1e-12", "--json")
		require.Equal(t, exitDone, r.code, r.stderr)
		f := decodeLine[networkFigures](t, r)
		require.Equal(t, networkFigures{"kleid-s", "f32", 2, 32, f.ImagesPerSecond, f.LatencyP50, f.LatencyP99}, f)
		require.Positive(t, f.ImagesPerSecond)
		require.LessOrEqual(t, f.LatencyP50, f.LatencyP99)
	}
}

func TestBenchIndex(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	r := kleid(t, "bench", "index", "--catalogue", s.catalogue, "--json")
	require.Equal(t, exitDone, r.code, r.stderr)
	f := decodeLine[benchIndexFigures](t, r)
	require.Equal(t, shopProducts*shopPhotos, f.OK)
	require.Positive(t, f.ImagesPerSecond)
	require.Positive(t, f.Stages["embed"])

	r = kleid(t, "bench", "index", "--products", "2")
	require.Equal(t, exitDone, r.code, r.stderr)
	require.Contains(t, r.stdout, "6 photos in ")
}

func TestVersion(t *testing.T) {
	r := kleid(t, "version", "--json")
	require.Equal(t, exitDone, r.code)
	report := decodeLine[versionReport](t, r)
	require.Equal(t, version, report.Version)
	require.NotEmpty(t, report.CPU)
	text := kleid(t, "version").stdout
	require.Contains(t, text, "kleid "+version)
	for _, flag := range []string{"--version", "-v"} {
		r := kleid(t, flag)
		require.Equal(t, exitDone, r.code, flag)
		require.Equal(t, text, r.stdout, flag)
	}
}
