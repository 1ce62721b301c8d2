package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

// TestShippedModel is the only test that uses the weights in the program: the right dress comes first for
// most customers' photos, and a photo of the catalogue finds itself.
func TestShippedModel(t *testing.T) {
	t.Setenv("KLEID_MODELS", "")
	dir := t.TempDir()
	r := kleid(t, "demo", "--once", "--json", "--dir", dir, "--seed", "7", "--products", "40", "--photos-per-product", "3", "--queries", "80")
	require.Equal(t, exitDone, r.code, r.stderr)
	f := decodeLine[demoFigures](t, r)
	require.Equal(t, 120, f.Photos)
	require.Equal(t, 80, f.Queries)
	// Weights that have learned nothing would find 1 in 40.
	require.GreaterOrEqual(t, f.RecallAt1, 0.75)
	require.GreaterOrEqual(t, f.RecallAt5, f.RecallAt1)

	photos, err := filepath.Glob(filepath.Join(dir, "catalogue", "photos", "*.jpg"))
	require.NoError(t, err)
	require.Len(t, photos, 120)
	data, err := os.ReadFile(photos[0])
	require.NoError(t, err)
	answer := search(t, photos[0], "--index", filepath.Join(dir, "index"))
	require.Equal(t, photo.ID(data), answer.Results[0].PhotoID)
	require.GreaterOrEqual(t, answer.Results[0].Similarity, float32(0.9999))
	require.NotEmpty(t, answer.Facets)
}
