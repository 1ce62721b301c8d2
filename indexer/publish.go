package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

const (
	runPrefix   = "run="
	parquetFile = "part-000.parquet"
	reportFile  = "report.json"
)

// ownRun is the form of the ids that newRunID makes.
var ownRun = regexp.MustCompile(`^[0-9]{8}T[0-9]{9}Z-[0-9a-f]{6}$`)

// layout names what is in the folder of an index.
type layout struct{ out string }

func (l layout) work() string       { return filepath.Join(l.out, "work") }
func (l layout) thumbnails() string { return filepath.Join(l.out, "thumbnails") }
func (l layout) latest() string     { return filepath.Join(l.out, "latest") }

// unpublished is the Parquet file of a run that is not committed, or not settled.
func (l layout) unpublished() string { return filepath.Join(l.work(), parquetFile+".tmp") }

func (l layout) parquet(run string) string {
	return filepath.Join(l.out, runPrefix+run, parquetFile)
}

// report is that of a published run, which the gate compares with the next one.
func (l layout) report(run string) string {
	return filepath.Join(l.out, runPrefix+run, reportFile)
}

// unpublishedReport is the report of a run that is not settled.
func (l layout) unpublishedReport() string { return filepath.Join(l.work(), reportFile+".tmp") }

// Latest returns the run whose Parquet file is current in the folder of an index, "" if there is none.
func Latest(out string) (string, error) {
	data, err := os.ReadFile(layout{out}.latest())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// ParquetPath is where the rows of a published run are in the folder of an index.
func ParquetPath(out, run string) string { return layout{out}.parquet(run) }

// ThumbnailsFolder is where the thumbnails are in the folder of an index; see ThumbnailPath.
func ThumbnailsFolder(out string) string { return layout{out}.thumbnails() }

// settle makes the Parquet file of a committed run the current one.
func (l layout) settle(run string) error {
	if err := os.MkdirAll(filepath.Dir(l.parquet(run)), 0o755); err != nil {
		return err
	}
	err := os.Rename(l.unpublished(), l.parquet(run))
	if errors.Is(err, fs.ErrNotExist) {
		// An interrupted job has moved it already, if it is there.
		_, err = os.Stat(l.parquet(run))
	}
	if err != nil {
		return err
	}
	if err := os.Rename(l.unpublishedReport(), l.report(run)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syncFolder(filepath.Dir(l.parquet(run))); err != nil {
		return err
	}
	if err := syncFolder(l.out); err != nil {
		return err
	}
	return writeFile(l.latest(), []byte(run+"\n"))
}

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

// follow makes the Parquet file of a run the current one, if this folder has it: those of store and folder are of two
// runs after a rollback that was killed in between.
func (l layout) follow(run string) error {
	latest, err := Latest(l.out)
	if err != nil || latest == run || run == "" || !isHere(l.parquet(run)) {
		return err
	}
	return writeFile(l.latest(), []byte(run+"\n"))
}

// runOf returns the run of a Parquet file, "" if it is not whole or not there.
func runOf(parquet string) string {
	f, err := os.Open(parquet)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	reader, err := catalog.Read(f, info.Size())
	if err != nil || !ownRun.MatchString(reader.Metadata().Run) {
		return ""
	}
	return reader.Metadata().Run
}

// runs lists the runs that have a folder, the oldest first. Whoever else keeps a folder called run=… here
// keeps it: one of Kleid's has the form of its ids and its Parquet file, or nothing, where a kill came
// between the removal of the file and of the folder.
func (l layout) runs() ([]string, error) {
	files, err := os.ReadDir(l.out) // in order of name
	if err != nil {
		return nil, err
	}
	var runs []string
	for _, file := range files {
		run, ok := strings.CutPrefix(file.Name(), runPrefix)
		if !ok || !file.IsDir() || !ownRun.MatchString(run) {
			continue
		}
		inside, err := os.ReadDir(filepath.Join(l.out, file.Name()))
		if err != nil {
			return nil, err
		}
		isParquet := func(f os.DirEntry) bool { return f.Name() == parquetFile && f.Type().IsRegular() }
		if len(inside) == 0 || slices.ContainsFunc(inside, isParquet) {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// clean removes all runs but the current one and keep others: those of first, such as the one that was served before it,
// which after a rollback is not the newest, then the newest. What somebody else has put into the folder of a run stays. In
// a bucket, unless that is nil, a run goes before it goes here: what fails is seen again the next time, and what is only
// there is not this folder's to remove.
func (l layout) clean(ctx context.Context, store vectors.Store, bucket storage.Bucket, current string, first []string, keep int) error {
	runs, err := l.runs()
	if err != nil {
		return err
	}
	there := runs
	runs = slices.DeleteFunc(slices.Clone(runs), func(run string) bool { return run == current || slices.Contains(first, run) })
	for _, run := range slices.Backward(first) {
		if slices.Contains(there, run) && run != current {
			runs = append(runs, run)
		}
	}
	for _, run := range runs[:max(len(runs)-keep, 0)] {
		if err := store.Drop(ctx, run); err != nil {
			return fmt.Errorf("run %s cannot be removed: %w", run, err)
		}
		for _, file := range []string{reportFile, parquetFile} {
			if bucket == nil {
				continue
			}
			if err := bucket.Delete(ctx, path.Join(runPrefix+run, file)); err != nil {
				return err
			}
		}
		// The Parquet file goes last: it shows that the folder is Kleid's.
		if err := errors.Join(removeIfThere(l.report(run)), removeIfThere(l.parquet(run))); err != nil {
			return err
		}
		if err := removeEmpty(filepath.Dir(l.parquet(run))); err != nil {
			return err
		}
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeEmpty removes a folder unless something is in it.
func removeEmpty(folder string) error {
	inside, err := os.ReadDir(folder)
	if err != nil || len(inside) > 0 {
		return err
	}
	return os.Remove(folder)
}
