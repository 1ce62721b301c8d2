package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer"
)

// listedBad is how many bad photos the report on standard output names; report.json names all.
const listedBad = 50

// indexCommand is the nightly job.
func indexCommand() *cli.Command {
	return &cli.Command{
		Name:  "index",
		Usage: "make the index of a catalogue, or bring it up to date",
		Description: `The catalogue is a folder of photos, or a CSV or JSONL file with a row for each photo: its path or URL in
a column called photo, and product_id, title, url, price, currency and whatever else there is.
Symbolic links in a folder are followed, also out of it. OUT keeps to the store of its first index.

Photos that are indexed already are not embedded again; a job that was interrupted or killed goes on
where it stopped. Searches see the old index until the new one is whole. A photo that cannot be read
becomes a row that says why; OUT/report.txt lists them.

Examples:
  kleid index --catalogue photos/ --out index/
  kleid index --catalogue catalogue.csv --out index/ --max-bad 0.01 --keep 7 --json
  kleid index --catalogue photos/ --out index/ --store milvus://127.0.0.1:19530/dresses

` + exitCodes,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "catalogue", EnvVars: env("catalogue"), Usage: "folder of photos, or a .csv or .jsonl `FILE`"},
			&cli.StringFlag{Name: "out", EnvVars: env("out"), Usage: "`DIR` of the index: Parquet, thumbnails, reports and, unless --store says otherwise, vectors"},
			storeFlag("embedded:OUT"),
			&cli.Float64Flag{Name: "max-bad", Value: indexer.DefaultMaxBad, EnvVars: env("max-bad"), Usage: "`SHARE` of unreadable photos, 0 to 1, above which the exit code is 3 and an index that is there is not replaced"},
			&cli.IntFlag{Name: "keep", Value: 1, EnvVars: env("keep"), Usage: "`N` runs to keep besides the current one"},
			&cli.IntFlag{Name: "workers", EnvVars: env("workers"), Usage: "`N` photos to read at once", DefaultText: "one for each CPU"},
			jsonFlag(),
		}, embedderFlags()...),
		Action: indexAction,
	}
}

func indexAction(c *cli.Context) error {
	if err := required(c, "catalogue", "out"); err != nil {
		return err
	}
	if err := notNegative(c, "keep", "workers"); err != nil {
		return err
	}
	if share := c.Float64("max-bad"); !(share >= 0 && share <= 1) {
		return wrongUsage(c, "--max-bad is %v, but must be a share between 0 and 1", share)
	}
	store := c.String("store")
	if store == "" {
		store = "embedded:" + c.String("out")
	}
	if err := checkStore(c, store); err != nil {
		return err
	}
	embedder, err := newEmbedder(c)
	if err != nil {
		return err
	}
	p := newProgress(c)
	defer p.end()
	report, err := runIndexer(c.Context, p, store, indexer.Options{
		Catalogue: c.String("catalogue"), Out: c.String("out"), Embedder: embedder,
		Workers: c.Int("workers"), MaxBad: c.Float64("max-bad"), Keep: c.Int("keep"),
	})
	p.end()
	if err != nil {
		if c.Context.Err() != nil {
			p.say("What is embedded is kept: the same command goes on from there.")
		}
		return err
	}
	report = report.Brief(listedBad)
	if c.Bool("json") {
		err = json.NewEncoder(c.App.Writer).Encode(report)
	} else {
		_, err = fmt.Fprint(c.App.Writer, report)
		if full := filepath.Join(report.Index, "report.txt"); err == nil && report.BadLeftOut+report.SkippedLeftOut > 0 {
			_, err = fmt.Fprintf(c.App.Writer, "all are in %s\n", full)
		}
	}
	if err == nil && report.TooManyBad {
		err = &tooManyBadError{float64(report.Unreadable) / float64(report.Photos), report.MaxBad, report.Published}
	}
	return err
}

// runIndexer runs the job with a store that it opens and closes, and shows its progress.
func runIndexer(ctx context.Context, p *progress, storeURL string, options indexer.Options) (indexer.Report, error) {
	store, err := openStore(ctx, storeURL)
	if err != nil {
		return indexer.Report{}, err
	}
	defer store.Close()
	options.Store, options.Logger = store, p.logger()
	options.Progress = func(at indexer.Progress) {
		note := ""
		if at.Bad > 0 {
			note = fmt.Sprintf("%d unreadable", at.Bad)
		}
		p.show(at.Stage, at.Done, at.Total, note)
	}
	return indexer.Run(ctx, options)
}

var _ indexer.Embedder = (*embedding.Embedder)(nil)
