package searcher

import (
	"context"
	"fmt"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// inStore runs what waits for the store, for the limit at most; 0 is no limit. A limit that is over is an *Error with
// CodeNoStore, the context's own end is not: who asks a store that is away is to know soon, however long the store's
// client would try.
func inStore(ctx context.Context, limit time.Duration, ask func(context.Context) error) error {
	if limit <= 0 {
		return ask(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := ask(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return &Error{CodeNoStore, fmt.Sprintf("the store has not answered within %v: try again", limit), err}
	}
	return err
}

// limitedIndex gives the index of a store a limited time for each question.
type limitedIndex struct {
	vectors.Index
	limit time.Duration
}

func limited[T any](ctx context.Context, x limitedIndex, ask func(context.Context) (T, error)) (answer T, err error) {
	err = inStore(ctx, x.limit, func(ctx context.Context) (err error) {
		answer, err = ask(ctx)
		return err
	})
	return answer, err
}

func (x limitedIndex) Count(ctx context.Context) (int, error) { return limited(ctx, x, x.Index.Count) }

func (x limitedIndex) HasPrices(ctx context.Context) (bool, error) {
	return limited(ctx, x, x.Index.HasPrices)
}

func (x limitedIndex) Search(ctx context.Context, q vectors.Query) (vectors.Result, error) {
	return limited(ctx, x, func(ctx context.Context) (vectors.Result, error) { return x.Index.Search(ctx, q) })
}

func (x limitedIndex) Get(ctx context.Context, rowIDs ...string) ([]catalog.Row, error) {
	return limited(ctx, x, func(ctx context.Context) ([]catalog.Row, error) { return x.Index.Get(ctx, rowIDs...) })
}

func (x limitedIndex) ByPhoto(ctx context.Context, photoID string) ([]catalog.Row, error) {
	return limited(ctx, x, func(ctx context.Context) ([]catalog.Row, error) { return x.Index.ByPhoto(ctx, photoID) })
}

func (x limitedIndex) ByProduct(ctx context.Context, productID string) ([]catalog.Row, error) {
	return limited(ctx, x, func(ctx context.Context) ([]catalog.Row, error) { return x.Index.ByProduct(ctx, productID) })
}
