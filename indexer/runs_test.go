package indexer

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
)

func (b *bench) verify(t *testing.T, store vectors.Store, run string) (Verification, error) {
	t.Helper()
	return Verify(t.Context(), store, b.out, run, 0.98, func(done, total int) { require.LessOrEqual(t, done, total) })
}

func TestRuns(t *testing.T) {
	b := newBench(t, pictures(0, 4))
	first := b.run(t)
	writeFiles(t, b.photos, pictures(4, 1))
	second := b.run(t)
	runs, err := Runs(t.Context(), b.store, b.out)
	require.NoError(t, err)
	require.Len(t, runs, 2)
	require.Equal(t, []string{second.Run, first.Run}, []string{runs[0].Run, runs[1].Run}, "the newest first")
	require.Equal(t, []bool{true, false}, []bool{runs[0].Current, runs[1].Current})
	require.Equal(t, []int64{5, 4}, []int64{runs[0].Rows, runs[1].Rows})
	require.Equal(t, []int{5, 4}, []int{runs[0].Dresses, runs[1].Dresses})
	require.Equal(t, "trunk-1", runs[0].EmbeddingModel)
}

func TestRollback(t *testing.T) {
	b := newBench(t, pictures(0, 4))
	logger := slog.New(slog.DiscardHandler)
	_, err := Rollback(t.Context(), b.store, b.out, nil, "", logger)
	require.Error(t, err, "there is nothing yet")
	first := b.run(t)
	_, err = Rollback(t.Context(), b.store, b.out, nil, "", logger)
	require.ErrorContains(t, err, "there is no run before "+first.Run)
	writeFiles(t, b.photos, pictures(4, 1))
	second := b.run(t)

	run, err := Rollback(t.Context(), b.store, b.out, nil, "", logger)
	require.NoError(t, err)
	require.Equal(t, first.Run, run)
	b.requireConsistent(t, first)
	_, err = Rollback(t.Context(), b.store, b.out, nil, "../elsewhere", logger)
	require.ErrorContains(t, err, "is not the name of a run")
	_, err = Rollback(t.Context(), b.store, b.out, nil, "20200101T000000000Z-abcdef", logger)
	require.ErrorContains(t, err, "is not in "+b.out)
	run, err = Rollback(t.Context(), b.store, b.out, nil, second.Run, logger)
	require.NoError(t, err)
	require.Equal(t, second.Run, run, "and forth")

	// The next job compares with the run that was gone back to, and keeps what is kept.
	_, err = Rollback(t.Context(), b.store, b.out, nil, first.Run, logger)
	require.NoError(t, err)
	third := b.run(t)
	require.Equal(t, first.Run, third.PreviousRun)
	require.Zero(t, third.Embedded)
	runs, err := layout{b.out}.runs()
	require.NoError(t, err)
	require.Equal(t, []string{first.Run, third.Run}, runs, "the run that was served is kept, not the bad one after it")
	run, err = Rollback(t.Context(), b.store, b.out, nil, "", logger)
	require.NoError(t, err)
	require.Equal(t, first.Run, run)
}

// A rollback goes to the run that the current one took the place of, which after another rollback is not the newest before
// it.
func TestRollbackPassesOverABadRun(t *testing.T) {
	b := newBench(t, pictures(0, 4))
	logger := slog.New(slog.DiscardHandler)
	options := b.options()
	options.Keep = 7
	night := func() string {
		report, err := Run(t.Context(), options)
		require.NoError(t, err)
		return report.Run
	}
	back := func() string {
		run, err := Rollback(t.Context(), b.store, b.out, nil, "", logger)
		require.NoError(t, err)
		return run
	}
	oldest, good, bad := night(), night(), night()
	require.Equal(t, good, back())
	next := night()
	require.Equal(t, good, back(), "not %s", bad)
	require.Equal(t, oldest, back())

	// Without a report, or where that run is kept no longer, the order of names is all there is.
	_, err := Rollback(t.Context(), b.store, b.out, nil, next, logger)
	require.NoError(t, err)
	require.NoError(t, os.Remove(layout{b.out}.report(next)))
	require.Equal(t, bad, back())
	require.NoError(t, os.Remove(ParquetPath(b.out, good)))
	require.Equal(t, oldest, back())
}

// A rollback that is killed between the store and the folder is made whole by the next job.
func TestRollbackKilledInBetween(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	first := b.run(t)
	b.run(t)
	require.NoError(t, b.store.Publish(t.Context(), first.Run))
	options := b.options()
	options.Catalogue = filepath.Join(b.photos, "gone")
	_, err := Run(t.Context(), options)
	require.ErrorContains(t, err, "cannot be opened")
	latest, err := Latest(b.out)
	require.NoError(t, err)
	require.Equal(t, first.Run, latest)
}

func TestVerify(t *testing.T) {
	b := newBench(t, pictures(0, 30))
	report := b.run(t)
	v, err := b.verify(t, b.store, "")
	require.NoError(t, err)
	require.Equal(t, Verification{Run: report.Run, Rows: 30, Recall: 1, Probed: 2 * probes, Problems: []string{}}, v)

	for problem, change := range map[string]func(context.Context, vectors.Query, *vectors.Result){
		"finds nothing": func(_ context.Context, q vectors.Query, r *vectors.Result) {
			if q.K == 1 && q.Where == nil {
				r.Matches = nil
			}
		},
		"rows with the neckline round, and should have": func(_ context.Context, q vectors.Query, r *vectors.Result) {
			if len(q.Where["neckline"]) == 1 && q.Where["neckline"][0] == "round" {
				r.TotalMatches++
			}
		},
		"of the truly nearest rows": func(_ context.Context, q vectors.Query, r *vectors.Result) {
			if q.K == recallDepth {
				r.Matches = r.Matches[:8]
			}
		},
	} {
		v, err := b.verify(t, changedStore{b.store, change}, "")
		require.NoError(t, err)
		require.Len(t, v.Problems, 1, "%v", v.Problems)
		require.Contains(t, v.Problems[0], problem)
	}

	_, err = b.verify(t, b.store, "yesterday")
	require.ErrorContains(t, err, "is not the name of a run")
	require.NoError(t, os.Truncate(ParquetPath(b.out, report.Run), 1000))
	_, err = b.verify(t, b.store, report.Run)
	require.ErrorContains(t, err, "not a whole Parquet file")
}
