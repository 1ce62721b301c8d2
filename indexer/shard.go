package indexer

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/kleid-search/kleid/indexer/source"
)

// Shard is a part of a job that is done by several machines. They do not talk to each other: which photos are whose
// follows from their locations, and each leaves what it saw below work/jobs/<Job> in Options.Out, for CommitShards.
type Shard struct {
	// Index, from 0, of Count shards.
	Index, Count int
	// Job is the name that all shards of one job are given, such as a date.
	Job string
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Check refuses shards that are none.
func (s Shard) Check() error {
	if s.Count < 1 || s.Index < 0 || s.Index >= s.Count {
		return fmt.Errorf("there is no shard %d of %d: they are counted from 0", s.Index, s.Count)
	}
	if !jobName.MatchString(s.Job) {
		return fmt.Errorf("the name of the job is %q: use letters, digits, dots, _ and -", s.Job)
	}
	return nil
}

func (s Shard) String() string { return fmt.Sprintf("%d-of-%d", s.Index, s.Count) }

// takes says whether the photo at a location is of this shard.
func (s Shard) takes(location string) bool {
	return int(crc32.ChecksumIEEE([]byte(location))%uint32(s.Count)) == s.Index
}

// work is where a shard keeps what it knows from job to job.
func (s Shard) work() string { return path.Join("work", "shards", s.String()) }

// ShardReport is what became of a shard.
type ShardReport struct {
	Shard           string     `json:"shard"`
	Job             string     `json:"job"`
	Photos          int        `json:"photos"`
	Unreadable      int        `json:"unreadable"`
	BadReasons      BadReasons `json:"bad_reasons"` // the commonest
	MaxBad          float64    `json:"max_bad"`     // as those of Report
	MaxBadCount     *int       `json:"max_bad_count,omitempty"`
	TooManyBad      bool       `json:"too_many_bad"`       // so that nothing is left for CommitShards, unless by Options.Force
	NotRead         int        `json:"not_read,omitempty"` // photos that nobody looked at, since there are too many unreadable ones
	Embedded        int        `json:"embedded"`
	FacetsRead      int        `json:"facets_read"`
	Seconds         float64    `json:"seconds"`
	ImagesPerSecond float64    `json:"images_per_second"`
}

// String is the report for people.
func (r ShardReport) String() string {
	text := fmt.Sprintf("shard %s of job %s: %d photos, %d unreadable, %d embedded anew, the facets of %d read from kept features, %.1f photos a second\n", r.Shard, r.Job, r.Photos, r.Unreadable, r.Embedded, r.FacetsRead, r.ImagesPerSecond)
	if r.NotRead > 0 {
		text += fmt.Sprintf("stopped there: %d photos were not looked at\n", r.NotRead)
	}
	return text + r.BadReasons.String()
}

// RunShard embeds the photos of a shard. Like Run it goes on where it was interrupted, also on another machine if
// Options.Out is in S3, where what it knows is put every half minute; Options.Scratch then is a folder of this machine.
// A report comes without an error also when too many of its photos are unreadable: see ShardReport.TooManyBad.
func RunShard(ctx context.Context, options Options, shard Shard) (ShardReport, error) {
	report, err := runShard(ctx, options, shard)
	if err != nil {
		return ShardReport{}, fmt.Errorf("index: shard %s: %w", shard, err)
	}
	return report, nil
}

func runShard(ctx context.Context, options Options, shard Shard) (ShardReport, error) {
	if err := errors.Join(shard.Check(), options.completeShard()); err != nil {
		return ShardReport{}, err
	}
	bucket, remote, err := options.place()
	if err != nil {
		return ShardReport{}, err
	}
	own := layout{filepath.Join(options.Out, filepath.FromSlash(shard.work()))}
	r := &runner{Options: options, layout: own, shard: &shard, started: time.Now(), meta: options.Embedder.Metadata()}
	r.report.Stages = map[string]float64{}
	if err := os.MkdirAll(r.work(), 0o755); err != nil {
		return ShardReport{}, err
	}
	unlock, err := lock(r.out)
	if err != nil {
		return ShardReport{}, err
	}
	defer unlock()
	r.tidy()
	// What an earlier try left must not be taken for what this one will see.
	if err := bucket.Delete(ctx, shard.result(shardDone)); err != nil {
		return ShardReport{}, err
	}
	state := &remoteState{bucket: bucket, prefix: shard.work() + "/work/", dir: r.work()}
	r.pictures = thumbnails{dir: ThumbnailsFolder(options.Out)}
	if remote {
		// Of its own, though machines may have one scratch: what it does not need it removes.
		r.pictures.dir = r.thumbnails()
		if err := state.pull(ctx); err != nil {
			return ShardReport{}, err
		}
	}
	if err := r.scan(ctx); err != nil {
		return ShardReport{}, err
	}
	manifest := shardManifest{
		Index: shard.Index, Count: shard.Count, Journal: journalName(r.meta), SHA256: map[string]string{},
		EmbeddingModel: r.meta.EmbeddingModel, FacetModel: r.meta.FacetModel,
	}
	r.entries = slices.DeleteFunc(r.entries, func(e source.Entry) bool { return !shard.takes(e.Location) })
	manifest.Photos = len(r.entries)
	if r.journal, err = openJournal(r.work(), r.meta, r.Embedder.FacetCells(), r.Logger); err != nil {
		return ShardReport{}, err
	}
	defer r.journal.Close()
	if manifest.Try, err = shard.begin(ctx, bucket, r); err != nil {
		return ShardReport{}, err
	}
	if remote { // from now on no commit removes them
		if r.pictures.elsewhere, err = thumbnailsAt(ctx, bucket); err != nil {
			return ShardReport{}, err
		}
	}
	stop := func() error { return nil }
	if remote {
		stop = state.keep(ctx, r.journal, r.Logger)
	}
	err = r.readFacets(ctx)
	if err == nil {
		err = r.embed(ctx)
	}
	hopeless := errors.Is(err, errHopeless)
	if hopeless {
		err = nil
	}
	if err := errors.Join(err, stop()); err != nil {
		return ShardReport{}, err
	}
	if remote && !hopeless {
		photos := r.loader.photos()
		if err := putThumbnails(ctx, bucket, r.pictures, photos); err != nil {
			return ShardReport{}, err
		}
		if err := r.pictures.sweep(photos); err != nil {
			r.Logger.Warn("thumbnails of photos that are gone are left behind", "error", err)
		}
	}
	manifest.Embedded = r.report.Embedded
	rows := &rows{entries: r.entries, findings: r.loader.findings, broken: r.loader.broken, journal: r.journal}
	bad := rows.bad()
	tooManyBad := hopeless || r.tooMany(len(bad))
	notRead := 0
	for i := range r.entries {
		if hopeless && !rows.known(i) {
			notRead++
		}
	}
	if !tooManyBad || r.Force {
		if err := r.putResult(ctx, bucket, shard, manifest); err != nil {
			return ShardReport{}, err
		}
	}
	seconds := time.Since(r.started).Seconds()
	return ShardReport{
		Shard: shard.String(), Job: shard.Job, Photos: len(r.entries), Unreadable: len(bad), BadReasons: reasonsOf(bad), MaxBad: r.maxBadShare(), MaxBadCount: r.MaxBadCount, TooManyBad: tooManyBad, NotRead: notRead,
		Embedded: r.report.Embedded, FacetsRead: r.report.FacetsRead, Seconds: seconds, ImagesPerSecond: float64(len(r.entries)) / seconds,
	}, nil
}
