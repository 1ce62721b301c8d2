package searcher

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
)

// watchedStore counts the indexes that are open and can hold up searches.
type watchedStore struct {
	vectors.Store
	open atomic.Int64
	// before, if not nil, is called at the start of each search with the run; an error is returned.
	before func(run string) error
	// asked, if not nil, is called before the store says which run is current; an error is returned.
	asked atomic.Pointer[func(context.Context) error]
}

func (s *watchedStore) CurrentRun(ctx context.Context) (string, error) {
	if asked := s.asked.Load(); asked != nil {
		if err := (*asked)(ctx); err != nil {
			return "", err
		}
	}
	return s.Store.CurrentRun(ctx)
}

type watchedIndex struct {
	vectors.Index
	store  *watchedStore
	closed atomic.Bool
}

func (s *watchedStore) Current(ctx context.Context) (vectors.Index, error) {
	index, err := s.Store.Current(ctx)
	if err != nil {
		return nil, err
	}
	s.open.Add(1)
	return &watchedIndex{Index: index, store: s}, nil
}

func (x *watchedIndex) Close() error {
	if x.closed.CompareAndSwap(false, true) {
		x.store.open.Add(-1)
	}
	return x.Index.Close()
}

func (x *watchedIndex) Search(ctx context.Context, q vectors.Query) (vectors.Result, error) {
	if x.store.before != nil {
		if err := x.store.before(x.Metadata().Run); err != nil {
			return vectors.Result{}, err
		}
	}
	if x.closed.Load() {
		return vectors.Result{}, errors.New("searched after it was closed")
	}
	return x.Index.Search(ctx, q)
}

// watched are options with a store that can be watched.
func (s *shop) watched() (Options, *watchedStore) {
	options, store := s.options(), &watchedStore{Store: s.store}
	options.Store = store
	return options, store
}

// awaitRun waits until a server serves a run.
func (s *service) awaitRun(run string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.engine.Run() == run }, 10*time.Second, 2*time.Millisecond)
}

func TestWithoutAnIndex(t *testing.T) {
	shop := newShop(t)
	data := shop.room(t)
	s := serve(t, shop.options())
	require.Equal(t, http.StatusOK, s.get("/healthz").status)
	for _, r := range []reply{s.get("/readyz"), s.get("/v1/facets"), s.get("/v1/items"), s.upload(data), s.json(`{"vector":[1]}`)} {
		p := r.problem(t, http.StatusServiceUnavailable, CodeNoIndex)
		require.Contains(t, p.Detail, "kleid index")
		require.Equal(t, "2", r.header.Get("Retry-After"))
	}
	require.Zero(t, shop.embedder.embedded(), "nothing is embedded in vain")

	shop.index(t, "r1", 2)
	// The request itself looks again, before the next poll.
	require.Equal(t, http.StatusOK, s.get("/v1/facets").status)
	require.JSONEq(t, `{"status":"ok","run":"r1"}`, string(s.get("/readyz").body))
}

// TestNotReadyWithoutTheStore has a store that dies, one that hangs, and one that is back.
func TestNotReadyWithoutTheStore(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	options, store := shop.watched()
	s := serve(t, options)
	require.Equal(t, http.StatusOK, s.get("/readyz").status)
	dead := func(context.Context) error { return errors.New("a secret address: connection refused") }
	hangs := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, asked := range []func(context.Context) error{dead, hangs} {
		store.asked.Store(&asked)
		r := s.get("/readyz")
		require.NotContains(t, r.problem(t, http.StatusServiceUnavailable, CodeNoStore).Detail, "secret")
		require.Equal(t, "2", r.header.Get("Retry-After"))
		require.Equal(t, http.StatusOK, s.get("/healthz").status, "the program lives")
	}
	store.asked.Store(nil)
	require.JSONEq(t, `{"status":"ok","run":"r1"}`, string(s.get("/readyz").body))
}

