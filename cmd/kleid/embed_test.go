package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/photos"
)

// TestEmbed sees the same in a photo as the index does.
func TestEmbed(t *testing.T) {
	s := newShop(t)
	wall := write(t, filepath.Join(t.TempDir(), "wall.jpg"), greyPhoto(t))
	r := kleid(t, append(append([]string{"embed", "--json"}, s.photos(t)...), wall)...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	report := decodeLine[photos.EmbedReport](t, r)
	require.Len(t, report.Photos, shopProducts*shopPhotos+1)
	seen := make(map[string]photos.EmbeddedPhoto)
	for _, p := range report.Photos {
		seen[p.PhotoID] = p
	}
	for _, row := range rows(t, s.index) {
		p := seen[row.PhotoID]
		require.Equal(t, row.Status, p.Status)
		require.Equal(t, row.Box, p.Box)
		require.Equal(t, row.Facets, p.Facets)
		require.Equal(t, row.EmbeddingUnsupervised, p.EmbeddingUnsupervised)
		require.Equal(t, row.EmbeddingDeepRank, p.EmbeddingDeepRank)
		require.Equal(t, row.EmbeddingModel, report.EmbeddingModel)
		require.Equal(t, row.FacetModel, report.FacetModel)
	}
	last := report.Photos[len(report.Photos)-1]
	require.Equal(t, catalog.StatusNoDress, last.Status)
	require.Equal(t, wall, last.Source)
	require.Empty(t, last.EmbeddingDeepRank)
}

// TestEmbedGoesOn shows the photos that can be read, and fails for the others.
func TestEmbedGoesOn(t *testing.T) {
	s := newShop(t)
	r := kleid(t, "embed", "nowhere.jpg", s.photos(t)[0])
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stdout, "nowhere.jpg: the file cannot be read")
	require.Contains(t, r.stdout, "neckline")
	require.Contains(t, r.stderr, "1 of 2 photos cannot be read")
}

// TestThreads are free to choose: they change no bit.
func TestThreads(t *testing.T) {
	s := newShop(t)
	one := kleid(t, "embed", "--json", "--threads", "1", s.photos(t)[0])
	require.Equal(t, exit.Done, one.code, one.stderr)
	require.Equal(t, kleid(t, "embed", "--json", "--threads", "3", s.photos(t)[0]).stdout, one.stdout)
}
