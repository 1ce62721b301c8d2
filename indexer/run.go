package indexer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kleid-search/kleid/catalog"
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
	entries    []Entry
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
		EmbeddingModel: r.meta.EmbeddingModel, FacetModel: r.meta.FacetModel, Bad: []BadPhoto{}, Skipped: []Skipped{}, Unsure: []UnsurePhoto{},
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

// forgetJob removes the note of a job that has published its run. It goes last: a job that is killed before is one that did
// not come to its end, whose repetition keeps yesterday's run.
func (r *runner) forgetJob() {
	if err := os.Remove(jobPath(r.out)); err != nil {
		r.Logger.Warn("the note of the job is left behind", "error", err) // the next job finds all of it done
	}
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
		journal: r.journal, meta: r.meta, indexedAt: r.meta.CreatedAt, watch: &r.watch,
	}
	r.report.TooManyBad, r.report.MaxBad = r.tooMany(rows.bad()), r.maxBadShare()
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

// refusesBad says whether what has too many unreadable photos is refused: a run, unless there is none yet, as one is better
// than none, and a shard's result.
func (r *runner) refusesBad() bool { return (r.shard != nil || r.report.PreviousRun != "") && !r.Force }

// tooMany says whether so many photos are more than MaxBad, or MaxBadCount.
func (r *runner) tooMany(bad int) bool {
	if r.MaxBadCount != nil {
		return bad > *r.MaxBadCount
	}
	return float64(bad) > r.MaxBad*float64(len(r.entries))
}

// maxBadShare is MaxBad, or the share of the photos that MaxBadCount is, for reports.
func (r *runner) maxBadShare() float64 {
	if r.MaxBadCount == nil || len(r.entries) == 0 {
		return r.MaxBad
	}
	return min(1, float64(*r.MaxBadCount)/float64(len(r.entries)))
}

// errHopeless ends the embed stage of a run, or shard, that will be refused whatever comes.
var errHopeless = errors.New("too many photos are unreadable")

// ErrNoCatalogue is what is wrong where the catalogue is not there.
var ErrNoCatalogue = errors.New("there is no such catalogue")

// noCatalogue makes an error an ErrNoCatalogue, and leaves it its text.
type noCatalogue struct{ error }

func (n noCatalogue) Unwrap() error        { return n.error }
func (n noCatalogue) Is(target error) bool { return target == ErrNoCatalogue }

// scan lists the catalogue.
func (r *runner) scan(ctx context.Context) error {
	r.begin(StageScan)
	if err := r.remember(ctx); err != nil {
		return err
	}
	listing, err := scan(ctx, r.Catalogue, r.Out, r.isPhoto)
	if errors.Is(err, storage.ErrNotExist) {
		return noCatalogue{err}
	}
	if err != nil {
		return err
	}
	r.Filter.apply(&listing)
	if listing.Filtered > 0 && !slices.ContainsFunc(listing.Entries, func(e Entry) bool { return !e.IsLine }) {
		return fmt.Errorf("none of the %d photos of the catalogue %s passes the filter: sources are paths in the folder, such as shoes/1.jpg, and what a manifest names", listing.Filtered, storage.WithoutSecrets(r.Catalogue))
	}
	if len(listing.Entries) == 0 {
		return fmt.Errorf("the catalogue %s has no photos: name a folder that has some, or a CSV, JSONL or Parquet file with a row for each", storage.WithoutSecrets(r.Catalogue))
	}
	r.entries, r.report.Photos, r.report.OtherFiles = listing.Entries, len(listing.Entries), listing.Others
	r.report.Filtered = listing.Filtered
	r.report.Skipped = append(r.report.Skipped, listing.Skipped...)
	for _, s := range listing.Skipped {
		r.Logger.Warn("skipped", "source", s.Source, "reason", s.Reason)
	}
	r.end(StageScan)
	return nil
}

// remember reads what earlier jobs, or this one's shards, found at the photos' locations.
func (r *runner) remember(ctx context.Context) (err error) {
	if r.shards != nil {
		return r.shards.readFindings(ctx)
	}
	if r.known, err = readKnown(r.work(), r.Limits); err != nil {
		r.Logger.Warn("all photos are read again", "error", err)
	}
	return nil
}

