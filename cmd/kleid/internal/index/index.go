// Package index is kleid index, the nightly job, and the commands below it.
package index

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/indexer/source"
)

// listedBad is how many bad photos the report on standard output names; report.json names all.
const listedBad = 50

// Command is the nightly job.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "index",
		Usage: "make the index of a catalogue, or bring it up to date",
		Description: `The catalogue is a folder of photos, s3://bucket/prefix, or a CSV, JSONL or Parquet file, also by URL, with
a row for each photo: its path or URL in a column called photo, and product_id, title, url, price, currency
and whatever else there is; or a product feed as Google's Merchant service takes it, in XML or as text. S3 is reached as Amazon's tools do, by AWS_REGION, AWS_ENDPOINT_URL and so on.
Symbolic links in a folder are followed, also out of it. OUT keeps to the store of its first index.

The gate compares the new index with the one before it and with an exhaustive search. One that it refuses
is dropped, the old one is still served, and the exit code is 4; --force publishes it all the same.

With --shard I/N, each of N machines embeds a part of the photos, without talking to the others; kleid index
commit then makes the index of what they saw. A shard of whose photos more than --max-bad are unreadable
ends with code 3 and leaves nothing to commit, unless --force is given. --out may be s3://bucket/prefix for
that, and for published runs; what is at work is then in --scratch.

Photos that are indexed already are not embedded again, and where the facets' heads alone are new, facets
are read from features that are kept; a job that was interrupted or killed goes on
where it stopped. Searches see the old index until the new one is whole. A photo that cannot be read
becomes a row that says why; OUT/report.txt lists them.

Examples:
  kleid index --catalogue photos/ --out index/
  kleid index --catalogue catalogue.csv --out index/ --max-bad 1% --keep 7 --json
  kleid index --catalogue photos/ --out index/ --store milvus://127.0.0.1:19530/dresses
  kleid index --catalogue s3://shop/photos --include 'dresses/**' --out index/
  kleid index --catalogue s3://shop/photos --out s3://shop/index --scratch /var/tmp/kleid --shard 0/4 --job monday

` + exit.Codes,
		Subcommands: []*cli.Command{commitCommand(), listCommand(), verifyCommand(), rollbackCommand()},
		Flags: slices.Concat(jobFlags(), []cli.Flag{
			&cli.StringFlag{Name: "shard", EnvVars: flags.Env("shard"), Usage: "embed the photos of part `I/N` alone, I from 0, for kleid index commit; auto/N takes I from Kubernetes or AWS Batch"},
			&cli.StringFlag{Name: "job", EnvVars: flags.Env("job"), Usage: "`NAME` that all shards of one job have; @date is the day in UTC"},
		}, gateFlags(), open.EmbedderFlags()),
		Action: action,
	}
}

func action(c *cli.Context) error {
	switch {
	case c.String("shard") != "":
		return runShard(c)
	case flags.OnCommandLine(c, "shard"):
		return exit.WrongUsage(c, "--shard is empty, but must be of the form 0/4 or auto/4")
	case flags.OnCommandLine(c, "job"):
		return exit.WrongUsage(c, "--job does nothing without --shard: this would make and publish the whole index")
	}
	return runJob(c, indexer.Run)
}

// runJob makes an index as the flags say, by run.
func runJob(c *cli.Context, run func(context.Context, indexer.Options) (indexer.Report, error)) error {
	if err := webAddresses(c, "notify", "push-metrics"); err != nil {
		return err
	}
	report, err := makeIndex(c, run)
	if err != nil {
		tellFailure(c, err)
		return err
	}
	report = report.Brief(listedBad)
	wrong := outcome(c, report)
	tell(c, report, wrong)
	if c.Bool("json") {
		err = json.NewEncoder(c.App.Writer).Encode(report)
	} else {
		_, err = fmt.Fprint(c.App.Writer, report)
		if full := filepath.Join(report.Index, "report.txt"); err == nil && report.BadLeftOut+report.SkippedLeftOut > 0 {
			_, err = fmt.Fprintf(c.App.Writer, "all are in %s\n", full)
		}
	}
	if err == nil {
		err = wrong
	}
	return err
}

// outcome is what is wrong with a run that came to its end, nil if nothing is.
func outcome(c *cli.Context, report indexer.Report) error {
	switch {
	case report.Gate.Refused():
		return &exit.RefusedError{Message: "the gate refuses the new index: " + report.Gate.String()}
	case report.TooManyBad && !c.Bool("force"):
		outcome := "the index that was there stays the current one"
		if report.Published {
			outcome = "the index is published all the same, since there was none before"
		}
		return &exit.TooManyBadError{Bad: report.Unreadable, Total: report.Photos, Kind: "photos", What: "unreadable", Why: report.BadReasons.Most(), Allowed: c.String("max-bad"), Outcome: outcome}
	}
	return nil
}

