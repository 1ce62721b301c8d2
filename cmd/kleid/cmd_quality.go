package main

import (
	"net"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/quality"
)

// qualityCommand is the app for labels.
func qualityCommand() *cli.Command {
	return &cli.Command{
		Name:  "quality",
		Usage: "look at what a model says of labelled photos, and correct the labels, in the browser",
		Description: `Shows for each facet the model's F1, precision and recall of each label, what is taken for what, and the photos behind
every number, those first of which the model is surest that the label is another one. A click, or a key, says which label
a dress has; several people judge under their names, and the majority counts.

What they say is kept in judgements.jsonl beside the photos or the manifest, a line for each judgement, and counts more
than what was imported wherever kleid reads that dataset: kleid train facets --dataset D learns from it.

--predictions is the predictions.parquet or .csv that kleid train facets leaves in --work, which tells photos that were
learned from apart, or what kleid predict --out writes. Without it the page shows labels alone.

There are no users and passwords: whoever reaches --listen may judge. Where it is not for this machine alone, put it
behind a proxy that asks who one is, and name the page's --host and the --judge-header in which the proxy says it.

A manifest may have no labels yet, but a column photo, to label from nothing. What is corrected changes what is learned
and measured, not an index: that follows from the next model.

Examples:
  kleid quality --dataset shop/labels.csv --predictions build/facets/predictions.parquet
  kleid quality --dataset photos/ --facets neckline,sleeve
  kleid quality --dataset shop/labels.csv --host quality.shop.example --judge-header X-Remote-User
  kleid train facets --dataset shop/labels.csv --facets neckline

Exit codes: 0 stopped, 1 failed, 2 wrong usage`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dataset", EnvVars: env("quality-dataset"), Usage: "`PLACE` of the photos on this machine: a folder, or a .csv, .jsonl or .parquet file, as kleid train facets reads it"},
			&cli.StringSliceFlag{Name: "facets", EnvVars: env("facets"), Usage: "`FACETS` to review, parted by commas; may be repeated", DefaultText: "all that can be told as such"},
			&cli.StringFlag{Name: "predictions", EnvVars: env("predictions"), Usage: "`FILE` of what a model says of the photos, .parquet or .csv", DefaultText: "none"},
			&cli.StringSliceFlag{Name: "host", EnvVars: env("host"), Usage: "`NAME` under which people open the page, such as quality.shop.example; may be repeated, and in the variable parted by ;", DefaultText: "this machine's addresses"},
			&cli.StringFlag{Name: "judge-header", EnvVars: env("judge-header"), Usage: "`HEADER` in which a proxy says who asks, such as X-Remote-User", DefaultText: "people say so themselves"},
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8090", EnvVars: env("quality-listen"), Usage: "`ADDRESS` to serve on, host:port"},
		},
		Action: qualityAction,
	}
}

func qualityAction(c *cli.Context) error {
	if err := required(c, "dataset"); err != nil {
		return err
	}
	facets, err := facetNames(c)
	if err != nil {
		return err
	}
	if slices.Contains(facets, datasets.DressFacet) {
		return wrongUsage(c, "--facets: %s is no facet to review: whether a photo shows a dress is asked of every photo", datasets.DressFacet)
	}
	listener, err := listen(c, "listen")
	if err != nil {
		return err
	}
	defer listener.Close()
	return serveQuality(c, listener, quality.Options{Dataset: c.String("dataset"), Facets: facets, Predictions: c.String("predictions")})
}

func serveQuality(c *cli.Context, listener net.Listener, options quality.Options) error {
	p := newProgress(c)
	defer p.end()
	options.Progress = func(done, total int) { p.show("read", done, total, "") }
	review, err := quality.Open(c.Context, options)
	if err != nil {
		return err
	}
	defer review.Close()
	p.end()
	if bad := review.Bad(); len(bad) > 0 {
		p.say("%d photos or rows of the dataset cannot be used; the first: %s: %s", len(bad), bad[0].Photo, bad[0].Reason)
	}
	if file, err := review.File(); err != nil {
		p.say("nothing that people say can be kept, only looked at: %v", err)
	} else {
		p.say("what people say is kept in %s", file)
	}
	p.say("Kleid quality serves http://%s/ (stop it with Ctrl-C)", listener.Addr())
	return quality.NewServer(review, quality.ServerOptions{Hosts: repeated(c, "host"), JudgeHeader: c.String("judge-header"), Logger: p.logger()}).Serve(c.Context, listener)
}
