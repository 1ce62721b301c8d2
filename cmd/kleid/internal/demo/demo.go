// Package demo is kleid demo: a painted shop, indexed, and served or measured.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/index"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/serve"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/searcher"
)

const (
	// Domain keeps the demo's dresses apart from those that the model has learned from.
	Domain = "demo"
	// Queries is how many searches measure the demo.
	Queries = 500
	// samplePhotos is how many customers' photos are painted for a person to try.
	samplePhotos = 24
)

// Figures is what `demo --json` prints.
type Figures struct {
	Photos    int     `json:"photos"`
	Products  int     `json:"products"`
	Queries   int     `json:"queries"`
	RecallAt1 float64 `json:"recall_at_1"` // share of the queries whose product comes first
	RecallAt5 float64 `json:"recall_at_5"` // … is among the first five
	Seconds   float64 `json:"seconds"`     // from the start of painting
}

// Command shows Kleid to somebody who has no photos at hand.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "paint a catalogue of dresses, index it, and serve it or measure it",
		Description: `Paints photos of made-up dresses, indexes them as kleid index does and serves the search page. With --once
it measures instead: it searches with customers' photos, which are not in the catalogue, prints how often
the right dress comes first and among the first five, and ends.

The catalogue stays in --dir, so that the next start is quick; --once without --dir works in a folder
that it removes.

Examples:
  kleid demo
  kleid demo --listen 127.0.0.1:9000 --seed 7
  kleid demo --once --seed 7 --json`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "once", DisableDefaultText: true, EnvVars: flags.Env("once"), Usage: "measure and end, instead of serving"},
			&cli.Uint64Flag{Name: "seed", Value: 1, EnvVars: flags.Env("seed"), Usage: "`N` chooses the dresses"},
			&cli.IntFlag{Name: "products", Value: 200, EnvVars: flags.Env("products"), Usage: "`N` dresses"},
			&cli.IntFlag{Name: "photos-per-product", Value: 3, EnvVars: flags.Env("photos-per-product"), Usage: "`N` photos of each"},
			&cli.IntFlag{Name: "queries", Value: Queries, EnvVars: flags.Env("queries"), Usage: "`N` searches to measure, with --once or --json"},
			serve.ListenFlag(),
			&cli.StringFlag{Name: "dir", EnvVars: flags.Env("dir"), Usage: "`DIR` for catalogue and index", DefaultText: "in the user's cache"},
			flags.JSON(),
		}, open.EmbedderFlags()...),
		Action: action,
	}
}

func action(c *cli.Context) (err error) {
	if err := flags.Positive(c, "products", "photos-per-product", "queries"); err != nil {
		return err
	}
	once := c.Bool("once")
	measured := once || c.Bool("json")
	d := &demo{
		progress: terminal.NewProgress(c), begun: time.Now(), seed: c.Uint64("seed"),
		photosPerProduct: c.Int("photos-per-product"), queries: samplePhotos,
	}
	defer d.progress.End()
	if measured {
		d.queries = c.Int("queries")
	}
	listener, err := listenerOf(c)
	if err != nil {
		return err
	}
	if listener != nil {
		defer listener.Close()
	}
	// The model comes before the painting: without one there is no demo.
	if d.embedder, err = open.Embedder(c); err != nil {
		return err
	}
	var remove func()
	if d.dir, remove, err = folder(c.String("dir"), d.seed, once); err != nil {
		return err
	}
	defer remove()
	d.products = studio.Products(Domain, d.seed, c.Int("products"))
	if err := d.paint(c.Context); err != nil {
		return err
	}
	report, err := d.index(c.Context)
	if err != nil {
		return err
	}
	figures := Figures{Photos: report.Photos, Products: report.Products}
	if measured {
		if err := d.measure(c.Context, &figures); err != nil {
			return err
		}
	}
	if !once {
		d.progress.Say("Photos to try: %s", filepath.Join(d.queriesFolder(), "photos"))
		if err := serve.Serve(c.Context, d.progress, listener, nil, d.storeURL(), d.indexFolder(), searcher.Options{Embedder: d.embedder, Version: c.App.Version}); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(figures)
	}
	return nil
}

// demo is a painted shop.
type demo struct {
	progress         *terminal.Progress
	begun            time.Time
	seed             uint64
	dir              string
	products         []studio.Product
	photosPerProduct int
	queries          int
	embedder         *embedding.Embedder
}

func (d *demo) catalogueFolder() string { return filepath.Join(d.dir, "catalogue") }
func (d *demo) queriesFolder() string   { return filepath.Join(d.dir, "queries") }
func (d *demo) indexFolder() string     { return filepath.Join(d.dir, "index") }
func (d *demo) storeURL() string        { return "embedded:" + d.indexFolder() }

// folder is where the demo works. remove is to be called at the end.
func folder(dir string, seed uint64, once bool) (_ string, remove func(), err error) {
	if dir != "" {
		return dir, func() {}, nil
	}
	cache, err := os.UserCacheDir()
	if once || err != nil {
		dir, err := os.MkdirTemp("", "kleid-demo-")
		return dir, func() { os.RemoveAll(dir) }, err
	}
	return filepath.Join(cache, "kleid", fmt.Sprintf("demo-%d", seed)), func() {}, nil
}

// paint makes catalogue and queries, unless they are there from an earlier start.
func (d *demo) paint(ctx context.Context) error {
	painted := painting{filepath.Join(d.dir, "painted.json"), d.fingerprint()}
	if painted.there() {
		d.progress.Say("The catalogue is in %s from an earlier start.", d.catalogueFolder())
		return nil
	}
	if err := painted.begin(d.catalogueFolder(), d.queriesFolder()); err != nil {
		return err
	}
	d.progress.Say("Painting %d photos of %d dresses into %s …", len(d.products)*d.photosPerProduct, len(d.products), d.catalogueFolder())
	show := func(stage string) func(int, int) {
		return func(done, total int) { d.progress.Show(stage, done, total, "") }
	}
	if err := studio.WriteCatalogue(ctx, d.catalogueFolder(), d.products, d.photosPerProduct, show("paint")); err != nil {
		return err
	}
	if err := studio.WriteQueries(ctx, d.queriesFolder(), d.products, d.queries, show("paint queries")); err != nil {
		return err
	}
	d.progress.End()
	return painted.remember()
}

// index makes the index in the way of `kleid index`.
func (d *demo) index(ctx context.Context) (indexer.Report, error) {
	d.progress.Say("Finding and describing the dresses …")
	report, err := index.Run(ctx, d.progress, d.storeURL(), indexer.Options{
		Catalogue: filepath.Join(d.catalogueFolder(), "catalogue.csv"), Out: d.indexFolder(), Embedder: d.embedder, MaxBad: 0,
	}, indexer.Run)
	d.progress.End()
	if err == nil && report.Unreadable > 0 {
		err = fmt.Errorf("%d painted photos cannot be read, the first because %s", report.Unreadable, report.Bad[0].Error)
	}
	if err == nil {
		d.progress.Say("%d photos are indexed, %d of them anew, %.1f a second.", report.Photos, report.Embedded, report.ImagesPerSecond)
	}
	return report, err
}