// TestTimeoutWhileAnotherLooks has a store that hangs for one who looks for a new index, or for samples: another's time
// runs all the same.
func TestTimeoutWhileAnotherLooks(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	for name, look := range map[string]func(context.Context, *Engine) error{
		"an index": func(ctx context.Context, e *Engine) error { _, err := e.Refresh(ctx); return err },
		"samples":  func(ctx context.Context, e *Engine) error { _, err := e.Samples(ctx, 1); return err },
	} {
		options, store := shop.watched()
		e, err := NewEngine(t.Context(), options)
		require.NoError(t, err)
		defer e.Close()
		begun, proceed := make(chan struct{}), make(chan struct{})
		var once sync.Once
		hangs := func(context.Context) error {
			once.Do(func() { close(begun) })
			<-proceed
			return nil
		}
		store.asked.Store(&hangs)
		store.before = func(string) error { return hangs(t.Context()) }
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- look(t.Context(), e) }()
		<-begun
		over, cancel := context.WithCancel(t.Context())
		cancel()
		go func() { second <- look(over, e) }()
		select {
		case err := <-second:
			require.ErrorIs(t, err, context.Canceled, name)
		case <-time.After(10 * time.Second):
			require.Fail(t, "it waits for the other", name)
		}
		close(proceed)
		require.NoError(t, <-first, name)
	}
}

// TestOneLookForAll has many requests that fail at once, and a store that takes its time to fail.
func TestOneLookForAll(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	options, store := shop.watched()
	synctest.Test(t, func(t *testing.T) {
		e, err := NewEngine(t.Context(), options)
		require.NoError(t, err)
		defer e.Close()
		var asked atomic.Int64
		fails := func(context.Context) error {
			asked.Add(1)
			time.Sleep(time.Second)
			return errors.New("unavailable")
		}
		store.asked.Store(&fails)
		begun := time.Now()
		failures := make(chan error, 40)
		for range cap(failures) {
			go func() {
				_, err := e.Refresh(t.Context())
				failures <- err
			}()
			synctest.Wait()
		}
		for range cap(failures) {
			require.ErrorContains(t, <-failures, "unavailable")
		}
		require.EqualValues(t, 2, asked.Load(), "the one under way, and one that began after all had come")
		require.Equal(t, 2*time.Second, time.Since(begun))
	})
}

// TestWatchGoesOn gives a store that hangs a limited time for each look.
func TestWatchGoesOn(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	options, store := shop.watched()
	limited := make(chan bool, 1)
	asked := func(ctx context.Context) error {
		_, ok := ctx.Deadline()
		select {
		case limited <- ok:
		default:
		}
		return nil
	}
	e, err := NewEngine(t.Context(), options)
	require.NoError(t, err)
	defer e.Close()
	store.asked.Store(&asked)
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		e.Watch(ctx)
	}()
	require.True(t, <-limited)
	cancel()
	<-watched
}

func TestNewRunIsPickedUp(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	options, store := shop.watched()
	s := serve(t, options)
	require.Equal(t, "r1", s.get("/v1/products/"+shop.rows[0].ProductID+"/similar").answer(t).Run)
	shop.index(t, "r2", 3)
	s.awaitRun("r2")
	require.Equal(t, "r2", s.get("/v1/products/"+shop.rows[0].ProductID+"/similar").answer(t).Run)
	require.Eventually(t, func() bool { return store.open.Load() == 1 }, 10*time.Second, time.Millisecond, "the former is closed")
}

func TestRequestUnderWayFinishesOnItsIndex(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	begun, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	store := &watchedStore{Store: shop.store}
	store.before = func(run string) error {
		if run == "r1" {
			once.Do(func() { close(begun) })
			<-proceed
		}
		return nil
	}
	options := shop.options()
	options.Store = store
	s := serve(t, options)
	path := "/v1/products/" + shop.rows[0].ProductID + "/similar"
	replies := make(chan reply, 1)
	go func() { replies <- s.get(path) }()
	<-begun

	shop.index(t, "r2", 4)
	s.awaitRun("r2")
	require.NoError(t, shop.store.Drop(t.Context(), "r1"))
	require.Equal(t, "r2", s.get(path).answer(t).Run)
	require.EqualValues(t, 2, store.open.Load(), "the former is open as long as it is searched")
	close(proceed)
	a := (<-replies).answer(t)
	require.Equal(t, "r1", a.Run)
	require.Equal(t, 1, a.TotalMatches, "what the old index has, nothing of the new")
	require.Eventually(t, func() bool { return store.open.Load() == 1 }, 10*time.Second, time.Millisecond)
}