// makeIndex runs the job.
func makeIndex(c *cli.Context, run func(context.Context, indexer.Options) (indexer.Report, error)) (indexer.Report, error) {
	options, err := optionsOf(c)
	if err != nil {
		return indexer.Report{}, err
	}
	if options.Gate, err = gateOf(c); err != nil {
		return indexer.Report{}, err
	}
	store, err := storeOf(c)
	if err != nil {
		return indexer.Report{}, err
	}
	if options.Embedder, err = open.Embedder(c); err != nil {
		return indexer.Report{}, err
	}
	p := terminal.NewProgress(c)
	defer p.End()
	if err := readJudgements(c, p, &options); err != nil {
		return indexer.Report{}, err
	}
	report, err := Run(c.Context, p, store, options, run)
	p.End()
	if err != nil && c.Context.Err() != nil {
		p.Say("What is embedded is kept: the same command goes on from there.")
	}
	return report, err
}

// optionsOf reads jobFlags, but for the store.
func optionsOf(c *cli.Context) (indexer.Options, error) {
	err := errors.Join(flags.Required(c, "catalogue", "out"), flags.NotNegative(c, "keep", "workers"))
	if err == nil {
		err = scratchWhereElsewhere(c)
	}
	limit, wrong := maxbad.Parse(c.String("max-bad"))
	if err == nil && wrong != nil {
		err = exit.WrongUsage(c, "%v", wrong)
	}
	options := indexer.Options{
		Catalogue: c.String("catalogue"), Out: c.String("out"), Scratch: c.String("scratch"), Workers: c.Int("workers"),
		Keep: c.Int("keep"), Force: c.Bool("force"), Replay: c.String("replay"), Reread: c.Bool("reread"),
		Filter: source.Filter{Include: flags.Repeated(c, "include"), Exclude: flags.Repeated(c, "exclude")},
	}
	if wrong := options.Filter.Check(); err == nil && wrong != nil {
		err = exit.WrongUsage(c, "%v", wrong)
	}
	if options.MaxBad = limit.Share; limit.Share < 0 {
		options.MaxBad, options.MaxBadCount = 0, &limit.Count
	}
	return options, err
}

// jobFlags are those of kleid index and kleid index commit.
func jobFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "catalogue", EnvVars: flags.Env("catalogue"), Usage: "`PLACE` of the photos: a folder, s3://bucket/prefix, or a .csv, .jsonl, .parquet or .xml file"},
		&cli.StringSliceFlag{Name: "include", EnvVars: flags.Env("include"), Usage: "`GLOB` of photos to index, such as dresses/**; may be repeated (in the variable parted by ;)", DefaultText: "all"},
		&cli.StringSliceFlag{Name: "exclude", EnvVars: flags.Env("exclude"), Usage: "`GLOB` of photos to leave out; may be repeated (in the variable parted by ;)"},
		&cli.BoolFlag{Name: "reread", EnvVars: flags.Env("reread"), Usage: "read all photos again, also those whose size and time, or ETag, are what they were"},
		&cli.StringFlag{Name: "out", EnvVars: flags.Env("out"), Usage: "`DIR` of the index: Parquet, thumbnails, reports and, unless --store says otherwise, vectors; or s3://bucket/prefix"},
		&cli.StringFlag{Name: "scratch", EnvVars: flags.Env("scratch"), Usage: "`DIR` of this machine for what is at work, where --out is s3://bucket/prefix"},
		open.StoreFlag("embedded:OUT"),
		&cli.StringFlag{Name: "max-bad", Value: maxbad.Default, EnvVars: flags.Env("max-bad"), Usage: maxbad.Forms + ", above which the exit code is 3 and an index that is there is not replaced"},
		&cli.IntFlag{Name: "keep", Value: 1, EnvVars: flags.Env("keep"), Usage: "`N` runs to keep besides the current one: the one before it, then the newest"},
		&cli.IntFlag{Name: "workers", EnvVars: flags.Env("workers"), Usage: "`N` photos to read at once", DefaultText: "one for each CPU, and at least 16 from S3 or a server"},
		&cli.BoolFlag{Name: "force", EnvVars: flags.Env("force"), Usage: "publish the new index also if the gate refuses it or has nothing to compare it with, or photos are unreadable; the report says so"},
		&cli.StringFlag{Name: "replay", EnvVars: flags.Env("replay"), Usage: "`FILE` of recent queries, JSON lines of product_id or vector, where, price_min, price_max, price_currency, embedding and k: the report says how much their answers have in common with those of the run before"},
		judgementsFlag(),
		&cli.StringFlag{Name: "notify", EnvVars: flags.Env("notify"), Usage: "`URL` to which the report is posted as JSON, such as a chat's or a pager's; of a job that fails, but not of one that is interrupted, {\"error\": …, \"exit_code\": …}; text in it says in a line how it went, as chats such as Slack and Mattermost show it"},
		&cli.StringFlag{Name: "push-metrics", EnvVars: flags.Env("push-metrics"), Usage: "`URL` of a Prometheus Pushgateway for the run's numbers, which are in OUT/metrics.prom as well"},
		flags.JSON(),
	}
}

