package searcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// pin is an open index and how many searches are on it.
type pin struct {
	index vectors.Index
	meta  catalog.Metadata

	// Guarded by the mutex of the pins.
	users   int
	retired bool

	sampling turn
	samples  []catalog.Row // nil until somebody asked for them
}

func newPin(index vectors.Index) *pin {
	return &pin{index: index, meta: index.Metadata(), sampling: newTurn()}
}

// pins holds the current index and lets go of former ones after their last search.
type pins struct {
	limit      time.Duration // of each question to an index; 0 is none
	refreshing turn          // so that an index is opened once

	mu      sync.Mutex
	current *pin
	refused error  // why the newest run is not served; nil if it is
	newest  string // the run that was looked at last
	looks   int    // how many have begun
	looked  error  // what the last look that is over returned
	closed  bool
}

var errClosed = errors.New("searcher: the engine has been closed")

// turn lets one in at a time, as a mutex does; whoever waits for it goes when their context is done.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn. leave must be called once after it returned nil.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) leave() { <-t }

// acquire returns the current index. release must be called once, when the search is over.
func (p *pins) acquire() (current *pin, release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, nil, errClosed
	case p.current == nil && p.refused != nil:
		return nil, nil, p.refused
	case p.current == nil:
		return nil, nil, vectors.ErrNoIndex
	}
	current = p.current
	current.users++
	return current, func() { p.release(current) }, nil
}

func (p *pins) release(used *pin) {
	p.mu.Lock()
	used.users--
	last := used.retired && used.users == 0
	p.mu.Unlock()
	if last {
		// Nobody is left who could be told of an error.
		_ = used.index.Close()
	}
}

// swap makes next the current index and retires the one before; nil only retires. After close, next is
// closed instead.
func (p *pins) swap(next *pin) error {
	p.mu.Lock()
	if next != nil && p.closed {
		p.mu.Unlock()
		return errors.Join(errClosed, next.index.Close())
	}
	former := p.current
	p.current = next
	idle := false
	if former != nil {
		former.retired = true
		idle = former.users == 0
	}
	p.mu.Unlock()
	if idle {
		return former.index.Close()
	}
	return nil
}

// refresh opens the published index when it is another than the one it looked at last, and says
// whether it did. The index before is kept when the new one cannot be served. Those who come while others look
// share one look after that: a store that is slow to fail is not asked by each in turn.
func (p *pins) refresh(ctx context.Context, store vectors.Store, model catalog.Metadata) (changed bool, err error) {
	p.mu.Lock()
	before := p.looks
	p.mu.Unlock()
	if err := p.refreshing.take(ctx); err != nil {
		return false, fmt.Errorf("looking for a new index: %w", err)
	}
	defer p.refreshing.leave()
	p.mu.Lock()
	if p.looks > before && !overdue(p.looked) {
		defer p.mu.Unlock()
		return false, p.looked
	}
	p.looks++
	p.mu.Unlock()
	changed, err = p.look(ctx, store, model)
	p.mu.Lock()
	p.looked = err
	p.mu.Unlock()
	return changed, err
}

// overdue says that a look ended with the time of whoever looked, which is nobody else's.
func overdue(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (p *pins) look(ctx context.Context, store vectors.Store, model catalog.Metadata) (changed bool, err error) {
	run, err := store.CurrentRun(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for a new index: %w", err)
	}
	p.mu.Lock()
	seen := run == p.newest
	p.mu.Unlock()
	if run == "" || seen {
		return false, nil
	}
	index, err := store.Current(ctx)
	if errors.Is(err, vectors.ErrNoIndex) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening the index of run %s: %w", run, err)
	}
	next := newPin(limitedIndex{index, p.limit})
	err = fits(next.meta, model)
	p.mu.Lock()
	p.newest, p.refused = run, err
	p.mu.Unlock()
	if err != nil {
		return false, errors.Join(err, index.Close())
	}
	err = p.swap(next)
	return !errors.Is(err, errClosed), err
}

// close retires the current index; nothing can be acquired afterwards.
func (p *pins) close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	return p.swap(nil)
}

// fits refuses an index whose vectors cannot be compared with the model's.
func fits(index, model catalog.Metadata) error {
	switch {
	case index.EmbeddingModel != model.EmbeddingModel:
		return failure(CodeWrongModel, "the index (run %s) was made with embedding model %s, this searcher has %s: index again with this model, or search with that one",
			index.Run, index.EmbeddingModel, model.EmbeddingModel)
	case index.UnsupervisedSize != model.UnsupervisedSize || index.DeepRankSize != model.DeepRankSize:
		return failure(CodeWrongModel, "the embeddings of the index (run %s) have %d and %d numbers, those of this searcher's model %d and %d: index again",
			index.Run, index.UnsupervisedSize, index.DeepRankSize, model.UnsupervisedSize, model.DeepRankSize)
	}
	return nil
}

// labelsOf returns the labels of a facet, nil if there is no such facet.
func labelsOf(facets []catalog.Facet, name string) []string {
	i := slices.IndexFunc(facets, func(f catalog.Facet) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return facets[i].Labels
}