// isPhoto says whether there is a photo at a location, if that is known. What is there of other shards they will see.
func (r *runner) isPhoto(location string, info storage.Info) (isPhoto, isKnown bool) {
	if r.shards != nil {
		_, ok := r.shards.findings[location]
		return ok, ok
	}
	if r.shard != nil && !r.shard.takes(location) {
		return true, true
	}
	same := info.Same(r.known[location].Info)
	return same, same
}

func (r *runner) begin(stage string) {
	r.stageBegan = time.Now()
	r.Progress(Progress{Stage: stage})
}

func (r *runner) end(stage string) { r.report.Stages[stage] = time.Since(r.stageBegan).Seconds() }

// embed brings every photo into the journal that can be read and is not there yet.
func (r *runner) embed(ctx context.Context) error {
	r.begin(StageEmbed)
	fetcher := photoFetcher(r.Catalogue, r.Limits)
	defer fetcher.Close()
	var done, bad atomic.Int64
	r.loader = newLoader(r.entries)
	if !r.Reread {
		r.loader.known = r.known
	}
	r.loader.limits, r.loader.workers, r.loader.journal = r.Limits, r.Workers, r.journal
	r.loader.thumbnails, r.loader.fetch = r.pictures, fetchFrom(fetcher, r.Limits)
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.loader.done = func(isBad bool) {
		done.Add(1)
		if isBad && r.tooMany(int(bad.Add(1))) && r.refusesBad() {
			cancel(errHopeless)
		}
	}
	r.loader.watch = &r.watch
	stage := &embedStage{embedder: r.Embedder, meta: r.meta, journal: r.journal, loader: r.loader, watch: &r.watch, logger: r.Logger}

	photos, batches := make(chan loaded), make(chan []loaded)
	var wait sync.WaitGroup
	start := func(f func() error) {
		wait.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	start(func() error { return r.loader.run(work, photos) })
	start(func() error { stage.gather(work, photos, batches); return nil })
	start(func() error { return stage.run(work, batches) })

	tell := func() {
		r.Progress(Progress{Stage: StageEmbed, Done: int(done.Load()), Total: len(r.entries), Bad: int(bad.Load()), Embedded: int(stage.embedded.Load())})
	}
	finished := make(chan struct{})
	go func() { wait.Wait(); close(finished) }()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for running := true; running; {
		select {
		case <-ticker.C:
		case <-finished:
			running = false
		}
		tell()
	}
	r.report.Embedded = int(stage.embedded.Load())
	r.end(StageEmbed)
	if err := r.journal.Sync(); err != nil {
		return err
	}
	if err := context.Cause(work); err != nil {
		return err
	}
	// What was known of other locations stays until an index without them is published.
	for _, k := range r.loader.learned() {
		r.known[k.Location] = k
	}
	return writeKnown(r.work(), r.Limits, r.known)
}

// refuse ends a job whose photos are too often unreadable: the index that is there stays.
func (r *runner) refuse(rows *rows) error {
	var t tally
	for i := range rows.entries {
		if !rows.known(i) {
			r.report.NotRead++
			continue
		}
		row, err := rows.at(i)
		if err != nil {
			return err
		}
		t.add(row)
	}
	r.report.count(t)
	return os.Remove(jobPath(r.out))
}

// write makes the Parquet file and the new index, and verifies it.
func (r *runner) write(ctx context.Context, rows *rows) (err error) {
	r.begin(StageWrite)
	store, err := r.Store.Create(ctx, r.meta)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// The context may be done already, but what was written should go.
			err = errors.Join(err, store.Abort(context.WithoutCancel(ctx)))
		}
	}()
	written, err := rows.write(ctx, r.unpublished(), store, func(done int) {
		r.Progress(Progress{Stage: StageWrite, Done: done, Total: len(r.entries)})
	})
	if err != nil {
		return err
	}
	at := time.Now()
	if err := store.Finish(ctx); err != nil {
		return fmt.Errorf("the new index: %w", err)
	}
	r.watch.lap(WorkStore, at)
	r.report.count(written.tally)
	if err := r.judge(ctx, written); err != nil {
		return errors.Join(err, r.Store.Drop(context.WithoutCancel(ctx), r.meta.Run))
	}
	r.end(StageWrite)
	return nil
}

// withdraw drops a new index that is not to be published: the one that is there stays.
func (r *runner) withdraw(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if err := r.Store.Drop(ctx, r.meta.Run); err != nil {
		return err
	}
	return errors.Join(removeIfThere(r.unpublished()), os.Remove(jobPath(r.out)))
}

