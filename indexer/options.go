// Package indexer is the nightly job: it scans a catalogue, loads and embeds its photos, writes the
// rows to Parquet and to a vector store, verifies the new index and publishes it, all or nothing.
//
// # What the catalogue may lead to
//
// Symbolic links in a catalogue's folder are followed, also out of it, since shops link folders of photos
// on purpose; each real folder is read once. The paths in a CSV or JSONL file may be any that the process
// can read. So whoever may write to the catalogue chooses which of its files get a thumbnail: run the job
// as a user that can read photos and little else. Folders of indexes are left out.
//
// # What a kill leaves
//
// Everything lives below Options.Out:
//
//	lock                            held while a job runs
//	work/job.json                   the run that is being made; there from its start to its end
//	work/store                      the store that the runs went to, if it has a name; another one is refused
//	work/photos-<models>/*.log      the journal: what the model saw in each photo, by its bytes
//	work/known                      which photo was where, with its size and time or ETag: what is the same is not read
//	work/part-000.parquet.tmp       the Parquet file while it is written, and until it is published
//	work/report.json.tmp            its report, likewise
//	run=<id>/part-000.parquet       published runs, the current one and those kept
//	run=<id>/report.json            what became of each
//	latest                          the id of the current run
//	thumbnails/<id[:2]>/<id>.jpg    a small picture of each readable photo of these runs
//	report.json, .txt, .html        what became of the last run, each unreadable photo named
//	metrics.prom                    its numbers, for the node exporter's textfile collector
//
// A run goes through these steps:
//
//  1. embed: every photo not yet in the journal is embedded and appended to it;
//  2. write: all rows go to work/part-000.parquet.tmp and to a new index beside the store's current one;
//  3. verify: the new index has all rows, in all and by label, a row's own vector finds it, and the gate lets it
//     pass (see Gate); where Out is in S3, the thumbnails go there;
//  4. commit: Store.Publish makes the new index the current one, atomically;
//  5. settle: the Parquet file moves to run=<id>/, then latest is swapped by rename, old runs go.
//
// A kill before 4 leaves yesterday's index and Parquet as they were: the next job drops what was begun
// and embeds no photo of the journal again. After a kill between 4 and 5, searches see the new index
// and analysts yesterday's Parquet, each of them whole; the next job first settles what was committed.
package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

// Embedder is what the indexer needs of an embedding.Embedder.
type Embedder interface {
	// Metadata names the models, the facets and the sizes of the embeddings.
	Metadata() catalog.Metadata
	// Locate answers for each photo, in their order, with a dress found (StatusOK) or not. The answer for a
	// photo depends on that photo alone.
	Locate(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error)
	// Describe adds vectors and facets to answers of Locate that have a dress.
	Describe(ctx context.Context, inputs []embedding.Input, photos []embedding.Photo) error
	// BatchSize is how many photos Locate and Describe like at once.
	BatchSize() int
	// FacetCells names all that embedding.Photo.Cells depend on, and all facets that ReadFacets leaves out.
	FacetCells() string
	// ReadFacets predicts facets from the Cells of dresses that an embedder with the same FacetCells described: always
	// the same facets, where it has no opinion with the label "".
	ReadFacets(ctx context.Context, dresses []embedding.Cells) ([][]embedding.Prediction, error)
}

