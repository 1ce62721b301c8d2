package index

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/storage"
)

// jobToday is a name of a job: the day, in UTC.
const jobToday = "@date"

// jobOf is the name that --job gives.
func jobOf(c *cli.Context) string {
	if name := c.String("job"); name != jobToday {
		return name
	}
	return time.Now().UTC().Format(time.DateOnly)
}

// arrayIndices are the variables by which Kubernetes (Indexed Jobs) and AWS Batch (array jobs) tell a machine which of
// them it is.
var arrayIndices = []string{"JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"}

// shardOf reads --shard and --job.
func shardOf(c *cli.Context) (indexer.Shard, error) {
	text, count, ok := strings.Cut(c.String("shard"), "/")
	if text == "auto" {
		for _, name := range arrayIndices {
			if value := os.Getenv(name); value != "" {
				text = value
			}
		}
		if text == "auto" {
			return indexer.Shard{}, exit.WrongUsage(c, "--shard is %q, but neither %s is set", c.String("shard"), strings.Join(arrayIndices, " nor "))
		}
	}
	index, indexErr := strconv.Atoi(text)
	n, countErr := strconv.Atoi(count)
	if !ok || indexErr != nil || countErr != nil {
		return indexer.Shard{}, exit.WrongUsage(c, "--shard is %q, but must be of the form 0/4 or auto/4", c.String("shard"))
	}
	shard := indexer.Shard{Index: index, Count: n, Job: jobOf(c)}
	if shard.Job == "" {
		return shard, exit.WrongUsage(c, "--shard needs --job, a name that all shards have, such as a date")
	}
	if err := shard.Check(); err != nil {
		return shard, exit.WrongUsage(c, "%v", err)
	}
	return shard, nil
}

// notOfShards are flags for what commit does. In a variable, which all machines of a plan may share, they are no mistake.
func notOfShards(c *cli.Context) error {
	names := []string{"notify", "push-metrics", "replay"}
	for _, f := range gateFlags() {
		names = append(names, f.Names()[0])
	}
	for _, name := range names {
		if flags.OnCommandLine(c, name) {
			return exit.WrongUsage(c, "--%s does nothing with --shard: give it to kleid index commit", name)
		}
	}
	return nil
}

// runShard embeds a part of the photos.
func runShard(c *cli.Context) error {
	shard, err := shardOf(c)
	if err == nil {
		err = notOfShards(c)
	}
	if err != nil {
		return err
	}
	options, err := optionsOf(c)
	if err != nil {
		return err
	}
	if options.Embedder, err = open.Embedder(c); err != nil {
		return err
	}
	p := terminal.NewProgress(c)
	defer p.End()
	if err := readJudgements(c, p, &options); err != nil {
		return err
	}
	options.Logger, options.Progress = p.Logger(), showIndexing(p)
	report, err := indexer.RunShard(c.Context, options, shard)
	p.End()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = json.NewEncoder(c.App.Writer).Encode(report)
	} else {
		_, err = fmt.Fprint(c.App.Writer, report)
	}
	if err == nil && report.TooManyBad && !options.Force {
		err = &exit.TooManyBadError{Bad: report.Unreadable, Total: report.Photos, Kind: "photos", What: "unreadable", Why: report.BadReasons.Most(), Allowed: c.String("max-bad"), Outcome: "the shard is not done, and kleid index commit will not take it, unless --force is given"}
	}
	return err
}

func commitCommand() *cli.Command {
	return &cli.Command{
		Name:  "commit",
		Usage: "make the index of what the shards of a job saw",
		Description: `Checks that all shards are there, whole, and of this catalogue and model, and then does what kleid index does
after it has embedded the photos: Parquet, vectors, gate, publication. Photos that are gone since are left out, and those
that came since wait for the next run; more of them than --max-bad are an error. If the new index is refused, the shards have to be run again, which is quick.

Examples:
  kleid index commit --catalogue s3://shop/photos --out s3://shop/index --scratch /var/tmp/kleid --shards 4 --job monday --store milvus://milvus:19530/dresses

` + exit.Codes,
		Flags: slices.Concat(jobFlags(), []cli.Flag{
			&cli.IntFlag{Name: "shards", EnvVars: flags.Env("shards"), Usage: "`N` shards that the job has"},
			&cli.StringFlag{Name: "job", EnvVars: flags.Env("job"), Usage: "`NAME` that all shards of one job have; @date is the day in UTC"},
			&cli.DurationFlag{Name: "wait", EnvVars: flags.Env("wait"), Usage: "`TIME` to wait for shards that are not done, such as 6h; what fails meanwhile is tried again"},
		}, gateFlags(), open.EmbedderFlags()),
		Action: func(c *cli.Context) error {
			if err := flags.Positive(c, "shards"); err != nil {
				return err
			}
			job := jobOf(c)
			if err := (indexer.Shard{Count: c.Int("shards"), Job: job}).Check(); err != nil {
				return exit.WrongUsage(c, "%v", err)
			}
			return runJob(c, func(ctx context.Context, options indexer.Options) (indexer.Report, error) {
				return commitWhenDone(ctx, options, job, c.Int("shards"), c.Duration("wait"))
			})
		},
	}
}

// How long to wait before shards are looked for again, and before a commit that failed for another reason is tried again:
// twice as long each time, up to the longest.
const commitPause, failedPause, longestPause = 5 * time.Second, time.Minute, 15 * time.Minute

// lasts says whether an error stays however long one waits.
func lasts(err error) bool {
	return slices.ContainsFunc([]error{indexer.ErrMismatch, indexer.ErrUsage, indexer.ErrNoCatalogue, storage.ErrPermission}, func(kind error) bool { return errors.Is(err, kind) })
}

// commitWhenDone commits the shards of a job, and waits for those that are not complete.
func commitWhenDone(ctx context.Context, options indexer.Options, job string, count int, wait time.Duration) (indexer.Report, error) {
	pause := func(d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	return retryCommit(ctx, options.Logger, wait, pause, func() (indexer.Report, error) {
		return indexer.CommitShards(ctx, options, job, count)
	})
}

// retryCommit commits until that goes well, cannot do so any more, or the time to wait is over: a listing that fails once
// in a night, or a store that is started anew, costs no index.
func retryCommit(ctx context.Context, log *slog.Logger, wait time.Duration, pause func(time.Duration), commit func() (indexer.Report, error)) (indexer.Report, error) {
	until, failed := time.Now().Add(wait), failedPause
	for {
		began := time.Now()
		report, err := commit()
		if err == nil || ctx.Err() != nil || !began.Before(until) || lasts(err) {
			return report, err
		}
		if errors.Is(err, indexer.ErrIncomplete) {
			log.Info("waiting for shards", "error", err)
			// A shard that is damaged shows late, after the catalogue has been listed.
			pause(max(commitPause, time.Since(began)))
			failed = failedPause
		} else {
			log.Warn("the commit failed, and is tried again", "error", err)
			pause(max(0, min(failed, time.Until(until)))) // the last try is in the end of the time
			failed = min(2*failed, longestPause)
		}
	}
}
