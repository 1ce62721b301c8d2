package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/indexer"
)

// indexShard embeds a part of the photos.
func indexShard(c *cli.Context) error {
	index, count, ok := strings.Cut(c.String("shard"), "/")
	i, errI := strconv.Atoi(index)
	n, errN := strconv.Atoi(count)
	shard := indexer.Shard{Index: i, Count: n, Job: c.String("job")}
	if !ok || errI != nil || errN != nil {
		return wrongUsage(c, "--shard is %q, but must be of the form 0/4", c.String("shard"))
	}
	if shard.Job == "" {
		return wrongUsage(c, "--shard needs --job, a name that all shards have, such as a date")
	}
	if err := shard.Check(); err != nil {
		return wrongUsage(c, "%v", err)
	}
	options, err := indexOptions(c)
	if err != nil {
		return err
	}
	if options.Embedder, err = newEmbedder(c); err != nil {
		return err
	}
	p := newProgress(c)
	defer p.end()
	options.Logger, options.Progress = p.logger(), showIndexing(p)
	report, err := indexer.RunShard(c.Context, options, shard)
	p.end()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(report)
	}
	_, err = fmt.Fprint(c.App.Writer, report)
	return err
}

func indexCommitCommand() *cli.Command {
	return &cli.Command{
		Name:  "commit",
		Usage: "make the index of what the shards of a job saw",
		Description: `Checks that all shards are there, whole, and of this catalogue and model, and then does what kleid index does
after it has embedded the photos: Parquet, vectors, gate, publication.

Examples:
  kleid index commit --catalogue s3://shop/photos --out s3://shop/index --scratch /var/tmp/kleid --shards 4 --job monday --store milvus://milvus:19530/dresses

` + exitCodes,
		Flags: slices.Concat(jobFlags(), []cli.Flag{
			&cli.IntFlag{Name: "shards", EnvVars: env("shards"), Usage: "`N` shards that the job has"},
			&cli.StringFlag{Name: "job", EnvVars: env("job"), Usage: "`NAME` that the shards were given"},
		}, gateFlags(), embedderFlags()),
		Action: func(c *cli.Context) error {
			if err := positive(c, "shards"); err != nil {
				return err
			}
			if err := (indexer.Shard{Count: c.Int("shards"), Job: c.String("job")}).Check(); err != nil {
				return wrongUsage(c, "%v", err)
			}
			return runJob(c, func(ctx context.Context, options indexer.Options) (indexer.Report, error) {
				return indexer.CommitShards(ctx, options, c.String("job"), c.Int("shards"))
			})
		},
	}
}
