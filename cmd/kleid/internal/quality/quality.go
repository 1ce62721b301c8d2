// Package quality is kleid quality: the app for labels.
package quality

import (
	"net"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/serve"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/quality"
	"github.com/kleid-search/kleid/storage"
)

// Command is the app for labels.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "quality",
		Usage: "look at the labels of an index, or at what a model says of labelled photos, and correct them, in the browser",
		Description: `With --index, merchandisers see which labels of the catalogue are doubtful, those first of which the model is least sure,
and correct them; nothing but the index is needed. The photos are its thumbnails. What they say is kept in the file of
--judgements, by the photos' bytes, and the next kleid index --judgements puts it into the index. That index is shown as
soon as it is published. Of a photo the index has the most likely label of each facet alone, and so has the page.

With --dataset, for whoever trains: F1, precision and recall of each label, what is taken for what, and the photos behind
every number, those first of which the model is surest that the label is another one. What people say is kept in
judgements.jsonl beside the photos or the manifest, and counts more than what was imported wherever kleid reads that
dataset: kleid train facets --dataset D learns from it. It may be given to kleid index --judgements as well.
--predictions is the predictions.parquet or .csv that kleid train facets leaves in --work, which tells photos that were
learned from apart, or what kleid predict --out writes. Without it the page shows labels alone. A manifest may have no
labels yet, but a column photo, to label from nothing.

A click, or a key, says which label a dress has, or that there is no dress; several people judge under their names, and
the majority counts. A line is added for each judgement, and none is changed.

There are no users and passwords: whoever reaches --listen may judge. Where it is not for this machine alone, put it
behind a proxy that asks who one is, and name the page's --host and the --judge-header in which the proxy says it.

Examples:
  kleid quality --index index/
  kleid index --catalogue shop.csv --out index/ --judgements index/judgements.jsonl
  kleid quality --index s3://shop/index --judgements shop/judgements.jsonl
  kleid quality --dataset shop/labels.csv --predictions build/facets/predictions.parquet
  kleid quality --dataset photos/ --facets neckline,sleeve
  kleid quality --dataset shop/labels.csv --host quality.shop.example --judge-header X-Remote-User

Exit codes: 0 stopped, 1 failed, 2 wrong usage`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "index", EnvVars: flags.Env("index"), Usage: "folder `DIR`, or s3://bucket/prefix, that kleid index --out made"},
			&cli.StringFlag{Name: "judgements", EnvVars: flags.Env("judgements"), Usage: "with --index, `FILE` of this machine to keep in what people say", DefaultText: "judgements.jsonl in the folder of --index"},
			&cli.StringFlag{Name: "dataset", EnvVars: flags.Env("quality-dataset"), Usage: "`PLACE` of the photos on this machine: a folder, or a .csv, .jsonl or .parquet file, as kleid train facets reads it"},
			&cli.StringFlag{Name: "predictions", EnvVars: flags.Env("predictions"), Usage: "with --dataset, `FILE` of what a model says of the photos, .parquet or .csv", DefaultText: "none"},
			&cli.StringSliceFlag{Name: "facets", EnvVars: flags.Env("facets"), Usage: "`FACETS` to review, parted by commas; may be repeated", DefaultText: "all that can be told as such"},
			&cli.StringSliceFlag{Name: "host", EnvVars: flags.Env("host"), Usage: "`NAME` under which people open the page, such as quality.shop.example; may be repeated, and in the variable parted by ;", DefaultText: "this machine's addresses"},
			&cli.StringFlag{Name: "judge-header", EnvVars: flags.Env("judge-header"), Usage: "`HEADER` in which a proxy says who asks, such as X-Remote-User", DefaultText: "people say so themselves"},
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8090", EnvVars: flags.Env("quality-listen"), Usage: "`ADDRESS` to serve on, host:port"},
		},
		Action: action,
	}
}

func action(c *cli.Context) error {
	options, err := optionsOf(c)
	if err != nil {
		return err
	}
	listener, err := serve.Listen(c, "listen")
	if err != nil {
		return err
	}
	defer listener.Close()
	return serveReview(c, listener, options)
}

// optionsOf are those of an index or of a dataset. Flags of the other one are refused, but its variables are not, which
// all commands of a plan may share.
func optionsOf(c *cli.Context) (options quality.Options, err error) {
	if options.Facets, err = learning.FacetNames(c); err != nil {
		return options, err
	}
	if slices.Contains(options.Facets, datasets.DressFacet) {
		return options, exit.WrongUsage(c, "--facets: %s is no facet to review: whether a photo shows a dress is asked of every photo", datasets.DressFacet)
	}
	index, dataset := c.String("index"), c.String("dataset")
	switch {
	case index == "" && dataset == "":
		return options, exit.WrongUsage(c, "%s needs --index or --dataset", c.Command.HelpName)
	case flags.OnCommandLine(c, "index") && flags.OnCommandLine(c, "dataset"):
		return options, exit.WrongUsage(c, "--index and --dataset are two things to review: leave one out")
	case index == "" || dataset != "" && !flags.OnCommandLine(c, "index"):
		if flags.OnCommandLine(c, "judgements") {
			return options, exit.WrongUsage(c, "--judgements is for --index: what people say of a dataset is kept beside it")
		}
		options.Dataset, options.Predictions = dataset, c.String("predictions")
		return options, nil
	case flags.OnCommandLine(c, "predictions"):
		return options, exit.WrongUsage(c, "--predictions is for --dataset: of an index its own labels are shown")
	}
	if options.Judgements, err = judgementsFile(c, index); err != nil {
		return options, err
	}
	options.Index, err = open.Index(c.Context, index)
	return options, err
}

// judgementsFile is the file that keeps what people say of an index.
func judgementsFile(c *cli.Context, index string) (string, error) {
	if err := flags.OnDisk(c, "judgements"); err != nil {
		return "", err
	}
	if file := c.String("judgements"); file != "" {
		return file, nil
	}
	folder, ok := storage.LocalPath(index)
	if !ok {
		return "", exit.WrongUsage(c, "--index is %s: name a file of this machine for what people say with --judgements", storage.WithoutSecrets(index))
	}
	return filepath.Join(folder, datasets.JudgementsFile), nil
}

func serveReview(c *cli.Context, listener net.Listener, options quality.Options) error {
	p := terminal.NewProgress(c)
	defer p.End()
	options.Progress = func(done, total int) { p.Show("read", done, total, "") }
	review, err := quality.Open(c.Context, options)
	if err != nil {
		return err
	}
	defer review.Close()
	p.End()
	if bad := review.Bad(); len(bad) > 0 {
		p.Say("%d photos or rows of the dataset cannot be used; the first: %s: %s", len(bad), bad[0].Photo, bad[0].Reason)
	}
	switch file, err := review.File(); {
	case err != nil && options.Index != nil:
		p.Say("nothing that people say can be kept, only looked at: %v: name another file with --judgements", err)
	case err != nil:
		p.Say("nothing that people say can be kept, only looked at: %v", err)
	case options.Index != nil:
		p.Say("what people say is kept in %s, which kleid index --judgements puts into the index", file)
	default:
		p.Say("what people say is kept in %s", file)
	}
	p.Say("Kleid quality serves http://%s/ (stop it with Ctrl-C)", listener.Addr())
	return quality.NewServer(review, quality.ServerOptions{Hosts: flags.Repeated(c, "host"), JudgeHeader: c.String("judge-header"), Logger: p.Logger()}).Serve(c.Context, listener)
}
