package indexer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A commit waits for shards that are whole, of one catalogue and one model.
func TestIncompleteShards(t *testing.T) {
	b := newBench(t, shopFiles())
	shard := func(i int) {
		_, err := RunShard(t.Context(), b.options(), Shard{i, 2, "monday"})
		require.NoError(t, err)
	}
	commit := func() error {
		options := b.options()
		options.MaxBad = 0.05 // one photo of 18 is more
		_, err := CommitShards(t.Context(), options, "monday", 2)
		return err
	}
	requireNone := func(kind error, problem string) {
		t.Helper()
		err := commit()
		require.ErrorIs(t, err, kind)
		require.ErrorContains(t, err, problem)
		run, err := b.store.CurrentRun(t.Context())
		require.NoError(t, err)
		require.Empty(t, run)
	}
	requireNone(ErrIncomplete, "shard 0-of-2 of job monday is not done")
	shard(0)
	requireNone(ErrIncomplete, "shard 1-of-2 of job monday is not done")
	shard(1)
	photos := filepath.Join(b.out, filepath.FromSlash(Shard{1, 2, "monday"}.result(shardPhotos)))
	data, err := os.ReadFile(photos)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(photos, data[:len(data)/2], 0o644))
	requireNone(ErrIncomplete, "is not what shard 1-of-2 wrote")
	require.NoError(t, os.WriteFile(photos, data, 0o644))
	writeFiles(t, b.photos, pictures(20, 1))
	requireNone(ErrMismatch, "no shard has looked at 1 of the 18 photos of the catalogue")
	require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(20))))
	b.embedder.meta.FacetModel = "heads-2"
	requireNone(ErrMismatch, "use one model for all")
	b.embedder.meta.FacetModel = "heads-1"
	require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(0))), "a photo may go in between")
	writeFiles(t, b.photos, pictures(20, 1)) // and a few may come
	options := b.options()
	options.MaxBad = 0.5
	report, err := CommitShards(t.Context(), options, "monday", 2)
	require.NoError(t, err)
	require.True(t, report.Published)
	require.Equal(t, []int{1, 16}, []int{report.CameLater, report.Photos})
	require.Contains(t, report.String(), "wait for the next run: 1")

	for _, wrong := range []Shard{{2, 2, "monday"}, {-1, 2, "monday"}, {0, 0, "monday"}, {0, 1, "../monday"}, {0, 1, ""}} {
		_, err := RunShard(t.Context(), b.options(), wrong)
		require.Error(t, err)
		require.Error(t, wrong.Check())
	}
}

// Of shards that are run again with a new model some are done before others have begun: a commit waits for those.
func TestShardsWithANewModel(t *testing.T) {
	b := newBench(t, pictures(0, 6))
	shard := func(i int) {
		_, err := RunShard(t.Context(), b.options(), Shard{i, 2, "monday"})
		require.NoError(t, err)
	}
	commit := func() error {
		_, err := CommitShards(t.Context(), b.options(), "monday", 2)
		return err
	}
	shard(0)
	shard(1)
	b.embedder.meta.EmbeddingModel = "trunk-2"
	require.ErrorIs(t, commit(), ErrMismatch)
	shard(1)
	err := commit()
	require.ErrorIs(t, err, ErrIncomplete)
	require.NotErrorIs(t, err, ErrMismatch)
	require.ErrorContains(t, err, "shard 0-of-2 is of embedding model trunk-1")
	shard(0)
	require.NoError(t, commit())
}

// What an earlier night's shards saw is not taken for what this night's see: it goes when a shard begins, and when the gate
// has refused it.
func TestShardsOfAnEarlierNight(t *testing.T) {
	b := newBench(t, pictures(0, 20))
	shard := func(i int) (ShardReport, error) { return RunShard(t.Context(), b.options(), Shard{i, 2, "nightly"}) }
	both := func() {
		for i := range 2 {
			_, err := shard(i)
			require.NoError(t, err)
		}
	}
	commit := func() (Report, error) { return CommitShards(t.Context(), b.options(), "nightly", 2) }
	both()
	catalogue := b.photos
	b.photos += " that is away"
	_, err := shard(1)
	require.ErrorContains(t, err, "cannot be opened")
	require.ErrorIs(t, err, ErrNoCatalogue)
	b.photos = catalogue
	_, err = commit()
	require.ErrorIs(t, err, ErrIncomplete)
	require.ErrorContains(t, err, "shard 1-of-2 of job nightly is not done")

	both()
	first, err := commit()
	require.NoError(t, err)
	require.True(t, first.Published)
	for i := range 15 {
		require.NoError(t, os.WriteFile(filepath.Join(b.photos, pictureName(i)), []byte("no photo any more"), 0o644))
	}
	both()
	refused, err := commit()
	require.NoError(t, err)
	require.True(t, refused.Gate.Refused())
	_, err = commit()
	require.ErrorContains(t, err, "shard 0-of-2 of job nightly is not done")
}

// Whoever waits for shards does not list the catalogue each time, nor begin a job.
func TestShardsAreLookedForFirst(t *testing.T) {
	b := newBench(t, pictures(0, 4))
	catalogue := b.photos
	b.photos += " that is away"
	_, err := CommitShards(t.Context(), b.options(), "monday", 1)
	require.ErrorIs(t, err, ErrIncomplete)
	require.NoFileExists(t, jobPath(b.out))
	require.NoDirExists(t, layout{b.out}.work())
	// What is wrong with the options, waiting does not mend.
	options := b.options()
	options.Replay = "gone.jsonl"
	_, err = Run(t.Context(), options)
	require.ErrorIs(t, err, ErrUsage)
	options.Keep = -1
	_, err = CommitShards(t.Context(), options, "monday", 1)
	require.ErrorIs(t, err, ErrUsage)
	require.EqualError(t, err, "index: -1 runs cannot be kept: the number must not be negative")
	b.photos = catalogue
	_, err = RunShard(t.Context(), b.options(), Shard{0, 1, "monday"})
	require.NoError(t, err)
	b.embedder.meta.EmbeddingModel, b.photos = "trunk-2", catalogue+" that is away"
	_, err = CommitShards(t.Context(), b.options(), "monday", 1)
	require.ErrorIs(t, err, ErrMismatch, "of another model, whatever the catalogue is")
}
