package searcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

// Embedder is what the searcher needs of an embedding.Embedder. It is safe for concurrent use.
type Embedder interface {
	// Metadata names the models, the facets and the sizes of the embeddings.
	Metadata() catalog.Metadata
	// Embed answers for each photo, in their order.
	Embed(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error)
}

// Ignorer is an Embedder that can take out of a vector what it says of facets. Without one, facets pull.
type Ignorer interface {
	// Ignore returns the vector without it, and those of the facets for which it knows how.
	Ignore(embedding string, vector []float32, facets []string) (rest []float32, ignored []string, err error)
}

// Thumbnails returns the thumbnail of a photo as a JPEG file. The id is 64 lower-case hex digits. An
// error that is fs.ErrNotExist says that there is none.
type Thumbnails func(ctx context.Context, photoID string) ([]byte, error)

// Options say how to search, for an Engine, and how to serve that, for a Server. The zero value of a
// field marked optional stands for its default.
type Options struct {
	// Store holds the indexes. It need not have one yet. The caller closes it, after the engine.
	Store vectors.Store
	// Embedder sees what is in a photo. An index of another embedding model is refused.
	Embedder Embedder
	// Limits bound the photos that are decoded. Optional: photo.DefaultLimits for an Engine; a Server
	// takes photos of 32 MiB at most, as it holds many at once.
	Limits photo.Limits
	// Embeds is how many batches of photos are decoded and embedded at once: a photo each, or a few where many wait. Each decodes
	// one at a time, with Limits.MaxMemory at most. Optional: DefaultEmbeds.
	Embeds int
	// Queue is how many photos may wait for that; more are refused as busy. Optional: 32; negative: none.
	Queue int
	// Recent is how many embedded query photos are remembered, so that another facet, box or page of
	// results costs no upload and no network pass. Optional: 512; negative: none.
	Recent int
	// Poll is how often Watch and Serve look for a newly published index. Optional: 3 seconds.
	Poll time.Duration
	// StoreTimeout bounds each question of a request to the store, which are up to two of a search. Optional: 5 seconds
	// for a Server, no limit for an Engine.
	StoreTimeout time.Duration
	// Logger gets what an operator should know. Optional: nothing is logged.
	Logger *slog.Logger

	// What follows is for a Server only.

	// Thumbnails finds small pictures. Optional: there are none.
	Thumbnails Thumbnails
	// Samples are row ids that the start page shows. Optional: rows spread over the index.
	Samples []string
	// AllowedOrigins may read the API from a browser, such as "https://shop.example" for the widget;
	// "*" stands for all. Optional: the service's own page only.
	AllowedOrigins []string
	// HideAttributes are columns of the shop's own (catalog.Row.Attributes) that answers leave out; "*" stands for
	// all. Optional: anybody may see every column.
	HideAttributes []string
	// Timeout bounds the work for one request. Optional: 30 seconds.
	Timeout time.Duration
	// MaxConnections is how many connections are served at once; more are refused with status 503. Each
	// may send Limits.MaxBytes and 1 MiB more, held in a buffer of up to twice the size; the form that is being read
	// takes two more, and there may be as much garbage: with the defaults, 34 GiB of uploads if all send the largest
	// photo. Optional: 256.
	MaxConnections int
	// Version is that of the program, for the API's description. Optional.
	Version string
}

// DefaultEmbeds is half of the CPUs, 2 at least and 8 at most: a network keeps no more than a few CPUs busy with one photo.
func DefaultEmbeds() int { return min(max(2, runtime.GOMAXPROCS(0)/2), 8) }

// complete checks the options and puts defaults where there is nothing.
func (o *Options) complete() error {
	switch {
	case o.Store == nil:
		return errors.New("searcher: no store to search in")
	case o.Embedder == nil:
		return errors.New("searcher: no embedder")
	}
	if err := CheckOrigins(o.AllowedOrigins); err != nil {
		return err
	}
	if o.Limits == (photo.Limits{}) {
		o.Limits = photo.DefaultLimits()
	}
	if o.Limits.MaxBytes <= 0 || o.Limits.MaxPixels <= 0 {
		return fmt.Errorf("searcher: the limits of %d bytes and %d pixels allow no photo", o.Limits.MaxBytes, o.Limits.MaxPixels)
	}
	if o.Embeds <= 0 {
		o.Embeds = DefaultEmbeds()
	}
	if o.Queue == 0 {
		o.Queue = 32
	}
	o.Queue = max(o.Queue, 0)
	if o.Recent == 0 {
		o.Recent = 512
	}
	if o.Poll <= 0 {
		o.Poll = 3 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = DefaultConnections
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	return nil
}
