package indexer

import (
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors/embedded"
)

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
	requireLatest(t, bucket, third.Run)
	_, err := bucket.Stat(t.Context(), "run="+second.Run+"/part-000.parquet")
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
	requireLatest(t, bucket, first.Run)
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
	requireLatest(t, bucket, alone.Run)
	_, err = bucket.Stat(t.Context(), "run="+alone.Run+"/part-000.parquet")
	require.NoError(t, err)
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

// requireLatest says which run S3's readers are served.
func requireLatest(t *testing.T, bucket storage.Bucket, run string) {
	t.Helper()
	latest, err := storage.ReadAll(t.Context(), bucket, "latest", 100)
	require.NoError(t, err)
	require.Equal(t, run+"\n", string(latest))
}
