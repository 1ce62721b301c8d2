package vectorstest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
)

func (s suite) testFirst(t *testing.T) {
	ctx := t.Context()
	store := s.open(t)
	noIndex := func() {
		_, err := store.Current(ctx)
		require.ErrorIs(t, err, vectors.ErrNoIndex)
		requireCurrentRun(ctx, t, store, "")
	}
	noIndex()
	meta := metadata("r-1")
	w, err := store.Create(ctx, meta)
	require.NoError(t, err)
	noIndex()
	rows := plainRows(meta, 1, 5)
	require.NoError(t, w.Add(ctx, rows[:2]))
	require.NoError(t, w.Add(ctx, nil))
	require.NoError(t, w.Add(ctx, rows[2:]))
	noIndex()
	require.Error(t, store.Publish(ctx, meta.Run), "it is not finished")
	noIndex()
	require.NoError(t, w.Finish(ctx))
	noIndex()

	// A finished run can be looked at before it is published.
	finished, err := store.Open(ctx, meta.Run)
	require.NoError(t, err)
	requireCount(ctx, t, finished, 5)
	got, err := finished.Get(ctx, rows[3].RowID)
	require.NoError(t, err)
	requireRows(t, rows[3:4], got)
	require.NoError(t, finished.Close())
	noIndex()

	// What is finished stays as it is.
	require.Error(t, w.Add(ctx, rows))
	require.Error(t, w.Finish(ctx))
	require.NoError(t, w.Abort(ctx))
	require.NoError(t, store.Publish(ctx, meta.Run))
	requireCurrentRun(ctx, t, store, meta.Run)
	index := current(ctx, t, store)
	require.Equal(t, meta, index.Metadata())
	requireCount(ctx, t, index, 5)
	require.NoError(t, store.Publish(ctx, meta.Run), "publishing again changes nothing")
	requireCurrentRun(ctx, t, store, meta.Run)
}

// A reader keeps the index that it has opened, whatever is published later.
func (s suite) testNext(t *testing.T) {
	ctx := t.Context()
	open := s.place(t)
	store, other := open(), open()
	defer store.Close()
	defer other.Close()
	first, second := metadata("r-1"), metadata("r-2")
	second.UnsupervisedSize, second.Facets = 7, second.Facets[:1]
	firstRows, secondRows := plainRows(first, 1, 6), plainRows(second, 2, 4)
	old := publish(ctx, t, store, first, firstRows)
	fill(ctx, t, store, second, secondRows)
	requireCurrentRun(ctx, t, store, first.Run)
	requireCount(ctx, t, current(ctx, t, store), 6)

	require.NoError(t, store.Publish(ctx, second.Run))
	requireCurrentRun(ctx, t, other, second.Run)
	index := current(ctx, t, other)
	require.Equal(t, second, index.Metadata())
	requireCount(ctx, t, index, 4)
	requireCount(ctx, t, old, 6)
	require.Equal(t, first, old.Metadata())
	result, err := old.Search(ctx, vectors.Query{Vector: firstRows[5].EmbeddingUnsupervised, Embedding: vectors.Unsupervised, K: 1})
	require.NoError(t, err)
	require.Equal(t, withoutEmbeddings(firstRows[5]), result.Matches[0].Row)
	got, err := old.Get(ctx, firstRows[4].RowID)
	require.NoError(t, err)
	requireRows(t, firstRows[4:5], got)

	// Going back to a run that is still there is a publish too.
	require.NoError(t, store.Publish(ctx, first.Run))
	requireCurrentRun(ctx, t, other, first.Run)
	require.NoError(t, store.Drop(ctx, second.Run))
	_, err = store.Open(ctx, second.Run)
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	require.Error(t, store.Publish(ctx, second.Run))
	requireCurrentRun(ctx, t, store, first.Run)
	requireCount(ctx, t, current(ctx, t, other), 6)
}

