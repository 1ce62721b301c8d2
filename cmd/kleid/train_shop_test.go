package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets"
)

// TestTrainOnOwnProducts learns from a catalogue which photos are of one product, and measures on products that are
// kept apart.
func TestTrainOnOwnProducts(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	photos := s.photos(t)
	var apart []string // so many of the products
	var text strings.Builder
	fmt.Fprintln(&text, "product_id,photo")
	for i := 0; len(photos) > 0; i++ {
		id := fmt.Sprint("dress-", i)
		if datasets.SplitOf(id) == datasets.Test {
			if len(apart) == 3 {
				continue
			}
			apart = append(apart, id)
		} else if len(photos) <= 2*(3-len(apart)) {
			continue // the rest is for those apart
		}
		fmt.Fprintf(&text, "%s,%s\n%s,%s\n", id, photos[0], id, photos[1])
		photos = photos[2:]
	}
	torn := write(t, filepath.Join(t.TempDir(), "torn.jpg"), []byte("no photo"))
	fmt.Fprintf(&text, "torn,%s\n", torn)
	catalogue := write(t, filepath.Join(t.TempDir(), "shop.csv"), []byte(text.String()))

	work := t.TempDir()
	args := []string{"train", "deeprank", "--catalogue", catalogue, "--work", work, "--products", "12"}
	r := kleid(t, append(args, "--max-bad", "0")...)
	require.Equal(t, exitTooManyBad, r.code, r.stderr)
	require.Contains(t, r.stderr, "1 of 19 photos are bad, more than the 0 that --max-bad allows")
	require.NoFileExists(t, filepath.Join(work, "model.safetensors"))
	require.FileExists(t, filepath.Join(work, "bad-photos.csv"))

	r = kleid(t, append(args, "--max-bad", "1", "--mining", "semi-hard")...)
	require.Equal(t, exitDone, r.code, r.stderr)
	require.Contains(t, r.stderr, "6 products to learn from, 3 to measure with")
	require.Contains(t, r.stdout, "6 photos of products kept apart, among 5")
	require.FileExists(t, filepath.Join(work, "model.safetensors"))
	metrics, err := readMetrics(filepath.Join(work, "metrics.json"))
	require.NoError(t, err)
	require.Contains(t, metrics, "shop.deeprank.recall_at_1")

	r = kleid(t, append(args, "--mining", "hardest")...)
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "must be one of [batch-hard semi-hard]")
}
