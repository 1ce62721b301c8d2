package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/index"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/searcher"
)

const (
	// queryPhotos is how many customers' photos are painted to search with.
	queryPhotos = 32
	// samples is how many rows of the index are searched with.
	samples = 64
)

// serveCommand measures the service as a shop's front end sees it.
func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "requests a second, and how long they take, through the whole service",
		Description: `Serves an index on an address of its own and sends requests from so many clients at once, each of which sends the next
one when the last is answered: searches by painted customers' photos, none of which is remembered from the last time,
and by products of the index, without and with a filter. The clients are in the same process, so their share of the CPUs
is in the figures. Requests that the service refuses since too many photos are waiting are counted apart.

Examples:
  kleid bench serve --index index/
  kleid bench serve --index index/ --store milvus://127.0.0.1:19530/dresses --clients 1,64 --json
  kleid bench serve --products 100`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "index", EnvVars: flags.Env("index"), Usage: "`DIR` of the index", DefaultText: "one of painted dresses"},
			open.StoreFlag("embedded:INDEX"),
			&cli.IntFlag{Name: "products", Value: 50, EnvVars: flags.Env("bench-products"), Usage: "`N` dresses to paint, three photos of each, where nothing else is named"},
			&cli.StringFlag{Name: "clients", Value: "1,8,32", EnvVars: flags.Env("clients"), Usage: "`NUMBERS` of clients at once, parted by commas, each measured by itself"},
			&cli.Float64Flag{Name: "seconds", Value: 5, EnvVars: flags.Env("seconds"), Usage: "how long to measure"},
			flags.JSON(),
		}, open.EmbedderFlags()...),
		Action: serve,
	}
}

func serve(c *cli.Context) error {
	if err := flags.Positive(c, "products"); err != nil {
		return err
	}
	seconds := c.Float64("seconds")
	if !(seconds > 0) {
		return exit.WrongUsage(c, "--seconds is %v, but must be more than 0", seconds)
	}
	var clients []int
	for _, number := range strings.Split(c.String("clients"), ",") {
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || n < 1 || n > searcher.DefaultConnections {
			return exit.WrongUsage(c, "--clients has %q, but must be whole numbers from 1 to %d, parted by commas", number, searcher.DefaultConnections)
		}
		clients = append(clients, n)
	}
	embedder, err := open.Embedder(c)
	if err != nil {
		return err
	}
	p := terminal.NewProgress(c)
	defer p.End()
	place := c.String("store")
	if c.String("index") != "" || place != "" {
		place, err = open.StoreURL(c)
	} else {
		var remove func()
		place, remove, err = paintedIndex(c, p, embedder)
		defer remove()
	}
	if err != nil {
		return err
	}
	options := searcher.Options{Embedder: embedder, Logger: p.Logger(), Recent: -1, Version: c.App.Version}
	figures, err := measureService(c.Context, p, place, options, clients, seconds)
	p.End()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(figures)
	}
	_, err = io.WriteString(c.App.Writer, loadText(figures))
	return err
}

// paintedIndex makes an index of painted dresses, in a folder that remove removes, also after an error.
func paintedIndex(c *cli.Context, p *terminal.Progress, embedder *embedding.Embedder) (store string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "kleid-bench-")
	if err != nil {
		return "", func() {}, err
	}
	remove = func() { os.RemoveAll(dir) }
	painted, out := filepath.Join(dir, "catalogue"), filepath.Join(dir, "index")
	err = studio.WriteCatalogue(c.Context, painted, studio.Products("bench", 1, c.Int("products")), 3, func(done, total int) {
		p.Show("paint", done, total, "")
	})
	if err != nil {
		return "", remove, err
	}
	store = "embedded:" + out
	_, err = index.Run(c.Context, p, store, indexer.Options{Catalogue: filepath.Join(painted, "catalogue.csv"), Out: out, Embedder: embedder}, indexer.Run)
	p.End()
	return store, remove, err
}

// measureService serves a store's index and measures it.
func measureService(ctx context.Context, p *terminal.Progress, place string, options searcher.Options, clients []int, seconds float64) (figures []LoadFigures, err error) {
	store, err := open.Store(ctx, place)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	options.Store = store
	engine, err := searcher.NewEngine(ctx, options)
	if err != nil {
		return nil, open.ExplainStore(err, place)
	}
	rows, err := engine.Samples(ctx, samples)
	if err := engine.Close(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s has no dresses to search with", place)
	}
	server, err := searcher.New(ctx, options)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		down := server.Shutdown(context.WithoutCancel(ctx))
		err = cmp.Or(err, down, <-served)
	}()

	server.WarmUp(ctx)
	loads, err := loadsOf("http://"+listener.Addr().String(), rows)
	if err != nil {
		return nil, err
	}
	for i, l := range loads {
		for j, n := range clients {
			p.Show("measure", i*len(clients)+j, len(loads)*len(clients), l.what)
			f, err := l.run(ctx, n, seconds)
			if err != nil {
				return nil, err
			}
			figures = append(figures, f)
		}
	}
	return figures, nil
}

// loadsOf are the kinds of requests that are measured, for a service with these rows.
func loadsOf(base string, rows []catalog.Row) ([]load, error) {
	photos := load{what: "search by photo"}
	for i, product := range studio.Products("bench", 2, queryPhotos) {
		file, err := product.Paint(studio.Shot{Index: uint64(i), Query: true}).JPEG()
		if err != nil {
			return nil, err
		}
		request, err := photoRequest(base+"/v1/search", file)
		if err != nil {
			return nil, err
		}
		photos.requests = append(photos.requests, request)
	}
	similar, filtered := load{what: "like a product"}, load{what: "like a product, filtered"}
	for _, row := range rows {
		at := base + "/v1/products/" + url.PathEscape(row.ProductID) + "/similar?k=12"
		similar.requests = append(similar.requests, loadRequest{url: at})
		if names := slices.Sorted(maps.Keys(row.Facets)); len(names) > 0 {
			where := names[0] + "=" + row.Facets[names[0]].Label
			filtered.requests = append(filtered.requests, loadRequest{url: at + "&where=" + url.QueryEscape(where)})
		}
	}
	loads := []load{photos, similar}
	if len(filtered.requests) > 0 {
		loads = append(loads, filtered)
	}
	return loads, nil
}
