package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBadRowsComeFirst: where rows are bad, labels may be missing, which is not what is wrong.
func TestBadRowsComeFirst(t *testing.T) {
	folder, rows := ownPhotos(t)
	for _, row := range rows[1:] {
		row[column(t, rows, "x_min")] = "left"
	}
	manifest, work := manifestOf(t, folder, rows), t.TempDir()
	const first = `shop.csv:2: x_min is "left", but must be a number of pixels`
	for _, command := range []string{"train", "evaluate"} {
		args := []string{command, "facets", "--dataset", manifest, "--facets", "sleeve"}
		if command == "train" {
			args = append(args, "--work", work)
		}
		r := kleid(t, args...)
		require.Equal(t, exitTooManyBad, r.code, r.stderr)
		require.Contains(t, r.stderr, first)
		require.Contains(t, r.stderr, "30 of 30 photos are bad, more than the 5% that --max-bad allows")
		require.NotContains(t, r.stderr, "labels of sleeve")

		r = kleid(t, append(args, "--max-bad", "100%")...)
		require.Equal(t, exitUsage, r.code, r.stderr)
		require.Contains(t, r.stderr, "no dataset has labels of sleeve")
		require.Contains(t, r.stderr, first)
	}
	listed, err := os.ReadFile(filepath.Join(work, badPhotosFile))
	require.NoError(t, err)
	require.Contains(t, string(listed), "shop.csv:31,")
}

// TestMarkedAsTest: with --test-dataset, what is marked as test in --dataset is left out, and nothing else is.
func TestMarkedAsTest(t *testing.T) {
	folder, rows := ownPhotos(t)
	rows[0] = append(slices.Clone(rows[0]), "split", "is_dress")
	for i, row := range rows[1:] {
		split, dress := "", ""
		if i < 4 {
			split = "test"
		}
		if i == 4 {
			dress = "no"
		}
		rows[i+1] = append(slices.Clone(row), split, dress)
	}
	rows[6][column(t, rows, "sleeve")] = ""
	test := slices.Clone(append(rows[:1:1], rows[20:]...))
	manifest := manifestOf(t, folder, rows)
	write(t, filepath.Join(filepath.Dir(manifest), "labels.json"), []byte(`{"sleeve": ["long", "wings"]}`))
	r := kleid(t, "train", "facets", "--dataset", manifest, "--test-dataset", manifestOf(t, folder, test),
		"--facets", "sleeve", "--work", t.TempDir(), "--steps", "20", "--yes")
	require.Equal(t, exitDone, r.code, r.stderr)
	require.Contains(t, r.stderr, "labels.json of shop: no photo has sleeve wings, which is left out until one does")
	require.Contains(t, r.stderr, "13 photos to learn from, 11 to measure with, 5 others;")
	require.Contains(t, r.stderr, "1 of the others have no label of sleeve\n")
	require.Contains(t, r.stderr, "4 of the others are marked as test in --dataset")
	require.Contains(t, r.stderr, "1 photos more are left out, which show no dress")
	require.Contains(t, r.stderr, "11 photos more are not learned from")
}
