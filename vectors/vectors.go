// Package vectors holds the types and the interface of a vector store. vectors/embedded keeps the
// vectors in a folder, vectors/milvus in a Milvus server, and vectors/vectorstest is the
// conformance suite that both pass.
package vectors

import (
	"context"
	"errors"

	"github.com/kleid-search/kleid/catalog"
)

// ErrNoIndex is returned by Store.Current while nothing has been published yet.
var ErrNoIndex = errors.New("no index has been published yet: run `kleid index` first")

// ErrNotFound is returned when a row is not in the index.
var ErrNotFound = errors.New("not in the index")

// Embedding names one of the vectors of a row.
type Embedding string

// The vectors of a row.
const (
	Unsupervised Embedding = "unsupervised"
	DeepRank     Embedding = "deeprank"
)

// Filter restricts a search: facet name to the labels that are allowed. A row passes when, for
// every facet named, its label is one of those listed. A nil or empty Filter lets every row pass.
type Filter map[string][]string

// Query asks for the nearest rows to a vector.
type Query struct {
	Vector    []float32 // unit length, of the size of Embedding
	Embedding Embedding
	Where     Filter
	Price     PriceRange
	K         int // at most this many matches, after skipping Offset
	Offset    int
	// OnePerProduct keeps the nearest row of each product only.
	OnePerProduct bool
	// ExcludeProduct leaves out all rows of one product; "" leaves out none.
	ExcludeProduct string
}

// Match is a row and how near it is.
type Match struct {
	Row        catalog.Row // without embeddings
	Similarity float32     // cosine, -1..1
}

// Result is the answer to a Query. Matches are ordered by similarity, highest first, ties by row id.
type Result struct {
	Matches []Match
	// TotalMatches is how many there are in all, in the unit of Matches: products if the query said
	// OnePerProduct, else rows. When Offset+K exceeds it, all that match were returned.
	TotalMatches int
	// Exact says whether the answer is that of an exhaustive scan. One that is not may be shorter, where very many
	// rows pass and an approximate index does not find them.
	Exact bool
}

// Store is where the indexes of one shop live: a folder, or an alias of a Milvus server. Each run of
// the indexer writes a new index beside the current one and then publishes it, all or nothing.
// A Store is safe for concurrent use.
type Store interface {
	// Current opens the published index. It stays what it is, also when another run is published
	// later, until it is closed. It returns ErrNoIndex when there is none.
	Current(ctx context.Context) (Index, error)
	// CurrentRun names the published run without opening it, cheaply enough to be polled;
	// "" when there is none.
	CurrentRun(ctx context.Context) (string, error)
	// Open opens a finished run, also one that is not, or no longer, the current one: to verify it before
	// it is published. It returns an ErrNoIndex that names the run when there is no such run.
	Open(ctx context.Context, run string) (Index, error)
	// Create starts the index of meta.Run, dropping what an interrupted attempt at the same run left.
	Create(ctx context.Context, meta catalog.Metadata) (Writer, error)
	// Publish makes a finished run the current one, atomically for readers.
	Publish(ctx context.Context, run string) error
	// Drop removes a run that is not the current one; a run that is not there is no error.
	Drop(ctx context.Context, run string) error
	Close() error
}

// Named is a Store that can say which one it is.
type Named interface {
	// Name is the same text for the same store, such as milvus://host:19530/alias, and another for another.
	// It has no credentials.
	Name() string
}

// Writer fills the index of one run. It is not safe for concurrent use.
type Writer interface {
	// Add puts rows into the index. All must be StatusOK and carry both embeddings in the sizes that
	// the metadata announced; a row id that is there already is replaced. It keeps nothing of the rows'
	// memory, which the caller may use again. Vectors of unit length stay as they are, bit for bit; those
	// that are a little longer or shorter are scaled to it.
	Add(ctx context.Context, rows []catalog.Row) error
	// Finish makes the rows durable and searchable, though not yet current, and checks their number.
	Finish(ctx context.Context) error
	// Abort gives up and removes what was written. After Finish it does nothing. One that failed may be
	// repeated.
	Abort(ctx context.Context) error
}

// Index is one run's rows, pinned. It is safe for concurrent use.
type Index interface {
	Metadata() catalog.Metadata
	// Count is the number of rows.
	Count(ctx context.Context) (int, error)
	// Search returns ErrNoPriceFilter for a range of prices where the index was made before there were such.
	Search(ctx context.Context, query Query) (Result, error)
	// HasPrices says whether a range of prices can find anything: whether there are rows with a price, and the index
	// knows them by it.
	HasPrices(ctx context.Context) (bool, error)
	// Get returns the rows with these ids, with embeddings, in that order; ErrNotFound names the
	// first that is missing.
	Get(ctx context.Context, rowIDs ...string) ([]catalog.Row, error)
	// ByPhoto and ByProduct return the rows of a photo or product, with embeddings, ordered by row
	// id; none is no error.
	ByPhoto(ctx context.Context, photoID string) ([]catalog.Row, error)
	ByProduct(ctx context.Context, productID string) ([]catalog.Row, error)
	Close() error
}
