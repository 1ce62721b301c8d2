package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
