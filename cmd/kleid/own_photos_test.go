package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/evaluate"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/train"
	"github.com/kleid-search/kleid/evaluation"
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
		require.Equal(t, exit.TooManyBad, r.code, r.stderr)
		require.Contains(t, r.stderr, first)
		require.Contains(t, r.stderr, "30 of 30 photos are bad, more than the 5% that --max-bad allows")
		require.NotContains(t, r.stderr, "labels of sleeve")

		r = kleid(t, append(args, "--max-bad", "100%")...)
		require.Equal(t, exit.Usage, r.code, r.stderr)
		require.Contains(t, r.stderr, "no dataset has labels of sleeve")
		require.Contains(t, r.stderr, first)
	}
	listed, err := os.ReadFile(filepath.Join(work, "bad-photos.csv"))
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
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stderr, "labels.json of shop: no photo has sleeve wings, which is left out until one does")
	require.Contains(t, r.stderr, "13 photos to learn from, 11 to measure with, 5 others;")
	require.Contains(t, r.stderr, "1 of the others have no label of sleeve\n")
	require.Contains(t, r.stderr, "4 of the others are marked as test in --dataset")
	require.Contains(t, r.stderr, "1 photos more are left out, which show no dress")
	require.Contains(t, r.stderr, "11 photos more are not learned from")
}

// TestEvaluateLearnedPhotos: a model says from which photos it has learned, whatever else is asked of them, and what its
// training kept apart can be measured with alone.
func TestEvaluateLearnedPhotos(t *testing.T) {
	folder, rows := ownPhotos(t)
	manifest, work := manifestOf(t, folder, rows), t.TempDir()
	r := kleid(t, "train", "facets", "--dataset", manifest, "--facets", "sleeve", "--work", work, "--steps", "20", "--yes", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	trained := decodeLine[train.FacetsFigures](t, r)
	evaluate := func(manifest string, args ...string) (result, evaluate.DatasetReport) {
		args = append([]string{"evaluate", "facets", "--dataset", manifest, "--models", filepath.Join(work, "model.safetensors"), "--json"}, args...)
		r := kleid(t, args...)
		require.Equal(t, exit.Done, r.code, r.stderr)
		return r, decodeLine[evaluate.DatasetReport](t, r)
	}

	r, all := evaluate(manifest, "--min-count", "1")
	share := float64(trained.Train[0].Photos) / labelledProducts
	require.Equal(t, map[string]float64{"sleeve": share}, all.Learned)
	require.Contains(t, r.stderr, "the model has learned from these photos (sleeve from about ")
	require.Contains(t, r.stderr, "--split test measures with those")
	require.Empty(t, all.NotCounted)
	r, apart := evaluate(manifest, "--facets", "sleeve", "--min-count", "1", "--split", "test")
	require.Equal(t, map[string]float64{"sleeve": 0}, apart.Learned)
	require.NotContains(t, r.stderr, "has learned from")
	require.Equal(t, trained.Test[0].Photos, apart.Facets[0].Photos)
	require.Equal(t, trained.Test[0].Confusion, apart.Facets[0].Confusion)

	_, most := evaluate(manifest, "--facets", "sleeve", "--min-count", "7")
	left := labelledProducts - most.Facets[0].Photos
	require.Positive(t, left)
	for _, label := range most.NotCounted {
		require.Less(t, label.Photos, 7)
		require.Equal(t, "fewer than 7 photos", label.Reason)
		left -= label.Photos
	}
	require.Zero(t, left, "all that is left out is told")
	r = kleid(t, "evaluate", "facets", "--dataset", manifest, "--facets", "sleeve", "--min-count", "7")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Regexp(t, `sleeve: is \\ is taken for +1`, r.stdout)
	require.Contains(t, r.stdout, "photos are left out, whose labels do not count (fewer than 7 photos; see --min-count and --labels): ")

	// Whatever the shop calls a label, or two of the model's.
	own := slices.Clone(rows)
	at := column(t, rows, "sleeve")
	for i, row := range own {
		if row[at] == "long" {
			own[i] = slices.Clone(row)
			own[i][at] = "wrist"
		}
	}
	renamed := manifestOf(t, folder, own)
	r, _ = evaluate(renamed, "--facets", "sleeve", "--min-count", "1")
	require.Contains(t, r.stderr, "the model has no sleeve wrist, and so is wrong about each photo of it; where it calls it otherwise, say --rename sleeve:wrist=")
	for _, rename := range []string{"sleeve:wrist=long", "sleeve:long=wrist"} {
		_, again := evaluate(renamed, "--facets", "sleeve", "--min-count", "1", "--rename", rename)
		require.Equal(t, all.Facets[facetAt(all, "sleeve")].Confusion.Counts, again.Facets[0].Confusion.Counts, rename)
	}
	_, one := evaluate(manifest, "--facets", "sleeve", "--min-count", "1", "--rename", "sleeve:cap=short", "--rename", "sleeve:three-quarters=short")
	require.Len(t, one.Facets[0].Labels, 3)
	require.GreaterOrEqual(t, one.Facets[0].Accuracy, all.Facets[facetAt(all, "sleeve")].Accuracy)
}

func facetAt(r evaluate.DatasetReport, name string) int {
	return slices.IndexFunc(r.Facets, func(f evaluation.FacetReport) bool { return f.Facet == name })
}
