package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// runsFlags are those of commands about the runs in an index's folder.
func runsFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "out", EnvVars: flags.Env("out"), Usage: "`DIR` of the index, or s3://bucket/prefix, as in kleid index"},
		&cli.StringFlag{Name: "scratch", EnvVars: flags.Env("scratch"), Usage: "`DIR` of this machine with what is at work, as in kleid index, where --out is s3://bucket/prefix"},
		open.StoreFlag("embedded:OUT"),
		flags.JSON(),
	}, more...)
}

// withRuns opens the store of --out and --store for a command about the runs in a folder of this machine.
func withRuns(c *cli.Context, run func(store vectors.Store, out string) error) error {
	if err := errors.Join(flags.Required(c, "out"), scratchWhereElsewhere(c)); err != nil {
		return err
	}
	url, err := storeOf(c)
	if err != nil {
		return err
	}
	store, err := open.Store(c.Context, url)
	if err != nil {
		return err
	}
	defer store.Close()
	return open.ExplainStore(run(store, workFolder(c)), url)
}

func listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the runs that are kept",
		Description: `Examples:
  kleid index list --out index/
  kleid index list --out index/ --store milvus://127.0.0.1:19530/dresses --json

` + exit.CommonCodes,
		Flags: runsFlags(),
		Action: func(c *cli.Context) error {
			return withRuns(c, func(store vectors.Store, out string) error {
				runs, err := indexer.Runs(c.Context, store, out)
				if err != nil {
					return err
				}
				if c.Bool("json") {
					return json.NewEncoder(c.App.Writer).Encode(map[string]any{"runs": runs})
				}
				w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "run\t\tmade\trows\tdresses\tembedding model\tfacet model")
				for _, r := range runs {
					note := ""
					if r.Current {
						note = "current"
					}
					if r.Forced {
						note += " forced"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%.8s\t%.8s\n", r.Run, note, r.CreatedAt.Format(time.DateTime), r.Rows, r.Dresses, r.EmbeddingModel, r.FacetModel)
				}
				return w.Flush()
			})
		},
	}
}

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "compare an index with its Parquet file",
		Description: `Counts the rows and those with each label, lets rows find themselves, and compares what the index finds
with an exhaustive search in the Parquet file.

Examples:
  kleid index verify --out index/
  kleid index verify --out index/ --run 20261127T020000000Z-1a2b3c --json

Exit codes: 0 the index is good, 1 failed, 2 wrong usage, 4 it is not good, 130 interrupted`,
		Flags: runsFlags(
			&cli.StringFlag{Name: "run", EnvVars: flags.Env("run"), Usage: "`RUN` to look at", DefaultText: "the current one"},
			&cli.Float64Flag{Name: "gate-recall", Value: indexer.DefaultGate().MinRecall, EnvVars: flags.Env("gate-recall"), Usage: "`SHARE` of the truly nearest ten that the index must find"},
		),
		Action: func(c *cli.Context) error {
			if err := flags.Shares(c, "gate-recall"); err != nil {
				return err
			}
			return withRuns(c, func(store vectors.Store, out string) error {
				p := terminal.NewProgress(c)
				defer p.End()
				v, err := indexer.Verify(c.Context, store, out, c.String("run"), c.Float64("gate-recall"), func(done, total int) { p.Show("verify", done, total, "") })
				p.End()
				if err != nil {
					return err
				}
				if c.Bool("json") {
					err = json.NewEncoder(c.App.Writer).Encode(v)
				} else {
					_, err = fmt.Fprintf(c.App.Writer, "run %s: %d rows, recall %.3f in %d searches\n", v.Run, v.Rows, v.Recall, v.Probed)
				}
				if err == nil && len(v.Problems) > 0 {
					err = notGood(v)
				}
				return err
			})
		},
	}
}

// notGood says that an index is not what its Parquet file says.
func notGood(found indexer.Verification) error {
	text := fmt.Sprintf("the index of run %s is not good", found.Run)
	for _, p := range found.Problems {
		text += "; " + p
	}
	return &exit.RefusedError{Message: text}
}

func rollbackCommand() *cli.Command {
	return &cli.Command{
		Name:  "rollback",
		Usage: "make an earlier run the current one again",
		Description: `The next kleid index makes a new run as always, which the gate then compares with this one. If --out is
s3://bucket/prefix, latest there follows; if only the folder of --scratch is named as --out, it follows with
the next kleid index.

Examples:
  kleid index rollback --out index/
  kleid index rollback --out index/ --to 20261127T020000000Z-1a2b3c
  kleid index rollback --out s3://shop/index --scratch /var/tmp/kleid --store milvus://milvus:19530/dresses

` + exit.CommonCodes,
		Flags: runsFlags(&cli.StringFlag{Name: "to", EnvVars: flags.Env("to"), Usage: "`RUN` to go back to", DefaultText: "the one that the current one took the place of"}),
		Action: func(c *cli.Context) error {
			return withRuns(c, func(store vectors.Store, out string) error {
				var bucket storage.Bucket
				var err error
				if isElsewhere(c) {
					if bucket, err = storage.Open(c.Context, c.String("out")); err != nil {
						return err
					}
				}
				run, err := indexer.Rollback(c.Context, store, out, bucket, c.String("to"), terminal.Logger(c))
				if err != nil {
					return err
				}
				if c.Bool("json") {
					return json.NewEncoder(c.App.Writer).Encode(map[string]string{"run": run})
				}
				_, err = fmt.Fprintf(c.App.Writer, "run %s is the current index in %s\n", run, c.String("out"))
				return err
			})
		},
	}
}
