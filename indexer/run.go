package indexer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// progressInterval is how often Options.Progress is told.
const progressInterval = 200 * time.Millisecond

// Run does the job that the options describe, and reports on it. A report comes without an error also when
// too many photos are unreadable: see Report.TooManyBad. Interrupted by ctx, killed or failed, the same
// call goes on where it stopped.
func Run(ctx context.Context, options Options) (Report, error) { return run(ctx, options, nil) }

// run is Run, on what shards saw instead of on photos, unless that is nil.
func run(ctx context.Context, options Options, shards *shardSource) (Report, error) {
	if err := options.complete(); err != nil {
		return Report{}, fmt.Errorf("index: %w", usage{err})
	}
	bucket, remote, err := options.place()
	if err != nil {
		return Report{}, fmt.Errorf("index: %w", usage{err})
	}
	if shards != nil {
		shards.bucket = bucket
		if err := shards.look(ctx, options.Embedder.Metadata()); err != nil {
			return Report{}, fmt.Errorf("index: %w", err)
		}
	}
	r := &runner{Options: options, layout: layout{options.Out}, shards: shards, started: time.Now(), meta: options.Embedder.Metadata()}
	r.pictures = thumbnails{dir: r.thumbnails()}
	if remote {
		r.remote = bucket
	}
	report, err := r.run(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("index: %w", err)
	}
	return report, nil
}

// finishTime bounds what is done after all else: the index does not wait for a bucket that has fallen silent.
const finishTime = 5 * time.Minute

// finish puts the reports where Out said, and removes what the shards saw. What fails here changes nothing about the index.
func (r *runner) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if r.remote != nil {
		if err := mirrorReports(ctx, r.layout, r.remote); err != nil {
			r.Logger.Warn("the reports are on this machine alone", "folder", r.out, "error", err)
		}
	}
	if r.shards != nil {
		r.shards.end(ctx, r.report.Published, r.Logger)
	}
}

// runner is one job.
type runner struct {
	Options
	layout
	started time.Time
	meta    catalog.Metadata
	report  Report
	// yesterday is what became of the run before, nil without one.
	yesterday *Report
	before    standing
	unended   bool // the job that made it did not come to its end
	queries   []ReplayedQuery

	stageBegan time.Time
	watch      stopwatch
	entries    []source.Entry
	loader     *loader
	journal    *journal
	pictures   thumbnails
	known      map[string]known // by location; nil for a job that takes what shards saw
	shard      *Shard           // whose photos alone these are, and which leaves what it saw for a job; nil for a whole job
	shards     *shardSource     // nil for a job that reads its photos itself
	remote     storage.Bucket   // where a published run is put as well; nil for nowhere
}

