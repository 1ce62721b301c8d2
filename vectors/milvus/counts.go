package milvus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	"golang.org/x/sync/singleflight"

	"github.com/kleid-search/kleid/vectors"
)

const (
	// maxCounts is how many counts an index remembers: there are as many as filters.
	maxCounts = 4096
	// countTimeout is for a count that nobody waits for any more, but the next one will.
	countTimeout = 5 * time.Minute
	// productsPage is of how many rows the product ids are fetched at once: 100 bytes or so each, and a
	// server's reply has 100 MiB at most.
	productsPage = 100_000
)

// counts remembers what was counted, since an index does not change.
type counts struct {
	mutex   sync.Mutex
	known   map[string]int
	running singleflight.Group
}

// of counts once for each key, however many ask at the same time.
func (c *counts) of(ctx context.Context, key string, count func(ctx context.Context) (int, error)) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if n, ok := c.remembered(key); ok {
		return n, nil
	}
	counted := c.running.DoChan(key, func() (any, error) {
		if n, ok := c.remembered(key); ok { // since it was looked for, by one that has just ended
			return n, nil
		}
		// Others may be waiting when the one who asked first gives up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTimeout)
		defer cancel()
		n, err := count(ctx)
		if err == nil {
			c.remember(key, n)
		}
		return n, err
	})
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case result := <-counted:
		return result.Val.(int), result.Err
	}
}

func (c *counts) remembered(key string) (n int, ok bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	n, ok = c.known[key]
	return n, ok
}

func (c *counts) remember(key string, n int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.known == nil {
		c.known = make(map[string]int)
	}
	for other := range c.known {
		if len(c.known) < maxCounts {
			break
		}
		delete(c.known, other) // any of them: to know which is asked for least would cost more
	}
	c.known[key] = n
}

// total is how many rows or products there are for the query.
func (x *index) total(ctx context.Context, q vectors.Query, filter string) (int, error) {
	known := &x.counts
	if q.Price.Restricts() {
		known = &x.special
	}
	count := x.countRowsIn
	if q.OnePerProduct {
		count = x.countProductsIn
	}
	total, err := count(ctx, known, filter)
	if err != nil || q.ExcludeProduct == "" || total == 0 {
		return total, err
	}
	excluded, err := x.countRowsIn(ctx, &x.special, allOf(filter, isIn(fieldProductID, []string{q.ExcludeProduct})))
	if q.OnePerProduct {
		excluded = min(excluded, 1)
	}
	return total - excluded, err
}

func (x *index) countRows(ctx context.Context, condition string) (int, error) {
	return x.countRowsIn(ctx, &x.counts, condition)
}

func (x *index) countRowsIn(ctx context.Context, known *counts, condition string) (int, error) {
	return known.of(ctx, "rows: "+condition, func(ctx context.Context) (int, error) { return x.countNow(ctx, condition) })
}

func (x *index) countNow(ctx context.Context, condition string) (n int, err error) {
	err = x.loaded(ctx, func() error {
		n, err = countRows(ctx, x.client, x.collection, x.expression(condition))
		return err
	})
	return n, err
}

// countProductsIn counts the products of the rows that meet a condition. Milvus cannot; their ids are fetched
// once. How many there are in all is a property of the collection, unless an older Kleid made it.
func (x *index) countProductsIn(ctx context.Context, known *counts, condition string) (int, error) {
	if condition == "" && x.products >= 0 {
		return x.products, nil
	}
	return known.of(ctx, "products: "+condition, func(ctx context.Context) (int, error) {
		rows, err := x.countRowsIn(ctx, known, condition)
		if err != nil {
			return 0, err
		}
		products := make(map[string]struct{})
		err = x.inPages(ctx, condition, []string{fieldProductID}, rows, x.productsPage, func(page client.ResultSet, n int) error {
			ids, err := texts(page, fieldProductID, n)
			for _, id := range ids {
				products[id] = struct{}{}
			}
			return err
		})
		return len(products), err
	})
}

func countRows(ctx context.Context, c client.Client, collection, condition string, options ...client.SearchQueryOptionFunc) (int, error) {
	const count = "count(*)"
	reply, err := c.Query(ctx, collection, nil, condition, []string{count}, options...)
	if err != nil {
		return 0, err
	}
	column, ok := reply.GetColumn(count).(*entity.ColumnInt64)
	if !ok || column.Len() != 1 || column.Data()[0] < 0 {
		return 0, errors.New("Milvus: the reply has no count")
	}
	return int(column.Data()[0]), nil
}
