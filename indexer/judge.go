package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// readYesterday reads the report that the new index is compared with: that of the current run, or, where the machine that
// made it was lost before it could put it there, of S3's.
func (r *runner) readYesterday(previous string) error {
	if previous == "" {
		return nil
	}
	yesterday, err := ReadReport(r.out, previous)
	if errors.Is(err, fs.ErrNotExist) && r.before.there != "" && r.before.there != previous {
		r.Logger.Warn("the current run is not in S3, and the new index is compared with the one that is", "current", previous, "in S3", r.before.there)
		yesterday, err = ReadReport(r.out, r.before.there)
	}
	switch {
	case err == nil:
		r.yesterday = &yesterday
	case r.Force:
		r.Logger.Warn("the new index is not compared with the one before", "error", err)
	case previous == r.before.there:
		return fmt.Errorf("the report of run %s, the current one in %s, cannot be read, and no new index be compared with it: put it back, or publish one by --force: %w", previous, r.remote, err)
	default:
		return usage{fmt.Errorf("the store has an index already, run %s, whose report cannot be read in %s, and no new index be compared with it: name the --out that it was made in, or publish one here by --force: %w", previous, r.out, err)}
	}
	return nil
}

// judge lets the gate look at the finished index.
func (r *runner) judge(ctx context.Context, written written) error {
	defer r.watch.lap(WorkVerify, time.Now())
	verdict := &r.report.Gate
	index, err := r.Store.Open(ctx, r.meta.Run)
	if err != nil {
		return fmt.Errorf("the new index cannot be opened: %w", err)
	}
	defer index.Close()
	var content *contentError
	err = verify(ctx, index, r.meta, written.stored, written.exact.probes)
	for i := 0; err == nil && i < len(r.report.Facets); i++ {
		err = verifyLabels(ctx, index, written.exact.probes, r.report.Facets[i])
	}
	if errors.As(err, &content) {
		verdict.refuse(CheckContent, "%v", err)
	} else if err != nil {
		return err
	}
	if verdict.Recall, verdict.Probed, err = written.exact.recall(ctx, index); err != nil {
		return fmt.Errorf("the new index fails a search: %w", err)
	}
	if verdict.Probed > 0 && verdict.Recall < r.Gate.MinRecall {
		verdict.refuse(CheckRecall, "the index finds %.1f%% of the truly nearest rows, and should find %.1f%%", 100*verdict.Recall, 100*r.Gate.MinRecall)
	}
	if err := r.compare(ctx, index, written.products); err != nil {
		return err
	}
	verdict.Forced = r.Force && len(verdict.Reasons) > 0
	return nil
}

// compare lets the gate look at the index, which has these products, beside the one before it, if that is there.
func (r *runner) compare(ctx context.Context, index vectors.Index, products map[string]bool) error {
	run := r.report.PreviousRun
	if run == "" {
		return nil
	}
	if r.yesterday != nil {
		verdict := &r.report.Gate
		verdict.compare(r.Gate, r.yesterday, &r.report)
		var err error
		if verdict.ProductsBefore, verdict.ProductsKept, err = countProducts(r.parquet(r.yesterday.Run), products); err != nil {
			r.Logger.Warn("the products are not compared with those of the run before", "error", err)
		}
		verdict.compareCatalogues(r.Gate, r.yesterday, &r.report)
	}
	if !r.before.hasIndex {
		return nil
	}
	err := r.compareIndexes(ctx, run, index)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case r.Force:
		r.Logger.Warn("the new index is not compared with the one before, which cannot be read", "error", err)
		r.report.Gate.Sought, r.report.Gate.Lost = 0, 0
		return nil
	}
	return fmt.Errorf("the index of the current run %s cannot be read, and no new one be compared with it: go back with kleid index rollback, or publish a new one by --force: %w", run, err)
}

// compareIndexes asks both indexes the same.
func (r *runner) compareIndexes(ctx context.Context, run string, index vectors.Index) error {
	old, err := r.Store.Open(ctx, run)
	if err != nil {
		return err
	}
	defer old.Close()
	if len(r.queries) > 0 {
		if r.report.Replay, err = replay(ctx, r.queries, old, index); err != nil {
			return fmt.Errorf("recent queries: %w", err)
		}
	}
	if before := old.Metadata(); before.EmbeddingModel != r.meta.EmbeddingModel || before.DeepRankSize != r.meta.DeepRankSize {
		r.report.OtherModel = true
		return nil // its vectors mean nothing to the new one
	}
	probes, err := r.probesOf(ctx, old)
	if err == nil {
		err = r.report.Gate.probeYesterday(ctx, r.Gate, index, probes)
	}
	if err != nil {
		return fmt.Errorf("probes of yesterday: %w", err)
	}
	return nil
}

// probesOf are rows of yesterday's index, at even distances in today's catalogue, whose photos are still there.
func (r *runner) probesOf(ctx context.Context, old vectors.Index) ([]catalog.Row, error) {
	var probes []catalog.Row
	step := max(len(r.entries)/soughtProbes, 1)
	for i := 0; i < len(r.entries); i += step {
		e, f := &r.entries[i], &r.loader.findings[i]
		if !f.hasKey || f.err != "" {
			continue
		}
		rows, err := old.Get(ctx, catalog.NewRowID(e.ProductID, e.Source))
		if errors.Is(err, vectors.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// What people call no dress is not sought, nor what they do not call one any more.
		relabel(&rows[0], r.Judgements, r.meta.Facets)
		seen, _, err := r.journal.Get(f.key)
		if err != nil {
			return nil, err
		}
		if seen.heed(r.Judgements); seen.status == catalog.StatusNoDress {
			continue
		}
		if rows[0].PhotoID == f.key.String() && rows[0].Status == catalog.StatusOK {
			probes = append(probes, rows[0])
		}
	}
	return probes, nil
}
