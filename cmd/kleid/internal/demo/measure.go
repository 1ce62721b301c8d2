package demo

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/serve"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/searcher"
)

// listenerOf takes the address to serve on; nil where nothing is served.
func listenerOf(c *cli.Context) (net.Listener, error) {
	if c.Bool("once") {
		return nil, nil
	}
	return serve.Listen(c, "listen")
}

// measure searches with every query and counts how often its product is among the first.
func (d *demo) measure(ctx context.Context, f *Figures) error {
	queries, err := studio.ReadTruth(d.queriesFolder())
	if err != nil {
		return err
	}
	d.progress.Say("Searching with %d photos that are not in the catalogue …", len(queries))
	store, err := open.Store(ctx, d.storeURL())
	if err != nil {
		return err
	}
	defer store.Close()
	workers := runtime.GOMAXPROCS(0)
	engine, err := searcher.NewEngine(ctx, searcher.Options{Store: store, Embedder: d.embedder, Embeds: workers, Recent: -1})
	if err != nil {
		return err
	}
	defer engine.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done, first, firstFive atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(queries) {
					return
				}
				rank, err := rankOf(ctx, engine, queries[i])
				if err != nil {
					cancel(err)
					return
				}
				if rank == 1 {
					first.Add(1)
				}
				if rank > 0 {
					firstFive.Add(1)
				}
				d.progress.Show("search", int(done.Add(1)), len(queries), "")
			}
		})
	}
	wait.Wait()
	d.progress.End()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	f.Queries = len(queries)
	f.RecallAt1 = float64(first.Load()) / float64(len(queries))
	f.RecallAt5 = float64(firstFive.Load()) / float64(len(queries))
	f.Seconds = time.Since(d.begun).Seconds()
	d.progress.Say("The right dress comes first in %.1f%% of the searches, and among the first five in %.1f%%; all took %.0f s.",
		100*f.RecallAt1, 100*f.RecallAt5, f.Seconds)
	return nil
}

// rankOf is the rank of the product that a query, a customer's photo, shows, from 1, and 0 when it is not among the first five.
func rankOf(ctx context.Context, engine *searcher.Engine, q datasets.Example) (int, error) {
	data, err := os.ReadFile(q.Path)
	if err != nil {
		return 0, err
	}
	answer, err := engine.SearchPhoto(ctx, data, searcher.Request{K: 5})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", q.Path, err)
	}
	for i, r := range answer.Results {
		if r.ProductID == q.Product {
			return i + 1, nil
		}
	}
	return 0, nil
}
