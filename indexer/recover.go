package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/kleid-search/kleid/vectors"
)

// recover settles the run that an interrupted job committed, or drops what it began. If the note of the
// job is damaged, its Parquet file says which run it was; when there is no whole one, nothing was committed.
func (l layout) recover(ctx context.Context, store vectors.Store, logger *slog.Logger) (settled string, err error) {
	j, err := readJob(l.out)
	if errors.Is(err, errDamagedJob) {
		j.Run = runOf(l.unpublished())
		logger.Warn("the note of an interrupted job is damaged", "error", err, "run", j.Run)
		if j.Run == "" {
			return "", errors.Join(removeIfThere(l.unpublished()), os.Remove(jobPath(l.out)))
		}
		err = nil
	}
	if err != nil {
		return "", err
	}
	if j.Run == "" {
		return "", nil
	}
	current, err := store.CurrentRun(ctx)
	if err != nil {
		return "", err
	}
	if current == j.Run {
		if err := l.settle(j.Run); err != nil {
			return "", fmt.Errorf("run %s is published, but its Parquet file is not: %w", j.Run, err)
		}
		settled = j.Run
	} else if !isHere(l.parquet(j.Run)) { // otherwise it was published, and another job's run has taken its place since
		if err := store.Drop(ctx, j.Run); err != nil {
			return "", fmt.Errorf("what is left of run %s cannot be removed: %w", j.Run, err)
		}
		if err := errors.Join(removeIfThere(l.unpublished()), removeIfThere(l.unpublishedReport())); err != nil {
			return "", err
		}
	}
	return settled, os.Remove(jobPath(l.out))
}

// reportAgain writes the reports of a run that an interrupted job has published, and had no time to report on.
func (l layout) reportAgain(run string, gate Gate) error {
	report, err := ReadReport(l.out, run)
	if err != nil {
		return err
	}
	var yesterday *Report
	if before, err := ReadReport(l.out, report.PreviousRun); err == nil {
		yesterday = &before
	}
	return report.write(l.out, yesterday, gate)
}

// runOf returns the run of a Parquet file, "" if it is not whole or not there.
func runOf(parquet string) string {
	f, reader, err := openParquet(parquet)
	if err != nil {
		return ""
	}
	defer f.Close()
	if !ownRun.MatchString(reader.Metadata().Run) {
		return ""
	}
	return reader.Metadata().Run
}