// publish commits the run, settles it and cleans up.
func (r *runner) publish(ctx context.Context) error {
	r.begin(StagePublish)
	if err := ctx.Err(); err != nil {
		return err
	}
	run := r.meta.Run
	if r.remote != nil { // searches find no photo whose thumbnail is still to come
		var err error
		if r.pictures.elsewhere, err = r.putNewThumbnails(ctx, r.remote, r.loader.photos()); err != nil {
			return fmt.Errorf("the thumbnails: %w", err)
		}
	}
	if err := r.before.stands(ctx, r.Store, r.remote); err != nil {
		return errors.Join(err, r.withdraw(ctx))
	}
	// As of a job that is killed right after it has published, which nobody else could report on; otherwise it goes, or is
	// written again in the end.
	report := r.report
	report.Published, report.Parquet = true, r.parquet(run)
	report.took(r.started, &r.watch)
	if err := report.writeJSON(r.unpublishedReport()); err != nil {
		return err
	}
	replaced := r.before.there
	if r.remote == nil {
		replaced = r.report.PreviousRun
	}
	if err := r.notePending(run, replaced); err != nil {
		return err
	}
	if err := r.Store.Publish(ctx, run); err != nil {
		return fmt.Errorf("run %s cannot be published: %w", run, err)
	}
	// From here on the run is the current one: what is left is done even if the job is to stop, but for the last of it.
	stops := ctx
	ctx = context.WithoutCancel(ctx)
	if err := r.settle(run); err != nil {
		return fmt.Errorf("run %s is published, but its Parquet file is not: %w", run, err)
	}
	r.report.Published, r.report.Parquet = true, r.parquet(run)
	if r.remote != nil {
		err := mirrorRun(ctx, r.layout, r.Store, r.remote, run)
		var superseded *supersededError
		if errors.As(err, &superseded) {
			r.forgetJob()
			return err
		}
		if err != nil {
			return fmt.Errorf("run %s is published, but not yet in %s: %w", run, r.remote, err)
		}
	}
	// An old run that cannot be removed must not spoil a good new one.
	first, keep := []string{r.report.PreviousRun}, r.Keep
	if r.unended && r.yesterday != nil && keep > 0 { // that run may be tonight's as well, and the one before it yesterday's
		first, keep = append(first, r.yesterday.PreviousRun), keep+1
	}
	if err := r.clean(ctx, r.Store, r.remote, run, first, keep); err != nil {
		r.Logger.Warn("old runs are left behind", "error", err)
	}
	if err := r.sweep(stops); err != nil {
		r.Logger.Warn("what was seen of photos that are gone is left behind", "error", err)
	}
	if err := r.sweepShards(stops); err != nil {
		r.Logger.Warn("what shards have left is left behind", "error", err)
	}
	r.end(StagePublish)
	return nil
}

// forgetLocations drops what is known of locations that this catalogue does not have.
func (r *runner) forgetLocations() error {
	if r.shards != nil {
		return nil
	}
	live := make(map[string]bool, len(r.entries))
	for i := range r.entries {
		live[r.entries[i].Location] = true
	}
	before := len(r.known)
	maps.DeleteFunc(r.known, func(location string, _ known) bool { return !live[location] })
	if len(r.known) == before {
		return nil
	}
	return writeKnown(r.work(), r.Limits, r.known)
}

// sweep drops from the journal what this catalogue does not have, and the thumbnails that no run has, here and in S3.
func (r *runner) sweep(ctx context.Context) error {
	live := r.loader.photos()
	err := errors.Join(
		r.forgetLocations(),
		r.journal.Compact(func(key photoKey) bool { return live[key] }),
		removeOtherJournals(r.work(), journalName(r.meta)),
	)
	runs, listErr := r.runs()
	if err = errors.Join(err, listErr); err != nil {
		return err
	}
	if r.shards != nil {
		if began, err := r.shards.beganAgain(ctx); began || err != nil {
			return err // they count on the thumbnails that are there; the next commit removes those that no run has
		}
	}
	for _, run := range runs {
		if run == r.meta.Run {
			continue
		}
		if err := addPhotos(live, r.parquet(run)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("run %s: %w", run, err)
		}
	}
	if r.remote != nil {
		err = r.sweepThumbnails(ctx, r.remote, r.pictures.elsewhere, live, r.started)
	}
	return errors.Join(err, r.pictures.sweep(live))
}