func (r *runner) run(ctx context.Context) (Report, error) {
	if r.Replay != "" {
		var err error
		if r.queries, err = readQueries(r.Replay); err != nil {
			return Report{}, usage{err}
		}
	}
	if sameFolder(r.Catalogue, r.out) {
		return Report{}, usage{fmt.Errorf("the folder of the index, %s, is the catalogue itself: name another --out, which may be a folder inside it", r.out)}
	}
	if err := os.MkdirAll(r.work(), 0o755); err != nil {
		return Report{}, err
	}
	unlock, err := lock(r.out)
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	r.tidy()
	if err := r.bindStore(r.Store); err != nil {
		return Report{}, err
	}
	there := ""
	if r.remote != nil {
		if there, err = pullRuns(ctx, r.layout, r.remote); err != nil {
			return Report{}, fmt.Errorf("the index in %s: %w", r.remote, err)
		}
	}
	settled, err := r.recover(ctx, r.Store, r.Logger)
	if err != nil {
		return Report{}, err
	}
	if settled != "" {
		r.Logger.Info("the run that an interrupted job published is whole now", "run", settled)
		if err := r.reportAgain(settled, r.Gate); err != nil {
			r.Logger.Warn("the report of that run is not whole", "error", err)
		}
	}
	before, err := r.standing(ctx, r.Store, r.remote, there)
	if err != nil {
		return Report{}, err
	}
	previous := before.run
	r.before, r.unended = before, previous != "" && (previous == settled || before.late)
	r.meta.Run, r.meta.CreatedAt = newRunID(r.started), r.started.UTC().Truncate(time.Millisecond)
	r.report = Report{
		Index: r.out, Run: r.meta.Run, PreviousRun: previous, MaxBad: r.MaxBad, MaxBadCount: r.MaxBadCount, Stages: make(map[string]float64),
		EmbeddingModel: r.meta.EmbeddingModel, FacetModel: r.meta.FacetModel, Bad: []BadPhoto{}, Skipped: []source.Skipped{}, Unsure: []UnsurePhoto{},
		Gate: Verdict{Reasons: []Reason{}}, Facets: []FacetCounts{},
	}
	if err := r.readYesterday(previous); err != nil {
		return Report{}, err
	}
	for _, f := range r.meta.Facets {
		r.report.Facets = append(r.report.Facets, FacetCounts{Name: f.Name, Labels: f.Labels})
	}
	if err := vectors.CheckMetadata(r.meta); err != nil {
		return Report{}, fmt.Errorf("the embedder: %w", err)
	}
	if err := writeJob(r.out, r.meta.Run, r.started); err != nil {
		return Report{}, err
	}
	if err := r.stages(ctx); err != nil {
		return Report{}, err
	}
	r.report.took(r.started, &r.watch)
	if r.report.Published {
		err = r.report.writeJSON(r.layout.report(r.meta.Run))
	}
	err = errors.Join(err, r.report.write(r.out, r.yesterday, r.Gate))
	if err != nil && r.report.Published {
		r.Logger.Warn("the index is published, but its report is not whole", "error", err)
		err = nil
	}
	if err != nil {
		return Report{}, err
	}
	r.finish(ctx)
	if r.report.Published {
		r.forgetJob()
	}
	return r.report, nil
}

// newRunID is a run's name: its start in milliseconds, so that names sort by time, and something random.
func newRunID(start time.Time) string {
	var tail [3]byte
	rand.Read(tail[:])
	return strings.Replace(start.UTC().Format("20060102T150405.000Z"), ".", "", 1) + "-" + hex.EncodeToString(tail[:])
}

func (r *runner) stages(ctx context.Context) error {
	if err := r.scan(ctx); err != nil {
		return err
	}
	var err error
	if r.journal, err = openJournal(r.work(), r.meta, r.Embedder.FacetCells(), r.Logger); err != nil {
		return err
	}
	defer r.journal.Close()
	if r.shards != nil {
		err = r.shards.gather(ctx, r)
	} else if err = r.readFacets(ctx); err == nil {
		err = r.embed(ctx)
	}
	if err != nil && !errors.Is(err, errHopeless) {
		return err
	}
	rows := &rows{
		entries: r.entries, findings: r.loader.findings, broken: r.loader.broken,
		journal: r.journal, meta: r.meta, indexedAt: r.meta.CreatedAt, watch: &r.watch, judgements: r.Options.Judgements,
	}
	r.report.TooManyBad, r.report.MaxBad = r.tooMany(len(rows.bad())), r.maxBadShare()
	if r.report.TooManyBad && r.refusesBad() {
		return r.refuse(rows)
	}
	if err := r.write(ctx, rows); err != nil {
		return err
	}
	if r.report.Gate.Refused() {
		return r.withdraw(ctx)
	}
	return r.publish(ctx)
}

func (r *runner) begin(stage string) {
	r.stageBegan = time.Now()
	r.Progress(Progress{Stage: stage})
}

func (r *runner) end(stage string) { r.report.Stages[stage] = time.Since(r.stageBegan).Seconds() }