func (s suite) testUnknownRuns(t *testing.T) {
	ctx := t.Context()
	store := s.open(t)
	require.NoError(t, store.Drop(ctx, "r-1"))
	require.Error(t, store.Publish(ctx, "r-1"))
	_, err := store.Open(ctx, "r-1")
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	require.ErrorContains(t, err, "r-1")

	meta := metadata("r-1")
	publish(ctx, t, store, meta, plainRows(meta, 1, 2))
	require.ErrorContains(t, store.Drop(ctx, "r-1"), "current")
	_, err = store.Create(ctx, meta)
	require.ErrorContains(t, err, "current")
	requireCount(ctx, t, current(ctx, t, store), 2)

	for _, run := range []string{"", "..", "../r-1", "a/b", `a\b`, "-a", "a b", "a\n", `a" or "`, "ü", fmt.Sprintf("%0101d", 0)} {
		bad := metadata(run)
		_, err := store.Create(ctx, bad)
		require.ErrorContains(t, err, "run id", "create %q", run)
		_, err = store.Open(ctx, run)
		require.ErrorContains(t, err, "run id", "open %q", run)
		require.ErrorContains(t, store.Publish(ctx, run), "run id", "publish %q", run)
		require.ErrorContains(t, store.Drop(ctx, run), "run id", "drop %q", run)
	}
}

func (s suite) testInterruption(t *testing.T) {
	ctx := t.Context()
	open := s.place(t)
	store := open()
	defer store.Close()
	yesterday := metadata("r-1")
	publish(ctx, t, store, yesterday, plainRows(yesterday, 1, 3))

	// Given up.
	meta := metadata("r-2")
	w, err := store.Create(ctx, meta)
	require.NoError(t, err)
	require.NoError(t, w.Add(ctx, plainRows(meta, 2, 4)))
	require.NoError(t, w.Abort(ctx))
	require.NoError(t, w.Abort(ctx))
	require.Error(t, w.Add(ctx, plainRows(meta, 2, 4)))
	require.Error(t, w.Finish(ctx))
	_, err = store.Open(ctx, meta.Run)
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	require.Error(t, store.Publish(ctx, meta.Run))

	// Another process drops what this one began, which begins anew with vectors of another size.
	_, err = store.Create(ctx, meta)
	require.NoError(t, err)
	dropper := open()
	require.NoError(t, dropper.Drop(ctx, meta.Run))
	require.NoError(t, dropper.Close())
	longer := meta
	longer.UnsupervisedSize++
	fill(ctx, t, store, longer, plainRows(longer, 2, 4))
	require.NoError(t, store.Drop(ctx, meta.Run))

	// Left behind in the middle, by a process that is gone.
	w, err = store.Create(ctx, meta)
	require.NoError(t, err)
	require.NoError(t, w.Add(ctx, plainRows(meta, 2, 4)))
	other := open()
	defer other.Close()
	requireCurrentRun(ctx, t, other, yesterday.Run)
	requireCount(ctx, t, current(ctx, t, other), 3)
	require.Error(t, other.Publish(ctx, meta.Run))
	requireCurrentRun(ctx, t, other, yesterday.Run)

	// Left behind when it was finished: the next attempt starts with nothing of it.
	fill(ctx, t, other, meta, plainRows(meta, 3, 9))
	rows := plainRows(meta, 4, 2)
	index := publish(ctx, t, other, meta, rows)
	requireCount(ctx, t, index, 2)
	got, err := index.Get(ctx, rows[0].RowID, rows[1].RowID)
	require.NoError(t, err)
	requireRows(t, rows, got)
	require.NoError(t, other.Drop(ctx, yesterday.Run))

	// What an interrupted attempt left can be dropped without another.
	_, err = store.Create(ctx, metadata("r-3"))
	require.NoError(t, err)
	require.NoError(t, store.Drop(ctx, "r-3"))
	_, err = store.Open(ctx, "r-3")
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	requireCurrentRun(ctx, t, store, meta.Run)
}

