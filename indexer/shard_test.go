package indexer

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors/embedded"
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
			options := func(machine string) Options {
				o := b.options()
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

// An index whose place is in S3 is the same as one in a folder, and old runs go there as well.
func TestIndexInS3(t *testing.T) {
	b := newBench(t, shopFiles())
	bucket := fakeS3(t, "index", nil)
	options := b.options()
	options.Out = "s3://shop/index"
	_, err := Run(t.Context(), options)
	require.ErrorContains(t, err, "is not on this machine")
	options.Scratch = b.out
	options.Keep = 0
	for range 2 {
		report, err := Run(t.Context(), options)
		require.NoError(t, err)
		data, err := storage.ReadAll(t.Context(), bucket, "run="+report.Run+"/part-000.parquet", 1<<30)
		require.NoError(t, err)
		local, err := os.ReadFile(report.Parquet)
		require.NoError(t, err)
		require.Equal(t, local, data)
		latest, err := storage.ReadAll(t.Context(), bucket, "latest", 100)
		require.NoError(t, err)
		require.Equal(t, report.Run+"\n", string(latest))
		runs := 0
		for info, err := range bucket.List(t.Context(), "run=") {
			require.NoError(t, err)
			if filepath.Base(info.Key) == parquetFile {
				runs++
			}
		}
		require.Equal(t, 1, runs)
	}
}

// A night on a machine that knows nothing compares with the run in S3, and leaves all runs there that it does not drop itself.
func TestIndexInS3OnNewMachines(t *testing.T) {
	b := newBench(t, shopFiles())
	bucket := fakeS3(t, "index", nil)
	night := func(change func(*Options)) (Report, string, error) {
		options := b.options()
		options.Out, options.Scratch = "s3://shop/index", filepath.Join(t.TempDir(), "scratch")
		store, err := embedded.Open(options.Scratch)
		require.NoError(t, err)
		options.Store = store
		change(&options)
		report, err := Run(t.Context(), options)
		return report, options.Scratch, err
	}
	as := func(*Options) {}
	runs := func() (runs []string) {
		for info, err := range bucket.List(t.Context(), "run=") {
			require.NoError(t, err)
			if filepath.Base(info.Key) == parquetFile {
				runs = append(runs, strings.TrimPrefix(path.Dir(info.Key), runPrefix))
			}
		}
		return runs
	}
	first, _, err := night(as)
	require.NoError(t, err)
	second, scratch, err := night(as)
	require.NoError(t, err)
	require.Equal(t, first.Run, second.PreviousRun)
	require.Equal(t, []string{first.Run, second.Run}, runs(), "one more is kept")
	require.FileExists(t, ParquetPath(scratch, first.Run))
	third, _, err := night(func(o *Options) { o.Keep = 0 })
	require.NoError(t, err)
	require.Equal(t, []string{third.Run}, runs())

	for i := range 12 {
		require.NoError(t, os.WriteFile(filepath.Join(b.photos, pictureName(i)), []byte("no photo any more"), 0o644))
	}
	bad, scratch, err := night(as)
	require.NoError(t, err)
	require.Equal(t, third.Run, bad.PreviousRun)
	require.True(t, bad.Gate.Refused(), "it is compared with the run before")
	require.Equal(t, []string{third.Run}, runs())
	latest, err := Latest(scratch)
	require.NoError(t, err)
	require.Equal(t, third.Run, latest)

	require.NoError(t, bucket.Delete(t.Context(), "run="+third.Run+"/report.json"))
	_, _, err = night(as)
	require.ErrorContains(t, err, "the report of run "+third.Run+", the current one in s3://shop/index, cannot be read")
	forced, _, err := night(func(o *Options) { o.Force = true })
	require.NoError(t, err)
	require.True(t, forced.Published)
}

// A machine with runs of earlier nights does not put an old one in the place of another machine's new one.
func TestIndexInS3OfTwoMachines(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	bucket := fakeS3(t, "index", nil)
	night := func(machine string) Report {
		options := b.options() // with one store
		options.Out, options.Scratch = "s3://shop/index", filepath.Join(filepath.Dir(b.out), machine)
		report, err := Run(t.Context(), options)
		require.NoError(t, err)
		return report
	}
	night("a")
	second := night("b")
	third := night("a")
	require.Equal(t, second.Run, third.PreviousRun)
	latest, err := storage.ReadAll(t.Context(), bucket, "latest", 100)
	require.NoError(t, err)
	require.Equal(t, third.Run+"\n", string(latest))
	_, err = bucket.Stat(t.Context(), "run="+second.Run+"/part-000.parquet")
	require.NoError(t, err)
}

// A rollback of an index in S3 is one there as well, also from a machine that knows nothing of its runs.
func TestRollbackInS3(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	bucket := fakeS3(t, "index", nil)
	options := b.options()
	options.Out, options.Scratch = "s3://shop/index", b.out
	first, err := Run(t.Context(), options)
	require.NoError(t, err)
	_, err = Run(t.Context(), options)
	require.NoError(t, err)
	scratch := filepath.Join(t.TempDir(), "new")
	run, err := Rollback(t.Context(), b.store, scratch, bucket, "", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, first.Run, run)
	latest, err := storage.ReadAll(t.Context(), bucket, "latest", 100)
	require.NoError(t, err)
	require.Equal(t, first.Run+"\n", string(latest))
	// The first machine's latest is of a run that was gone back from: the next night goes on from what is served.
	third, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, first.Run, third.PreviousRun)
}

