package searcher

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// hangingStore opens indexes, which then say nothing until nobody waits any more.
type hangingStore struct{ vectors.Store }

func (s hangingStore) Current(ctx context.Context) (vectors.Index, error) {
	index, err := s.Store.Current(ctx)
	return hangingIndex{index}, err
}

type hangingIndex struct{ vectors.Index }

func hang[T any](ctx context.Context) (nothing T, err error) {
	<-ctx.Done()
	return nothing, ctx.Err()
}

func (hangingIndex) Count(ctx context.Context) (int, error)      { return hang[int](ctx) }
func (hangingIndex) HasPrices(ctx context.Context) (bool, error) { return hang[bool](ctx) }
func (hangingIndex) Search(ctx context.Context, _ vectors.Query) (vectors.Result, error) {
	return hang[vectors.Result](ctx)
}
func (hangingIndex) Get(ctx context.Context, _ ...string) ([]catalog.Row, error) {
	return hang[[]catalog.Row](ctx)
}
func (hangingIndex) ByPhoto(ctx context.Context, _ string) ([]catalog.Row, error) {
	return hang[[]catalog.Row](ctx)
}
func (hangingIndex) ByProduct(ctx context.Context, _ string) ([]catalog.Row, error) {
	return hang[[]catalog.Row](ctx)
}

// TestStoreTimeout has a store that went away after its index was opened: whoever asks it is told soon, and others who
// wait behind them, too.
func TestStoreTimeout(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	row := shop.rows[0]
	options := shop.options()
	options.Store, options.StoreTimeout = hangingStore{shop.store}, 3*time.Second
	vector := make([]float32, options.Embedder.Metadata().DeepRankSize)
	vector[0] = 1
	for name, ask := range map[string]func(context.Context, *Engine) error{
		"vector": func(ctx context.Context, e *Engine) error {
			_, err := e.SearchVector(ctx, vector, Request{})
			return err
		},
		"photo id": func(ctx context.Context, e *Engine) error {
			_, err := e.SearchPhotoID(ctx, row.PhotoID, Request{})
			return err
		},
		"item": func(ctx context.Context, e *Engine) error { _, err := e.Item(ctx, row.RowID); return err },
		"product": func(ctx context.Context, e *Engine) error {
			_, err := e.SimilarToProduct(ctx, row.ProductID, Request{})
			return err
		},
		"facets":  func(ctx context.Context, e *Engine) error { _, err := e.Describe(ctx); return err },
		"samples": func(ctx context.Context, e *Engine) error { _, err := e.Samples(ctx, 1); return err },
	} {
		synctest.Test(t, func(t *testing.T) {
			e, err := NewEngine(t.Context(), options)
			require.NoError(t, err)
			defer e.Close()
			begun := time.Now()
			failures := make(chan error, 3)
			for range cap(failures) {
				go func() { failures <- ask(t.Context(), e) }()
			}
			for range cap(failures) {
				var told *Error
				require.ErrorAs(t, <-failures, &told, name)
				require.Equal(t, CodeNoStore, told.Code, name)
				require.Contains(t, told.Message, "within 3s: try again", name)
			}
			require.LessOrEqual(t, time.Since(begun), 2*options.StoreTimeout, name)

			over, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, ask(over, e), context.DeadlineExceeded, name)
		})
	}

	options.StoreTimeout = time.Millisecond
	s := serve(t, options)
	r := s.get("/v1/products/" + row.ProductID + "/similar")
	r.problem(t, http.StatusServiceUnavailable, CodeNoStore)
	require.Equal(t, "2", r.header.Get("Retry-After"))
	options.StoreTimeout = 0
	require.Equal(t, 5*time.Second, serve(t, options).engine.options.StoreTimeout, "where nothing is said")
}

// TestStoreTimeoutWithoutAnIndex has a store that hangs before an index was published.
func TestStoreTimeoutWithoutAnIndex(t *testing.T) {
	shop := newShop(t)
	options, store := shop.watched()
	options.StoreTimeout = 3 * time.Second
	synctest.Test(t, func(t *testing.T) {
		e, err := NewEngine(t.Context(), options)
		require.NoError(t, err)
		defer e.Close()
		hangs := func(ctx context.Context) error { _, err := hang[int](ctx); return err }
		store.asked.Store(&hangs)
		_, err = e.Describe(t.Context())
		var told *Error
		require.ErrorAs(t, err, &told)
		require.Equal(t, CodeNoStore, told.Code)
	})
}
