package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// standing is which run an index is at.
type standing struct {
	run      string // the current one, which the next is compared with; "" if there is none
	hasIndex bool   // the store has its vectors
	stored   string // the current one in the store
	there    string // the current one in the bucket
	late     bool   // it was put there only now
}

// standing finds out which run the index is at, and lets latest follow. In a bucket, unless that is nil, there is the current
// one. A run that this folder made current and could not put there is put there now. If another machine has put one there
// since, that one counts: neither this folder's latest nor a store in it is newer.
func (l layout) standing(ctx context.Context, store vectors.Store, bucket storage.Bucket, there string) (standing, error) {
	current, err := store.CurrentRun(ctx)
	if err != nil {
		return standing{}, err
	}
	s := standing{run: current, hasIndex: current != "", stored: current, there: there}
	switch {
	case bucket == nil:
	case current == there:
		if err := removeIfThere(l.pendingPath()); err != nil {
			return s, err
		}
	case current != "" && l.isPending(current, there):
		if err := l.follow(current); err != nil {
			return s, err
		}
		s.there, s.late = current, true
		return s, mirror(ctx, l, store, bucket, current)
	case there != "":
		shared, err := hasRun(ctx, store, there)
		if err != nil {
			return s, err
		}
		if !shared { // the vectors of that run are on another machine, or went with it
			s.run, s.hasIndex = there, false
		}
	}
	return s, l.follow(s.run)
}

// stands refuses to publish a run if another job has published one since this one began: two jobs on two machines, which no
// lock keeps apart. The gate has not compared with that one, and it would be lost.
func (s *standing) stands(ctx context.Context, store vectors.Store, bucket storage.Bucket) error {
	const advice = "let one job at a time write to an index, and start this one again"
	stored, err := store.CurrentRun(ctx)
	if err != nil {
		return err
	}
	if stored != s.stored {
		return fmt.Errorf("another job has made run %s the current one of the store since this one began: %s", stored, advice)
	}
	if bucket == nil {
		return nil
	}
	there, err := latestAt(ctx, bucket)
	if err == nil && there != s.there {
		err = fmt.Errorf("another job has made run %s the current one in %s since this one began: %s", there, bucket, advice)
	}
	return err
}

// supersededError says that a run did not stay the current one of the store until it was in the bucket.
type supersededError struct{ run, current, bucket string }

func (e *supersededError) Error() string {
	return fmt.Sprintf("run %s was published, but another job has made run %s the current one of the store before this one was in %s: latest there is left to that job. Let one job at a time write to an index", e.run, e.current, e.bucket)
}

// hasRun says whether a store has a run.
func hasRun(ctx context.Context, store vectors.Store, run string) (bool, error) {
	index, err := store.Open(ctx, run)
	if errors.Is(err, vectors.ErrNoIndex) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, index.Close()
}

// pending is a run that this folder makes current, and which one it replaces where published runs are put as well. It is
// noted before the store is told, and says nothing while the store's current run is another one.
type pending struct {
	Run      string `json:"run"`
	Replaces string `json:"replaces"`
}

func (l layout) pendingPath() string { return filepath.Join(l.work(), "pending.json") }

// notePending notes that a run is about to take the place of another. If that one is pending, both are put there as one.
func (l layout) notePending(run, replaces string) error {
	if before := l.pending(); before.Run == replaces {
		replaces = before.Replaces
	}
	data, err := json.Marshal(pending{run, replaces})
	if err != nil {
		return err
	}
	return writeFile(l.pendingPath(), append(data, '\n'))
}

// pending is the zero one where nothing is noted, or nothing that can be read: then the bucket is right.
func (l layout) pending() pending {
	var p pending
	data, err := os.ReadFile(l.pendingPath())
	if err != nil || json.Unmarshal(data, &p) != nil {
		return pending{}
	}
	return p
}

// isPending says whether the current run of a store is one of this folder's that is to be put into a bucket, whose current
// run is there: it has none, or still the one that this folder's took the place of.
func (l layout) isPending(run, there string) bool {
	p := l.pending()
	return (there == "" || p == pending{run, there}) && isHere(l.parquet(run)) && isHere(l.report(run))
}
