package indexer

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// shopFiles are photos of every kind.
func shopFiles() map[string][]byte {
	files := pictures(0, 12)
	files["twin.png"], files["nothing.png"], files["failing.png"] = picture(ordinaryWidth, 1), picture(noDressWidth, 7), picture(failingWidth, 8)
	files["broken.jpg"], files["empty.jpg"] = []byte("no photo"), nil
	return files
}

// Shards make the rows that one machine makes, wherever they leave what they saw, and a second night is as cheap.
func TestShards(t *testing.T) {
	files := shopFiles()
	alone := newBench(t, files)
	want := alone.run(t)
	_, wantRows := parquetRows(t, alone.out, want.Run)
	for _, place := range []string{"folder", "S3"} {
		t.Run(place, func(t *testing.T) {
			b := newBench(t, files)
			var told Judgements
			options := func(machine string) Options {
				o := b.options()
				o.Judgements = told
				if place == "S3" {
					o.Out, o.Scratch = "s3://shop/index", filepath.Join(filepath.Dir(b.out), machine)
				}
				return o
			}
			if place == "S3" {
				fakeS3(t, "index", nil)
			}
			shards := func(job string) (embedded int) {
				for i := range 3 {
					o := options(job + "-" + string(rune('a'+i))) // machines that know nothing
					o.Store = nil
					report, err := RunShard(t.Context(), o, Shard{i, 3, job})
					require.NoError(t, err)
					embedded += report.Embedded
				}
				return embedded
			}
			commit := func(job string) Report {
				report, err := CommitShards(t.Context(), options("committer"), job, 3)
				require.NoError(t, err)
				require.True(t, report.Published, "%v", report.Gate.Reasons)
				return report
			}
			embedded := shards("monday")
			require.Contains(t, []int{13, 14}, embedded, "photos of the same bytes may be of two shards")
			report := commit("monday")
			require.Equal(t, embedded, report.Embedded)
			require.Equal(t, []int{want.OK, want.NoDress, want.Unreadable}, []int{report.OK, report.NoDress, report.Unreadable})
			home := b.out
			if place == "S3" {
				home = filepath.Join(filepath.Dir(b.out), "committer")
			}
			_, rows := parquetRows(t, home, report.Run)
			require.Equal(t, timeless(wantRows), timeless(rows))

			require.Zero(t, shards("tuesday"), "nothing is embedded again, by other machines either")
			second := commit("tuesday")
			b.embedder.meta.FacetModel = "heads-2"
			require.Zero(t, shards("wednesday"), "its facets are read from what is kept")
			third := commit("wednesday")
			_, rows = parquetRows(t, home, third.Run)
			other := newBench(t, files)
			other.embedder = b.embedder
			_, wantOther := parquetRows(t, other.out, other.run(t).Run)
			require.Equal(t, timeless(wantOther), timeless(rows))
			b.embedder.meta.FacetModel = "heads-1"
			require.Equal(t, report.Run, second.PreviousRun)

			told = said{photo.ID(files["nothing.png"]): {isDress: true}}
			require.Equal(t, 1, shards("thursday"), "people tell of a dress")
			last := commit("thursday")
			require.Equal(t, []int{want.OK + 1, want.NoDress - 1}, []int{last.OK, last.NoDress})
			bucket, err := storage.Open(t.Context(), options("x").Out)
			require.NoError(t, err)
			var keys []string
			for info, err := range bucket.List(t.Context(), "") {
				require.NoError(t, err)
				keys = append(keys, info.Key)
			}
			for _, key := range []string{"latest", "run=" + third.Run + "/part-000.parquet", "report.html"} {
				require.Contains(t, keys, key)
			}
			for _, key := range keys {
				require.NotContains(t, key, "work/jobs/", "what is committed is not kept twice")
			}
		})
	}
}

// A shard with too many unreadable photos leaves nothing to commit.
func TestShardWithTooManyBad(t *testing.T) {
	b := newBench(t, shopFiles()) // two of 17 are no photos, and one no network can look at
	options := b.options()
	options.MaxBad = 0.1
	report, err := RunShard(t.Context(), options, Shard{0, 1, "monday"})
	require.NoError(t, err)
	require.True(t, report.TooManyBad)
	require.GreaterOrEqual(t, report.Unreadable, 2, "what is more than allowed is not looked for")
	_, err = CommitShards(t.Context(), options, "monday", 1)
	require.ErrorIs(t, err, ErrIncomplete)
	for _, change := range []func(){func() { options.MaxBad = 0.2 }, func() { options.MaxBad, options.Force = 0.1, true }} {
		change()
		_, err = RunShard(t.Context(), options, Shard{0, 1, "monday"})
		require.NoError(t, err)
		committed, err := CommitShards(t.Context(), options, "monday", 1)
		require.NoError(t, err)
		require.True(t, committed.Published)
	}
}

// A shard whose result will be refused ends as soon as that is certain, and keeps what it has embedded; forced, it goes on.
func TestShardWithTooManyBadEndsEarly(t *testing.T) {
	files := pictures(0, 40)
	for i := range 10 {
		files["a-"+pictureName(i)] = []byte("no photo")
	}
	b := newBench(t, files)
	options := b.options()
	options.MaxBad, options.Workers = 0.1, 1
	report, err := RunShard(t.Context(), options, Shard{0, 1, "monday"})
	require.NoError(t, err)
	require.True(t, report.TooManyBad)
	require.Equal(t, []int{50, 6, 44, 0}, []int{report.Photos, report.Unreadable, report.NotRead, report.Embedded})
	require.Contains(t, report.String(), "stopped there: 44 photos were not looked at")
	_, err = CommitShards(t.Context(), options, "monday", 1)
	require.ErrorIs(t, err, ErrIncomplete)
	options.Force = true
	report, err = RunShard(t.Context(), options, Shard{0, 1, "monday"})
	require.NoError(t, err)
	require.Equal(t, []int{10, 0, 40}, []int{report.Unreadable, report.NotRead, report.Embedded})
}

// A shard that is interrupted goes on where it was.
func TestInterruptedShard(t *testing.T) {
	b := newBench(t, pictures(0, 20))
	batches := 0
	b.embedder.before = func(context.Context, []embedding.Input) error {
		if batches++; batches == 3 {
			return errors.Join(context.Canceled)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	before := b.embedder.before
	b.embedder.before = func(ctx context.Context, inputs []embedding.Input) error {
		err := before(ctx, inputs)
		if err != nil {
			cancel()
		}
		return err
	}
	_, err := RunShard(ctx, b.options(), Shard{0, 1, "monday"})
	require.ErrorIs(t, err, context.Canceled)
	b.embedder.before = nil
	report, err := RunShard(t.Context(), b.options(), Shard{0, 1, "monday"})
	require.NoError(t, err)
	require.Equal(t, 20-2*b.embedder.batch, report.Embedded)
}
