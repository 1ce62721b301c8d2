package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/storage"
)

// TestTrainEveryPart goes as far as the model, for each part: their flags differ.
func TestTrainEveryPart(t *testing.T) {
	for _, part := range []string{"heads", "similarity", "projection", "background", "location", "refine", "deeprank", "override", "facets"} {
		r := kleid(t, "train", part, "--work", t.TempDir(), "--models", filepath.Join(t.TempDir(), "gone.safetensors"))
		require.Equal(t, exit.Failed, r.code, part)
		require.Contains(t, r.stderr, "gone.safetensors", part)
	}
}

// TestFacetLossFlags refuses what cannot be before anything is painted.
func TestFacetLossFlags(t *testing.T) {
	for want, flags := range map[string][]string{
		`takes FACET=LABEL=WEIGHT`:       {"--class-weight", "neckline=v-neck"},
		`"much" is no number`:            {"--class-weight", "neckline=v-neck=much"},
		`there is no label "v neck"`:     {"--class-weight", "neckline=v neck=2"},
		`there is no facet "neck"`:       {"--class-weight", "neck=v-neck=2"},
		`"rare" is none of`:              {"--class-weights", "rare"},
		`label smoothing is 1.5`:         {"--label-smoothing", "1.5"},
		`the focal exponent is -1`:       {"--focal=-1"},
		`the weight of "v-neck" is -0.5`: {"--class-weight", "neckline=v-neck=-0.5"},
	} {
		for _, command := range []string{"facets", "heads", "all"} { // all that trains facets
			r := kleid(t, append([]string{"train", command, "--work", t.TempDir()}, flags...)...)
			require.Equal(t, exit.Usage, r.code, want)
			require.Contains(t, r.stderr, want)
		}
	}
}

// TestTrainWhereNothingCanBeWritten says so before anything is read or painted.
func TestTrainWhereNothingCanBeWritten(t *testing.T) {
	work := filepath.Join(write(t, filepath.Join(t.TempDir(), "file"), nil), "work")
	for _, args := range [][]string{{"train", "facets", "--dataset", "nowhere.csv"}, {"train", "deeprank", "--catalogue", "nowhere.csv"}, {"train", "all"}} {
		r := kleid(t, append(args, "--work", work)...)
		require.Equal(t, exit.Failed, r.code, args)
		require.Contains(t, r.stderr, "--work cannot be written to: ", args)
	}
}

// TestOneTrainingAtATime keeps a second one out of --work, and goes on where the first has let go.
func TestOneTrainingAtATime(t *testing.T) {
	work := t.TempDir()
	backend, err := storage.Open(t.Context(), work)
	require.NoError(t, err)
	release, err := learning.ClaimWork(t.Context(), backend)
	require.NoError(t, err)
	for _, args := range [][]string{{"train", "facets", "--dataset", "nowhere.csv"}, {"train", "deeprank", "--catalogue", "nowhere.csv"}} {
		r := kleid(t, append(args, "--work", work)...)
		require.Equal(t, exit.Failed, r.code, args)
		require.Contains(t, r.stderr, "another training is writing to "+work+": wait until it is done, or name another --work", args)
	}
	release()
	r := kleid(t, "train", "facets", "--dataset", "nowhere.csv", "--work", work)
	require.NotContains(t, r.stderr, "another training")
	require.Contains(t, r.stderr, "nowhere.csv")
}