// A run that could not be put into S3 when it was published is put there by the next job, whatever becomes of that.
func TestIndexInS3CatchesUp(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	options := b.options()
	options.Store = b.store
	alone := b.run(t) // in the folder alone, as if S3 had not answered
	bucket := fakeS3(t, "index", nil)
	options.Out, options.Scratch = "s3://shop/index", b.out
	options.Catalogue = filepath.Join(b.photos, "gone")
	_, err := Run(t.Context(), options)
	require.ErrorContains(t, err, "cannot be opened")
	latest, err := storage.ReadAll(t.Context(), bucket, "latest", 100)
	require.NoError(t, err)
	require.Equal(t, alone.Run+"\n", string(latest))
	_, err = bucket.Stat(t.Context(), "run="+alone.Run+"/part-000.parquet")
	require.NoError(t, err)
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

// Machines that take turns at a shard in S3 give segments names of their own: none keeps another one's from coming.
func TestSegmentsOfTwoMachines(t *testing.T) {
	b := newBench(t, pictures(0, 10))
	fakeS3(t, "index", nil)
	night := func(machine, job string) int {
		t.Helper()
		report, err := RunShard(t.Context(), b.machine(t, machine), Shard{0, 1, job})
		require.NoError(t, err)
		o := b.machine(t, "committer")
		o.Force = true
		committed, err := CommitShards(t.Context(), o, job, 1)
		require.NoError(t, err)
		require.True(t, committed.Published)
		return report.Embedded
	}
	require.Equal(t, 10, night("a", "1"))
	writeFiles(t, b.photos, pictures(10, 2))
	require.Equal(t, 2, night("b", "2"))
	require.Zero(t, night("a", "3"))
	for i := range 10 {
		require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
	}
	require.Zero(t, night("b", "4"))
	writeFiles(t, b.photos, pictures(12, 5))
	require.Equal(t, 5, night("b", "5"), "after the journal was made one segment")
	require.Zero(t, night("a", "6"))
}

// What a machine has embedded and could not put into S3 before another one took its shard over joins what that one has.
func TestSegmentThatWasNotPut(t *testing.T) {
	b := newBench(t, pictures(0, 20))
	bucket := fakeS3(t, "index", nil)
	shard := func(machine, job string) int {
		t.Helper()
		report, err := RunShard(t.Context(), b.machine(t, machine), Shard{0, 1, job})
		require.NoError(t, err)
		return report.Embedded
	}
	cut := b.options().Filter
	cut.Include = []string{pictureName(0), pictureName(1), pictureName(2)}
	o := b.machine(t, "a")
	o.Filter = cut
	report, err := RunShard(t.Context(), o, Shard{0, 1, "monday"})
	require.NoError(t, err)
	require.Equal(t, 3, report.Embedded)
	for _, key := range keysOf(t, bucket, "work/shards/") { // as if it never was put there
		require.NoError(t, bucket.Delete(t.Context(), key))
	}
	require.Equal(t, 20, shard("b", "monday"))
	require.Zero(t, shard("a", "tuesday"))
	require.Zero(t, shard("c", "wednesday"))
}
