// Package catalog is the row that everybody exchanges: its Go type, its Parquet schema (built from
// the facet list at run time) and its units.
package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Status says what became of a photo.
type Status string

// What can become of a photo. Only rows with StatusOK have a box, facets and embeddings, and only
// they are put into a vector store.
const (
	StatusOK         Status = "ok"
	StatusNoDress    Status = "no_dress"
	StatusUnreadable Status = "unreadable"
)

// Box is a rectangle in pixels of the upright photo, half-open.
type Box struct {
	XMin int32 `json:"x_min"`
	YMin int32 `json:"y_min"`
	XMax int32 `json:"x_max"`
	YMax int32 `json:"y_max"`
}

// Row is one photo of one product. The zero value of an optional field is written as null.
type Row struct {
	RowID     string // hex SHA-256 of product id and source (NewRowID): the key in every store
	PhotoID   string // optional: lower-case hex SHA-256 of the photo's bytes
	ProductID string
	Source    string // path or URL as the catalogue gave it

	Title      string            // optional
	URL        string            // optional
	Price      *float64          // optional
	Currency   string            // optional
	Attributes map[string]string // optional: every other column of the catalogue

	Status Status
	Error  string // optional: why the photo is unreadable

	Width, Height int32   // optional: pixels, upright (after EXIF)
	Box           *Box    // optional: the dress
	BoxConfidence float32 // 0..1; null when Box is nil

	Facets map[string]FacetValue // by facet name; a facet without a value is null

	EmbeddingUnsupervised []float32 // optional: unit length
	EmbeddingDeepRank     []float32 // optional: unit length
	EmbeddingModel        string    // fingerprint
	FacetModel            string    // fingerprint

	IndexedAt time.Time // UTC, milliseconds; the only field that two runs over one input may differ in
}

// NewRowID returns the key of a photo of a product: the lower-case hex SHA-256 of product id and
// source, separated by a zero byte so that no two pairs run together.
func NewRowID(productID, source string) string {
	h := sha256.New()
	h.Write([]byte(productID))
	h.Write([]byte{0})
	h.Write([]byte(source))
	return hex.EncodeToString(h.Sum(nil))
}

// Metadata describes an index. It travels in the key-value metadata of the Parquet file, in the
// embedded store's manifest and in a Milvus collection's description.
type Metadata struct {
	Run              string    `json:"run,omitempty"`
	EmbeddingModel   string    `json:"embedding_model"`
	FacetModel       string    `json:"facet_model"`
	Facets           []Facet   `json:"facets"`
	UnsupervisedSize int       `json:"embedding_unsupervised_size"`
	DeepRankSize     int       `json:"embedding_deeprank_size"`
	CreatedAt        time.Time `json:"created_at"`
}