// gateFlags are the bars of the gate.
func gateFlags() []cli.Flag {
	gate := indexer.DefaultGate()
	bar := func(name string, value float64, usage string) cli.Flag {
		return &cli.Float64Flag{Name: name, Value: value, EnvVars: flags.Env(name), Usage: usage}
	}
	return []cli.Flag{
		bar("gate-more-unreadable", gate.MaxMoreUnreadable, "`SHARE` by which unreadable photos may have become more since the run before"),
		bar("gate-rows", gate.MinRows, "`SHARE` of the rows of the run before that there must be at least"),
		bar("gate-drift", gate.MaxDrift, "`SHARE` of the dresses whose label of a facet may have changed, beyond chance"),
		bar("gate-lost", gate.MaxLost, "`SHARE` of the photos of the run before that may no longer find their product"),
		bar("gate-kept", gate.MinKept, "`SHARE` of the products of the run before, and of its titles, URLs, prices and currencies, that must be left"),
		bar("gate-recall", gate.MinRecall, "`SHARE` of the truly nearest ten that the index must find"),
	}
}

func gateOf(c *cli.Context) (indexer.Gate, error) {
	var names []string
	for _, f := range gateFlags() {
		names = append(names, f.Names()[0])
	}
	return indexer.Gate{
		MaxMoreUnreadable: c.Float64("gate-more-unreadable"), MinRows: c.Float64("gate-rows"), MaxDrift: c.Float64("gate-drift"),
		MaxLost: c.Float64("gate-lost"), MinKept: c.Float64("gate-kept"), MinRecall: c.Float64("gate-recall"),
	}, flags.Shares(c, names...)
}

// isElsewhere says whether --out is not a folder of this machine.
func isElsewhere(c *cli.Context) bool { return strings.Contains(c.String("out"), "://") }

// scratchWhereElsewhere wants --scratch if --out is elsewhere, and nowhere else.
func scratchWhereElsewhere(c *cli.Context) error {
	if !isElsewhere(c) && flags.OnCommandLine(c, "scratch") {
		return exit.WrongUsage(c, "--scratch does nothing where --out is a folder of this machine")
	}
	if isElsewhere(c) && c.String("scratch") == "" {
		return exit.WrongUsage(c, "--out is %s: name a folder of this machine with --scratch for what is at work", c.String("out"))
	}
	return nil
}

// workFolder is the folder of --out, or of --scratch if --out is elsewhere.
func workFolder(c *cli.Context) string {
	if isElsewhere(c) {
		return c.String("scratch")
	}
	return c.String("out")
}

// storeOf is the store of --store, by default the one in the folder of --out, or of --scratch if --out is elsewhere.
func storeOf(c *cli.Context) (string, error) {
	store := c.String("store")
	if store == "" {
		store = "embedded:" + workFolder(c)
	}
	return store, open.CheckStore(c, store)
}

// Run runs the job with a store that it opens and closes, and shows its progress.
func Run(ctx context.Context, p *terminal.Progress, storeURL string, options indexer.Options, run func(context.Context, indexer.Options) (indexer.Report, error)) (indexer.Report, error) {
	store, err := open.Store(ctx, storeURL)
	if err != nil {
		return indexer.Report{}, err
	}
	defer store.Close()
	options.Store, options.Logger, options.Progress = store, p.Logger(), showIndexing(p)
	return run(ctx, options)
}

// showIndexing shows the progress of a job.
func showIndexing(p *terminal.Progress) func(indexer.Progress) {
	return func(at indexer.Progress) {
		note := ""
		if at.Bad > 0 {
			note = fmt.Sprintf("%d unreadable", at.Bad)
		}
		p.Show(at.Stage, at.Done, at.Total, note)
	}
}

var _ indexer.Embedder = (*embedding.Embedder)(nil)
