package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kleid-search/kleid/storage"
)

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
	if err := storage.SyncFolder(filepath.Dir(l.parquet(run))); err != nil {
		return err
	}
	if err := storage.SyncFolder(l.out); err != nil {
		return err
	}
	return writeFile(l.latest(), []byte(run+"\n"))
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

// publish commits the run, settles it and cleans up.
func (r *runner) publish(ctx context.Context) error {
	r.begin(StagePublish)
	if err := ctx.Err(); err != nil {
		return err
	}
	run := r.meta.Run
	if r.remote != nil { // searches find no photo whose thumbnail is still to come
		var err error
		if r.pictures.elsewhere, err = r.putNewThumbnails(ctx, r.remote, r.loader.photos()); err != nil {
			return fmt.Errorf("the thumbnails: %w", err)
		}
	}
	if err := r.before.stands(ctx, r.Store, r.remote); err != nil {
		return errors.Join(err, r.withdraw(ctx))
	}
	// As of a job that is killed right after it has published, which nobody else could report on; otherwise it goes, or is
	// written again in the end.
	report := r.report
	report.Published, report.Parquet = true, r.parquet(run)
	report.took(r.started, &r.watch)
	if err := report.writeJSON(r.unpublishedReport()); err != nil {
		return err
	}
	replaced := r.before.there
	if r.remote == nil {
		replaced = r.report.PreviousRun
	}
	if err := r.notePending(run, replaced); err != nil {
		return err
	}
	if err := r.Store.Publish(ctx, run); err != nil {
		return fmt.Errorf("run %s cannot be published: %w", run, err)
	}
	// From here on the run is the current one: what is left is done even if the job is to stop, but for the last of it.
	stops := ctx
	ctx = context.WithoutCancel(ctx)
	if err := r.settle(run); err != nil {
		return fmt.Errorf("run %s is published, but its Parquet file is not: %w", run, err)
	}
	r.report.Published, r.report.Parquet = true, r.parquet(run)
	if r.remote != nil {
		err := mirrorRun(ctx, r.layout, r.Store, r.remote, run)
		var superseded *supersededError
		if errors.As(err, &superseded) {
			r.forgetJob()
			return err
		}
		if err != nil {
			return fmt.Errorf("run %s is published, but not yet in %s: %w", run, r.remote, err)
		}
	}
	// An old run that cannot be removed must not spoil a good new one.
	first, keep := []string{r.report.PreviousRun}, r.Keep
	if r.unended && r.yesterday != nil && keep > 0 { // that run may be tonight's as well, and the one before it yesterday's
		first, keep = append(first, r.yesterday.PreviousRun), keep+1
	}
	if err := r.clean(ctx, r.Store, r.remote, run, first, keep); err != nil {
		r.Logger.Warn("old runs are left behind", "error", err)
	}
	if err := r.sweep(stops); err != nil {
		r.Logger.Warn("what was seen of photos that are gone is left behind", "error", err)
	}
	if err := r.sweepShards(stops); err != nil {
		r.Logger.Warn("what shards have left is left behind", "error", err)
	}
	r.end(StagePublish)
	return nil
}

// withdraw drops a new index that is not to be published: the one that is there stays.
func (r *runner) withdraw(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if err := r.Store.Drop(ctx, r.meta.Run); err != nil {
		return err
	}
	return errors.Join(removeIfThere(r.unpublished()), os.Remove(jobPath(r.out)))
}

// forgetJob removes the note of a job that has published its run. It goes last: a job that is killed before is one that did
// not come to its end, whose repetition keeps yesterday's run.
func (r *runner) forgetJob() {
	if err := os.Remove(jobPath(r.out)); err != nil {
		r.Logger.Warn("the note of the job is left behind", "error", err) // the next job finds all of it done
	}
}
