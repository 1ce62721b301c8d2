package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// RunInfo is a run in the folder of an index.
type RunInfo struct {
	Run     string `json:"run"`
	Current bool   `json:"current"`
	// CreatedAt, EmbeddingModel and Rows are what its Parquet file says.
	CreatedAt      time.Time `json:"created_at"`
	EmbeddingModel string    `json:"embedding_model"`
	FacetModel     string    `json:"facet_model"`
	Rows           int64     `json:"rows"`
	// Dresses is how many rows have a dress, Forced whether the gate was overruled; of runs whose report is there.
	Dresses int  `json:"dresses"`
	Forced  bool `json:"forced"`
}

// Runs lists the runs in the folder of an index, the newest first. Which is current is what the store says.
func Runs(ctx context.Context, store vectors.Store, out string) ([]RunInfo, error) {
	l := layout{out}
	if err := l.checkStore(store); err != nil {
		return nil, err
	}
	current, err := store.CurrentRun(ctx)
	if err != nil {
		return nil, err
	}
	names, err := l.runs()
	if err != nil {
		return nil, err
	}
	var runs []RunInfo
	for _, name := range slices.Backward(names) {
		meta, rows, err := parquetInfo(l.parquet(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is being removed
		}
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", name, err)
		}
		info := RunInfo{
			Run: name, Current: name == current, CreatedAt: meta.CreatedAt, Rows: rows,
			EmbeddingModel: meta.EmbeddingModel, FacetModel: meta.FacetModel,
		}
		report, err := ReadReport(out, name)
		if err == nil {
			info.Dresses, info.Forced = report.OK, report.Gate.Forced
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		runs = append(runs, info)
	}
	return runs, nil
}

func parquetInfo(path string) (catalog.Metadata, int64, error) {
	f, reader, err := openParquet(path)
	if err != nil {
		return catalog.Metadata{}, 0, err
	}
	defer f.Close()
	return reader.Metadata(), reader.NumRows(), nil
}

// published returns a run to look at: the one named, or the current one.
func published(ctx context.Context, store vectors.Store, out, run string) (string, error) {
	if run == "" {
		current, err := store.CurrentRun(ctx)
		if err != nil {
			return "", err
		}
		if current == "" {
			return "", vectors.ErrNoIndex
		}
		run = current
	}
	if !ownRun.MatchString(run) {
		return "", fmt.Errorf("%q is not the name of a run: kleid index list names them", run)
	}
	if _, err := os.Stat(ParquetPath(out, run)); err != nil {
		return "", fmt.Errorf("run %s is not in %s: kleid index list names those that are", run, out)
	}
	return run, nil
}

// Verification is what Verify found.
type Verification struct {
	Run    string  `json:"run"`
	Rows   int     `json:"rows"`   // with a dress, each id once
	Recall float64 `json:"recall"` // of the truly nearest ten
	Probed int     `json:"probed"`
	// Problems are empty for a good index.
	Problems []string `json:"problems"`
}

// Verify compares the index of a run, the current one if none is named, with its Parquet file: the number of rows, the
// number of each facet's labels, that rows find themselves, and what an exhaustive search finds.
func Verify(ctx context.Context, store vectors.Store, out, run string, minRecall float64, progress func(done, total int)) (Verification, error) {
	if err := (layout{out}).checkStore(store); err != nil {
		return Verification{}, err
	}
	run, err := published(ctx, store, out, run)
	if err != nil {
		return Verification{}, err
	}
	v := Verification{Run: run, Problems: []string{}}
	f, reader, err := openParquet(ParquetPath(out, run))
	if err != nil {
		return v, err
	}
	defer f.Close()
	index, err := store.Open(ctx, run)
	if err != nil {
		return v, fmt.Errorf("the index of run %s cannot be opened: %w", run, err)
	}
	defer index.Close()

	truth, err := readTruth(ctx, reader, &v, progress)
	if err != nil {
		return v, err
	}
	problem := func(err error) error {
		var content *contentError
		if errors.As(err, &content) {
			v.Problems = append(v.Problems, err.Error())
			return nil
		}
		return err
	}
	if err := problem(verify(ctx, index, reader.Metadata(), v.Rows, truth.exact.probes)); err != nil {
		return v, err
	}
	for _, facet := range reader.Metadata().Facets {
		counts := FacetCounts{Name: facet.Name, Labels: facet.Labels}
		for _, label := range facet.Labels {
			counts.Counts = append(counts.Counts, truth.labels[facet.Name][label])
		}
		if err := problem(verifyLabels(ctx, index, truth.exact.probes, counts)); err != nil {
			return v, err
		}
	}
	if v.Recall, v.Probed, err = truth.exact.recall(ctx, index); err != nil {
		return v, err
	}
	if v.Probed > 0 && v.Recall < minRecall {
		v.Problems = append(v.Problems, fmt.Sprintf("the index finds %.1f%% of the truly nearest rows, and should find %.1f%%", 100*v.Recall, 100*minRecall))
	}
	return v, nil
}

// truth is what a Parquet file says an index holds.
type truth struct {
	exact  *exact
	labels map[string]map[string]int
}

// readTruth reads the file twice: for the rows to probe with, and for what is nearest to them.
func readTruth(ctx context.Context, reader *catalog.Reader, v *Verification, progress func(done, total int)) (*truth, error) {
	t := &truth{}
	total := 2 * int(reader.NumRows())
	var sample []catalog.Row
	step, next, at := max(int(reader.NumRows())/probes, 1), 0, 0
	for pass := range 2 {
		var count tally
		for batch, err := range reader.Batches(catalog.ReadOptions{}) {
			if err != nil {
				return nil, err
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			stored := batch[:0]
			for _, row := range batch {
				if at++; !count.add(row) {
					continue
				}
				if stored = append(stored, row); pass == 0 && len(sample) < probes && at > next {
					sample, next = append(sample, row), at+step-1
				}
			}
			if pass == 1 {
				t.exact.add(stored)
			}
			progress(at, total)
		}
		if pass == 0 {
			t.exact = newExact(sample)
		}
		v.Rows, t.labels = count.stored, count.labels
	}
	return t, nil
}

// before is the run that a run took the place of, if it is kept; otherwise the newest of those before it.
func (l layout) before(run string) (string, error) {
	if run == "" {
		return "", vectors.ErrNoIndex
	}
	runs, err := l.runs()
	if err != nil {
		return "", err
	}
	runs = slices.DeleteFunc(runs, func(run string) bool { return !isHere(l.parquet(run)) }) // it is being removed
	report, err := ReadReport(l.out, run)
	if err == nil && report.PreviousRun != run && slices.Contains(runs, report.PreviousRun) {
		return report.PreviousRun, nil
	}
	at := slices.Index(runs, run)
	if at < 0 {
		return "", fmt.Errorf("run %s, the current one, is not in %s: name the run to go back to", run, l.out)
	}
	if at == 0 {
		return "", fmt.Errorf("there is no run before %s: --keep says how many are kept", run)
	}
	return runs[at-1], nil
}

// Rollback makes an earlier run the current one again: the one named, or the one that the current one took the place of.
// Its index and Parquet file are there as long as Options.Keep keeps them. Where published runs are put as well is bucket,
// nil for nowhere: latest follows there. It returns the run.
func Rollback(ctx context.Context, store vectors.Store, out string, bucket storage.Bucket, to string, logger *slog.Logger) (string, error) {
	l := layout{filepath.Clean(out)}
	if bucket != nil { // the folder may be new
		if err := os.MkdirAll(l.work(), 0o755); err != nil {
			return "", err
		}
	}
	unlock, err := lock(l.out)
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := l.bindStore(store); err != nil {
		return "", err
	}
	there := ""
	if bucket != nil {
		if there, err = pullRuns(ctx, l, bucket); err != nil {
			return "", fmt.Errorf("the index in %s: %w", bucket, err)
		}
	}
	settled, err := l.recover(ctx, store, logger)
	if err != nil {
		return "", err
	}
	if settled != "" {
		if err := l.reportAgain(settled, DefaultGate()); err != nil {
			logger.Warn("the report of a run that an interrupted job published is not whole", "run", settled, "error", err)
		}
	}
	before, err := l.standing(ctx, store, bucket, there)
	if err != nil {
		return "", err
	}
	if to == "" {
		if to, err = l.before(before.run); err != nil {
			return "", err
		}
	}
	run, err := published(ctx, store, l.out, to)
	if err != nil {
		return "", err
	}
	index, err := store.Open(ctx, run)
	if err != nil {
		return "", fmt.Errorf("the index of run %s is not there any more: %w", run, err)
	}
	if err := index.Close(); err != nil {
		return "", err
	}
	replaced := before.there
	if bucket == nil {
		replaced = before.run
	}
	if err := l.notePending(run, replaced); err != nil {
		return "", err
	}
	if err := store.Publish(ctx, run); err != nil {
		return "", fmt.Errorf("run %s cannot be published: %w", run, err)
	}
	// After a kill before this the next job does it, here and there.
	if err := writeFile(l.latest(), []byte(run+"\n")); err != nil || bucket == nil {
		return run, err
	}
	if err := mirror(ctx, l, store, bucket, run); err != nil {
		return "", fmt.Errorf("run %s is the current one in %s, but not yet in %s: %w", run, l.out, bucket, err)
	}
	return run, nil
}
