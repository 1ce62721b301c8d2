package indexer

import (
	"bytes"
	"context"
	"github.com/kleid-search/kleid/vectors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A note of a job that a failing disk has spoilt blocks nothing, and costs no run that was committed.
func TestDamagedJob(t *testing.T) {
	for name, note := range map[string]string{"empty": "", "cut": `{"run": "2026`, "zeros": "\x00\x00", "no run": "{}", "another path": `{"run": "../../photos"}`} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, pictures(0, 2))
			first := b.run(t)
			damage := func() { require.NoError(t, os.WriteFile(jobPath(b.out), []byte(note), 0o644)) }
			var log bytes.Buffer
			options := b.options()
			options.Logger = slog.New(slog.NewTextHandler(&log, nil))
			run := func() Report {
				report, err := Run(t.Context(), options)
				require.NoError(t, err)
				b.requireConsistent(t, report)
				return report
			}

			// Before the commit: what was begun goes.
			damage()
			require.NoError(t, os.WriteFile(layout{b.out}.unpublished(), []byte("half a file"), 0o644))
			second := run()
			require.Contains(t, log.String(), "is damaged")
			require.Equal(t, first.Run, second.PreviousRun)

			// After the commit: the run is settled.
			damage()
			require.NoError(t, os.Rename(second.Parquet, layout{b.out}.unpublished()))
			require.Equal(t, second.Run, run().PreviousRun)
			require.FileExists(t, second.Parquet)
		})
	}
}

// A job that is killed between publication and its report is reported on by the next one.
func TestReportOfAKilledJob(t *testing.T) {
	for name, again := range map[string]func(b *bench){
		"a job that fails": func(b *bench) {
			options := b.options()
			options.Catalogue = filepath.Join(b.photos, "gone")
			_, err := Run(t.Context(), options)
			require.ErrorContains(t, err, "cannot be opened")
		},
		"a rollback": func(b *bench) {
			_, err := Rollback(t.Context(), b.store, b.out, nil, "", slog.New(slog.DiscardHandler))
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, pictures(0, 6))
			first := b.run(t)
			writeFiles(t, b.photos, pictures(6, 2))
			options := b.options()
			options.Store = failingStore{b.store, "publish's answer"}
			_, err := Run(t.Context(), options)
			require.ErrorIs(t, err, errDisk)
			run, err := b.store.CurrentRun(t.Context())
			require.NoError(t, err)
			require.NotEqual(t, first.Run, run)

			again(b)
			report, err := ReadReport(b.out, run)
			require.NoError(t, err)
			require.True(t, report.Published)
			require.Equal(t, ParquetPath(b.out, run), report.Parquet)
			require.Positive(t, report.Seconds)
			require.Equal(t, []int{8, 8, 2}, []int{report.Photos, report.OK, report.Embedded})
			text, err := os.ReadFile(filepath.Join(b.out, "report.txt"))
			require.NoError(t, err)
			require.Equal(t, report.String(), string(text))
			require.Contains(t, reportOn(t, b.out), run)
		})
	}
}

// A job that is killed when it has published, here as it removes old runs, does not cost yesterday's run when it is repeated,
// nor its own if another machine has published meanwhile.
func TestKillAfterPublication(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	b.run(t)
	yesterday := b.run(t)
	killed := func() string {
		options := b.options()
		options.Store = dyingStore{b.store}
		require.PanicsWithValue(t, "killed", func() { _, _ = Run(t.Context(), options) })
		run, err := b.store.CurrentRun(t.Context())
		require.NoError(t, err)
		return run
	}
	tonight := killed()
	require.NotEqual(t, yesterday.Run, tonight)
	again := b.run(t)
	runs, err := layout{b.out}.runs()
	require.NoError(t, err)
	require.Equal(t, []string{yesterday.Run, tonight, again.Run}, runs)

	tonight = killed()
	require.NoError(t, b.store.Publish(t.Context(), again.Run))
	settled, err := layout{b.out}.recover(t.Context(), b.store, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Empty(t, settled)
	there, err := hasRun(t.Context(), b.store, tonight)
	require.NoError(t, err)
	require.True(t, there)
}

// A kill between the swap of latest and the end of the job leaves all of it done but the note of the job.
func TestKillAfterSettling(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	report := b.run(t)
	require.NoError(t, writeJob(b.out, report.Run, time.Now()))
	next := b.run(t)
	require.Equal(t, report.Run, next.PreviousRun)

	// And one before the swap, when the file has moved already.
	require.NoError(t, writeJob(b.out, next.Run, time.Now()))
	require.NoError(t, os.WriteFile(layout{b.out}.latest(), []byte(report.Run+"\n"), 0o644))
	settled, err := layout{b.out}.recover(t.Context(), b.store, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, next.Run, settled)
	b.requireConsistent(t, next)
}

// dyingStore kills its job when that removes a run.
type dyingStore struct{ vectors.Store }

func (dyingStore) Drop(context.Context, string) error { panic("killed") }
