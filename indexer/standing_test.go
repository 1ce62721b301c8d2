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

// machine is a machine that keeps its scratch, with the store in it, from night to night. The index is in S3.
func (b *bench) machine(t *testing.T, name string) Options {
	t.Helper()
	options := b.options()
	options.Out, options.Scratch = "s3://shop/index", filepath.Join(filepath.Dir(b.out), name)
	store, err := embedded.Open(options.Scratch)
	require.NoError(t, err)
	options.Store = store
	return options
}

// requireThere says which run is current in a bucket, and that it is whole there.
func requireThere(t *testing.T, bucket storage.Bucket, run string) {
	t.Helper()
	latest, err := latestAt(t.Context(), bucket)
	require.NoError(t, err)
	require.Equal(t, run, latest)
	for _, file := range []string{parquetFile, reportFile} {
		_, err := bucket.Stat(t.Context(), path.Join(runPrefix+run, file))
		require.NoError(t, err)
	}
}

// A machine whose scratch is of an earlier night, and has the store in it, takes nothing back that another one published.
func TestScratchOfAnEarlierNight(t *testing.T) {
	b := newBench(t, pictures(0, 6))
	bucket := fakeS3(t, "index", nil)
	first, err := Run(t.Context(), b.machine(t, "a"))
	require.NoError(t, err)
	writeFiles(t, b.photos, pictures(6, 3))
	second, err := Run(t.Context(), b.machine(t, "b"))
	require.NoError(t, err)
	require.Equal(t, first.Run, second.PreviousRun)

	writeFiles(t, b.photos, pictures(20, 1))
	b.embedder.broken = true
	for range 2 {
		a := b.machine(t, "a")
		_, err = Run(t.Context(), a)
		require.ErrorContains(t, err, "no memory")
		requireThere(t, bucket, second.Run)
		latest, err := Latest(a.Scratch)
		require.NoError(t, err)
		require.Equal(t, second.Run, latest)
	}
	b.embedder.broken = false
	third, err := Run(t.Context(), b.machine(t, "a"))
	require.NoError(t, err)
	require.Equal(t, second.Run, third.PreviousRun, "it is compared with what is served")
	requireThere(t, bucket, third.Run)
	_, err = bucket.Stat(t.Context(), "run="+second.Run+"/part-000.parquet")
	require.NoError(t, err, "the run that it took the place of is kept")

	// A rollback there goes on from what is served as well.
	b2 := b.machine(t, "b")
	run, err := Rollback(t.Context(), b2.Store, b2.Scratch, bucket, "", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, second.Run, run)
	requireThere(t, bucket, second.Run)
}

// What this folder made current goes to S3 later, unless another machine has put a run there since.
func TestPending(t *testing.T) {
	for _, since := range []bool{false, true} {
		b := newBench(t, pictures(0, 3))
		bucket := fakeS3(t, "index", nil)
		first, err := Run(t.Context(), b.machine(t, "a"))
		require.NoError(t, err)

		// Two rollbacks and a night in the scratch alone, as if S3 had not answered.
		alone := b.machine(t, "a")
		alone.Out, alone.Scratch = alone.Scratch, ""
		second, err := Run(t.Context(), alone)
		require.NoError(t, err)
		for _, to := range []string{first.Run, second.Run} {
			_, err = Rollback(t.Context(), alone.Store, alone.Out, nil, to, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
		}
		requireThere(t, bucket, first.Run)
		want := second.Run
		if since {
			other, err := Run(t.Context(), b.machine(t, "b"))
			require.NoError(t, err)
			want = other.Run
		}
		a := b.machine(t, "a")
		a.Catalogue = filepath.Join(b.photos, "gone")
		_, err = Run(t.Context(), a)
		require.ErrorContains(t, err, "cannot be opened")
		requireThere(t, bucket, want)
	}
}

// A note that a kill left when the run was in S3 already does not outlast the next job: a rollback there by another machine
// would look as if S3 were still to get the run.
func TestNoteOfARunThatIsInS3(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	bucket := fakeS3(t, "index", nil)
	first, err := Run(t.Context(), b.machine(t, "a"))
	require.NoError(t, err)
	second, err := Run(t.Context(), b.machine(t, "a"))
	require.NoError(t, err)
	a := b.machine(t, "a")
	a.Catalogue = filepath.Join(b.photos, "gone")
	require.NoError(t, layout{a.Scratch}.notePending(second.Run, first.Run))
	for _, run := range []string{second.Run, first.Run} {
		require.NoError(t, bucket.Put(t.Context(), "latest", strings.NewReader(run+"\n")))
		_, err = Run(t.Context(), a)
		require.ErrorContains(t, err, "cannot be opened")
		requireThere(t, bucket, run)
	}
}

// A note of a pending run that a failing disk has spoilt blocks nothing: then the bucket is right.
func TestDamagedPending(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	bucket := fakeS3(t, "index", nil)
	first, err := Run(t.Context(), b.machine(t, "a"))
	require.NoError(t, err)
	a := b.machine(t, "a")
	require.NoError(t, os.WriteFile(layout{a.Scratch}.pendingPath(), []byte(`{"run": "2026`), 0o644))
	second, err := Run(t.Context(), a)
	require.NoError(t, err)
	require.Equal(t, first.Run, second.PreviousRun)
	requireThere(t, bucket, second.Run)
	require.NoFileExists(t, layout{a.Scratch}.pendingPath())
}

// Runs that are published here one after the other, before the first has come to the bucket, are put there as one.
func TestPendingOnes(t *testing.T) {
	l := layout{t.TempDir()}
	require.NoError(t, os.MkdirAll(l.work(), 0o755))
	require.NoError(t, l.notePending("second", "first"))
	require.Equal(t, pending{"second", "first"}, l.pending())
	require.NoError(t, l.notePending("third", "second"))
	require.Equal(t, pending{"third", "first"}, l.pending())
	require.NoError(t, l.notePending("fifth", "fourth"))
	require.Equal(t, pending{"fifth", "fourth"}, l.pending(), "what the note says is of no run that is there")
}
