package milvus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
)

// However many ask at once, one counts; a caller that gives up neither waits nor spoils it for the others.
func TestCounts(t *testing.T) {
	var c counts
	counting, release := make(chan struct{}), make(chan struct{})
	calls := 0
	count := func(ctx context.Context) (int, error) {
		calls++
		close(counting)
		<-release
		return 7, ctx.Err()
	}
	impatient, giveUp := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := c.of(impatient, "a", count)
		gaveUp <- err
	}()
	<-counting
	giveUp()
	require.ErrorIs(t, <-gaveUp, context.Canceled)
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			n, err := c.of(t.Context(), "a", count)
			require.NoError(t, err)
			require.Equal(t, 7, n)
		})
	}
	close(release)
	wait.Wait()
	require.Equal(t, 1, calls)

	// A failure is not remembered, and of very many counts one is forgotten at a time.
	_, err := c.of(t.Context(), "b", func(context.Context) (int, error) { return 0, errors.New("away") })
	require.ErrorContains(t, err, "away")
	for i := range 2 * maxCounts {
		n, err := c.of(t.Context(), fmt.Sprint(i), func(context.Context) (int, error) { return i, nil })
		require.NoError(t, err)
		require.Equal(t, i, n)
	}
	require.Len(t, c.known, maxCounts)
}

func TestIDRanges(t *testing.T) {
	require.Equal(t, []string{`row_id != ""`}, idRanges(0))
	require.Equal(t, []string{`row_id != ""`}, idRanges(1))
	require.Equal(t, []string{`row_id < "5555"`, `row_id >= "5555" and row_id < "aaaa"`, `row_id >= "aaaa"`}, idRanges(3))
	require.Len(t, idRanges(1<<20), 1<<16)
}

// A search that was made before counts nothing, whichever product it leaves out.
func testCountsOnce(t *testing.T, server *milvustest.Server) {
	var counted atomic.Int64
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		var request milvuspb.QueryRequest
		if call.Method == "Query" && call.Request(&request) == nil && slices.Equal(request.GetOutputFields(), []string{"count(*)"}) {
			counted.Add(1)
		}
		return nil
	})
	for _, index := range []vectors.Index{
		publish(t, open(t, milvustest.URL(address, "counted_once")), "r-1", 50),
		publish(t, open(t, milvustest.URL(address, "counted_once_graph")+"?index=hnsw"), "r-1", 50),
	} {
		q := everything
		q.OnePerProduct = true
		for _, product := range []string{"product-1", "product-2"} {
			q.ExcludeProduct = product
			var before int64
			for i := range 3 {
				result, err := index.Search(t.Context(), q)
				require.NoError(t, err)
				require.Equal(t, 49, result.TotalMatches)
				if i == 0 {
					before = counted.Load()
				}
			}
			require.Equal(t, before, counted.Load())
		}
	}
}

// The ids of products are fetched for filters alone, in pages, and once.
func testProductCounts(t *testing.T, server *milvustest.Server) {
	const n = 600
	var fetches, largest atomic.Int64
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		var request milvuspb.QueryRequest
		if call.Method != "Query" || call.Request(&request) != nil || len(request.GetOutputFields()) != 1 || request.GetOutputFields()[0] != fieldProductID {
			return nil
		}
		var reply milvuspb.QueryResults
		if err := call.Reply(&reply); err != nil {
			return err
		}
		fetches.Add(1)
		for _, field := range reply.GetFieldsData() {
			largest.Store(max(largest.Load(), int64(len(field.GetScalars().GetStringData().GetData()))))
		}
		return nil
	})
	s := open(t, milvustest.URL(address, "counted"))
	rows := testRows(n)
	for i := range rows {
		rows[i].ProductID = fmt.Sprintf("product-%d", i%(n/3))
		rows[i].RowID = catalog.NewRowID(rows[i].ProductID, fmt.Sprint(i))
		if i%2 == 0 { // those of every other product
			rows[i].Facets = map[string]catalog.FacetValue{"sleeve": {Label: "short", Probability: 0.5}}
		}
	}
	w, err := s.Create(t.Context(), testMetadata("r-1"))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), rows))
	require.NoError(t, w.Finish(t.Context()))
	for _, older := range []bool{false, true} { // older: a collection that does not know its products
		opened, err := s.Open(t.Context(), "r-1")
		require.NoError(t, err)
		x := opened.(*index)
		require.Equal(t, n/3, x.products)
		require.Equal(t, testMetadata("r-1"), x.Metadata())
		if older {
			x.products = -1
		}
		x.productsPage = n / 4
		fetches.Store(0)
		q := everything
		q.K, q.OnePerProduct = 1, true
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				q := q
				q.ExcludeProduct = fmt.Sprintf("product-%d", i)
				result, err := x.Search(t.Context(), q)
				require.NoError(t, err)
				require.Equal(t, n/3-1, result.TotalMatches)
			})
		}
		wait.Wait()
		if older {
			require.EqualValues(t, 4, fetches.Load())
		} else {
			require.Zero(t, fetches.Load())
		}
		fetches.Store(0)
		q.Where = vectors.Filter{"sleeve": {"short"}}
		for excluded, fewer := range map[string]int{"": 0, "product-0": 1, "product-2": 1, "product-1": 0, "another": 0} {
			q.ExcludeProduct = excluded
			result, err := x.Search(t.Context(), q)
			require.NoError(t, err)
			require.Equal(t, n/6-fewer, result.TotalMatches, excluded)
		}
		require.EqualValues(t, 2, fetches.Load())
	}
	require.Less(t, largest.Load(), int64(n/2), "rows in a page")
}