// Options say what a job does. The zero value of a field marked optional stands for its default.
type Options struct {
	// Catalogue is a folder of photos, s3://bucket/prefix, or a CSV, JSONL or Parquet file that names them.
	Catalogue string
	// Filter says which of its photos are indexed. Optional: all.
	Filter source.Filter
	// Out is the folder of the index: Parquet, journal, thumbnails, reports. It may be s3://bucket/prefix, where
	// published runs, thumbnails and reports are put; all else is then in Scratch, where the runs are brought if it is
	// new, so that the gate has something to compare with.
	Out     string
	Scratch string
	// Store takes the vectors. The caller closes it. One that is a vectors.Named cannot be changed for another
	// while Out has runs.
	Store vectors.Store
	// Embedder sees what is in the photos.
	Embedder Embedder
	// Judgements are labels by people, which take the place of predicted ones, and dresses that they tell of. Optional.
	Judgements Judgements
	// Workers is how many photos are read at once; no more than one for each CPU are decoded. Optional: one for each CPU,
	// and more where photos are not on this machine.
	Workers int
	// MaxBad is the share of unreadable photos, 0..1, above which the report says TooManyBad and a new
	// index does not replace an old one: the job ends as soon as that is certain.
	MaxBad float64
	// MaxBadCount is a number of unreadable photos in place of a share; nil leaves it to MaxBad.
	MaxBadCount *int
	// Gate is what the new index must be like. Optional: DefaultGate.
	Gate Gate
	// Force publishes a new index that the gate refuses, that has nothing to compare it with although the store has one, or
	// that has more than MaxBad; the report says so.
	Force bool
	// Replay is a file of recent queries, JSON lines (see ReplayedQuery), whose answers in the new index and in the one
	// before are compared in the report. Optional.
	Replay string
	// Keep is how many runs stay besides the current one: the one that it replaces, and the newest. If the job that made
	// the one that it replaces was interrupted after publication, one more stays: the one before that, unless Keep is 0.
	Keep int
	// Reread reads also photos whose size and time, or ETag, have not changed since the last job.
	Reread bool
	// Limits bound the photos that are decoded. Optional: photo.DefaultLimits.
	Limits photo.Limits
	// Progress is told how far the job is, a few times a second, from one goroutine at a time. Optional.
	Progress func(Progress)
	// Logger gets what an operator should know. Optional: nothing is logged.
	Logger *slog.Logger
}

// The stages of a job, as Progress and the report name them.
const (
	StageScan    = "scan"
	StageFacets  = "facets" // read from kept features, where the facet_model alone is new
	StageEmbed   = "embed"
	StageWrite   = "write"
	StagePublish = "publish"
)

// Progress says how far a stage is.
type Progress struct {
	Stage string
	// Done of Total photos (embed) or rows (write) are through. Total is 0 while it is not known.
	Done, Total int
	// Bad is how many photos have turned out unreadable so far.
	Bad int
}

// ErrUsage says that the options are wrong, so that the same call fails again.
var ErrUsage = errors.New("wrong options")

// usage makes an error an ErrUsage, and leaves it its text.
type usage struct{ error }

func (u usage) Unwrap() error        { return u.error }
func (u usage) Is(target error) bool { return target == ErrUsage }

func (o *Options) complete() error {
	if o.Store == nil {
		return errors.New("no store for the vectors")
	}
	return o.completeShard()
}

// completeShard is complete without the store, which a shard has none of.
func (o *Options) completeShard() error {
	switch {
	case o.Catalogue == "":
		return errors.New("no catalogue: name a folder of photos, s3://bucket/prefix, or a CSV, JSONL or Parquet file")
	case o.Out == "":
		return errors.New("no folder for the index")
	case o.Embedder == nil:
		return errors.New("no embedder")
	case o.MaxBadCount != nil && *o.MaxBadCount < 0:
		return fmt.Errorf("the number of bad photos is %d: it must not be negative", *o.MaxBadCount)
	case !(o.MaxBad >= 0 && o.MaxBad <= 1):
		return fmt.Errorf("the share of bad photos is %v: it must be between 0 and 1", o.MaxBad)
	case o.Keep < 0:
		return fmt.Errorf("%d runs cannot be kept: the number must not be negative", o.Keep)
	}
	if o.Gate == (Gate{}) {
		o.Gate = DefaultGate()
	}
	if err := errors.Join(o.Gate.check(), o.Filter.Check()); err != nil {
		return err
	}
	if o.Limits == (photo.Limits{}) {
		o.Limits = photo.DefaultLimits()
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if !strings.Contains(o.Out, "://") {
		o.Out = filepath.Clean(o.Out)
	}
	return nil
}