// What the caller gives up, or gives too little time, fails as what it is: the service answers with another
// status then than to a failure of the store.
func (s suite) testGivenUp(t *testing.T) {
	store := s.open(t)
	meta := metadata("r-1")
	rows := plainRows(meta, 1, 5)
	rows[0].PhotoID = "photo"
	index := publish(t.Context(), t, store, meta, rows)
	query := vectors.Query{Vector: rows[0].EmbeddingUnsupervised, Embedding: vectors.Unsupervised, K: 3}
	perProduct, filtered := query, query
	perProduct.OnePerProduct, perProduct.ExcludeProduct = true, "product-1"
	filtered.Where = vectors.Filter{"sleeve": {"long"}}
	search := func(q vectors.Query) func(context.Context) error {
		return func(ctx context.Context) error { _, err := index.Search(ctx, q); return err }
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-late.Done()
	for name, call := range map[string]func(context.Context) error{
		"search":             search(query),
		"search of products": search(perProduct),
		"search by a facet":  search(filtered),
		"get":                func(ctx context.Context) error { _, err := index.Get(ctx, rows[0].RowID); return err },
		"by photo":           func(ctx context.Context) error { _, err := index.ByPhoto(ctx, "photo"); return err },
		"by product":         func(ctx context.Context) error { _, err := index.ByProduct(ctx, "product-0"); return err },
	} {
		require.ErrorIs(t, call(cancelled), context.Canceled, name)
		require.ErrorIs(t, call(late), context.DeadlineExceeded, name)
		require.NoError(t, call(t.Context()), "%s afterwards", name)
	}

	w, err := store.Create(t.Context(), metadata("r-2"))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), rows))
	require.ErrorIs(t, w.Finish(cancelled), context.Canceled)
	require.NoError(t, w.Abort(t.Context()))
	_, err = store.Open(t.Context(), "r-2")
	require.ErrorIs(t, err, vectors.ErrNoIndex)
}

// Searches while new runs are published see one of the runs, whole.
func (s suite) testConcurrency(t *testing.T) {
	ctx := t.Context()
	store := s.open(t)
	const runs, readers, rowsEach = 4, 3, 40
	first := metadata("r-0")
	publish(ctx, t, store, first, plainRows(first, 0, rowsEach))
	done := make(chan struct{})
	failures := make(chan error, readers)
	var wait sync.WaitGroup
	for reader := range readers {
		wait.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if err := readOnce(ctx, store, rowsEach, reader+i); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	for i := 1; i < runs; i++ {
		meta := metadata(fmt.Sprintf("r-%d", i))
		fill(ctx, t, store, meta, plainRows(meta, uint64(i), rowsEach))
		require.NoError(t, store.Publish(ctx, meta.Run))
	}
	close(done)
	wait.Wait()
	close(failures)
	require.NoError(t, <-failures)
	requireCurrentRun(ctx, t, store, fmt.Sprintf("r-%d", runs-1))
}

// readOnce opens the current index and checks that all it says comes from one run.
func readOnce(ctx context.Context, store vectors.Store, rows, i int) error {
	if _, err := store.CurrentRun(ctx); err != nil {
		return err
	}
	index, err := store.Current(ctx)
	if err != nil {
		return err
	}
	defer index.Close()
	meta := index.Metadata()
	query := vectors.Query{Vector: axis(meta.UnsupervisedSize, i%meta.UnsupervisedSize), Embedding: vectors.Unsupervised, K: 2 * rows}
	result, err := index.Search(ctx, query)
	if err != nil {
		return err
	}
	if len(result.Matches) != rows || result.TotalMatches != rows {
		return fmt.Errorf("%d of %d rows were found in run %s", len(result.Matches), rows, meta.Run)
	}
	for _, match := range result.Matches {
		if match.Row.Title != meta.Run {
			return fmt.Errorf("a row of run %s was found in run %s", match.Row.Title, meta.Run)
		}
	}
	return nil
}
