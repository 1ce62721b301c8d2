package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"

	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// sweep drops from the journal what this catalogue does not have, and the thumbnails that no run has, here and in S3.
func (r *runner) sweep(ctx context.Context) error {
	live := r.loader.photos()
	err := errors.Join(
		r.forgetLocations(),
		r.journal.Compact(func(key photoKey) bool { return live[key] }),
		removeOtherJournals(r.work(), journalName(r.meta)),
	)
	runs, listErr := r.runs()
	if err = errors.Join(err, listErr); err != nil {
		return err
	}
	if r.shards != nil {
		if began, err := r.shards.beganAgain(ctx); began || err != nil {
			return err // they count on the thumbnails that are there; the next commit removes those that no run has
		}
	}
	for _, run := range runs {
		if run == r.meta.Run {
			continue
		}
		if err := addPhotos(live, r.parquet(run)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("run %s: %w", run, err)
		}
	}
	if r.remote != nil {
		err = r.sweepThumbnails(ctx, r.remote, r.pictures.elsewhere, live, r.started)
	}
	return errors.Join(err, r.pictures.sweep(live))
}

// forgetLocations drops what is known of locations that this catalogue does not have.
func (r *runner) forgetLocations() error {
	if r.shards != nil {
		return nil
	}
	live := make(map[string]bool, len(r.entries))
	for i := range r.entries {
		live[r.entries[i].Location] = true
	}
	before := len(r.known)
	maps.DeleteFunc(r.known, func(location string, _ known) bool { return !live[location] })
	if len(r.known) == before {
		return nil
	}
	return writeKnown(r.work(), r.Limits, r.known)
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