func TestSearchesWhileIndexesChange(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r0", 3)
	options, store := shop.watched()
	options.Poll = time.Millisecond
	s := serve(t, options)
	data := shop.files[shop.rows[0].PhotoID]
	size := map[string]int{"r0": 3, "r1": 4, "r2": 5, "r3": 6, "r4": 7}
	var stop atomic.Bool
	var searching sync.WaitGroup
	failures := make(chan string, 100)
	for range 4 {
		searching.Go(func() {
			for !stop.Load() {
				a, err := s.engine.SearchPhoto(context.Background(), data, Request{})
				switch {
				case err != nil:
					failures <- err.Error()
					return
				case a.TotalMatches != size[a.Run] || a.Results[0].Similarity < 0.9999:
					failures <- "a mixture on " + a.Run
					return
				}
			}
		})
	}
	for i, run := range []string{"r1", "r2", "r3", "r4"} {
		shop.index(t, run, 4+i)
		s.awaitRun(run)
	}
	stop.Store(true)
	searching.Wait()
	require.Empty(t, failures)
	require.Eventually(t, func() bool { return store.open.Load() == 1 }, 10*time.Second, time.Millisecond)
}

func TestSearchGoesOnWhenItsIndexWasDropped(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	store := &watchedStore{Store: shop.store}
	store.before = func(run string) error {
		if run == "r1" {
			return errors.New("collection not found") // as a server says of a collection that was dropped
		}
		return nil
	}
	options := shop.options()
	options.Store = store
	options.Poll = time.Hour
	s := serve(t, options)
	path := "/v1/products/" + shop.rows[0].ProductID + "/similar"
	s.get(path).problem(t, http.StatusInternalServerError, CodeInternal)
	shop.index(t, "r2", 4)
	require.Equal(t, "r2", s.get(path).answer(t).Run)
}

func TestIndexThatOpensAfterTheEndIsClosed(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	options, store := shop.watched()
	e, err := NewEngine(t.Context(), options)
	require.NoError(t, err)
	require.EqualValues(t, 1, store.open.Load())
	index, err := store.Current(t.Context())
	require.NoError(t, err)
	require.NoError(t, e.Close())
	require.ErrorIs(t, e.pins.swap(newPin(index)), errClosed)
	require.Zero(t, store.open.Load())
	shop.index(t, "r2", 2)
	changed, err := e.Refresh(t.Context())
	require.ErrorIs(t, err, errClosed)
	require.False(t, changed)
	require.Zero(t, store.open.Load())
}

func TestWrongModelIsRefused(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	options := shop.options()
	options.Embedder = newStub("model-b")
	_, err := New(t.Context(), options)
	var known *Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, CodeWrongModel, known.Code)
	require.Contains(t, err.Error(), "model-a")
	require.Contains(t, err.Error(), "model-b")
}

func TestIndexOfAnotherModelDoesNotReplaceAGoodOne(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	options, store := shop.watched()
	options.Embedder = newStub("model-a") // the server keeps its model, the shop goes on to another
	var log lockedBuilder
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := serve(t, options)
	shop.embedder.model = "model-b"
	shop.index(t, "r2", 3)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "model-b") }, 10*time.Second, time.Millisecond)
	require.Equal(t, "r1", s.get("/v1/products/"+shop.rows[0].ProductID+"/similar").answer(t).Run)
	require.EqualValues(t, 1, store.open.Load(), "the refused one is closed")
	require.Equal(t, 1, strings.Count(log.String(), "no new index"), "said once")

	shop.embedder.model = "model-a"
	shop.index(t, "r3", 4)
	s.awaitRun("r3")
}

func TestFirstIndexOfAnotherModel(t *testing.T) {
	shop := newShop(t)
	options := shop.options()
	options.Embedder = newStub("model-b")
	s := serve(t, options)
	shop.index(t, "r1", 2)
	require.Eventually(t, func() bool {
		return strings.Contains(string(s.get("/readyz").body), CodeWrongModel)
	}, 10*time.Second, time.Millisecond)
	p := s.get("/v1/facets").problem(t, http.StatusServiceUnavailable, CodeWrongModel)
	require.Contains(t, p.Detail, "model-a")
	require.Contains(t, p.Detail, "model-b")
}

func TestIndexOfOtherSizesIsRefused(t *testing.T) {
	meta := newStub("m").Metadata()
	other := meta
	other.DeepRankSize = 9
	require.NoError(t, fits(meta, meta))
	require.ErrorContains(t, fits(other, meta), "72")
}

// lockedBuilder is a log that may be read while it is written.
type lockedBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
