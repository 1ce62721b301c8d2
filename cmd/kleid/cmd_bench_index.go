package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/indexer"
)

// benchIndexFigures is what `bench index` prints.
type benchIndexFigures struct {
	Photos          int                `json:"photos"`
	OK              int                `json:"ok"`
	NoDress         int                `json:"no_dress"`
	Unreadable      int                `json:"unreadable"`
	Seconds         float64            `json:"seconds"`
	ImagesPerSecond float64            `json:"images_per_second"`
	Stages          map[string]float64 `json:"stages"` // seconds
}

// benchIndexCommand measures the whole way from files to a published index, into a folder that goes again.
func benchIndexCommand() *cli.Command {
	return &cli.Command{
		Name:        "index",
		Usage:       "photos a second through the whole pipeline: read, locate, embed, write, publish",
		Description: "Examples:\n  kleid bench index --catalogue photos/\n  kleid bench index --products 50 --json",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "catalogue", EnvVars: env("catalogue"), Usage: "folder of photos, or a .csv or .jsonl `FILE`", DefaultText: "painted dresses"},
			&cli.IntFlag{Name: "products", Value: 50, EnvVars: env("bench-products"), Usage: "`N` dresses to paint, three photos of each, where there is no catalogue"},
			&cli.IntFlag{Name: "workers", EnvVars: env("workers"), Usage: "`N` photos to read at once", DefaultText: "one for each CPU"},
			jsonFlag(),
		}, embedderFlags()...),
		Action: benchIndex,
	}
}

func benchIndex(c *cli.Context) error {
	if err := positive(c, "products"); err != nil {
		return err
	}
	if err := notNegative(c, "workers"); err != nil {
		return err
	}
	embedder, err := newEmbedder(c)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kleid-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := newProgress(c)
	defer p.end()
	catalogue := c.String("catalogue")
	if catalogue == "" {
		painted := filepath.Join(dir, "catalogue")
		err := studio.WriteCatalogue(c.Context, painted, studio.Products("bench", 1, c.Int("products")), 3, func(done, total int) {
			p.show("paint", done, total, "")
		})
		if err != nil {
			return err
		}
		catalogue = filepath.Join(painted, "catalogue.csv")
	}
	out := filepath.Join(dir, "index")
	report, err := runIndexer(c.Context, p, "embedded:"+out, indexer.Options{
		Catalogue: catalogue, Out: out, Embedder: embedder, Workers: c.Int("workers"), MaxBad: 1,
	})
	p.end()
	if err != nil {
		return err
	}
	f := benchIndexFigures{report.Photos, report.OK, report.NoDress, report.Unreadable, report.Seconds, report.ImagesPerSecond, report.Stages}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(f)
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d photos in %.1f s: %.1f photos/s (%d with a dress, %d without, %d unreadable)\n",
		f.Photos, f.Seconds, f.ImagesPerSecond, f.OK, f.NoDress, f.Unreadable)
	return err
}
