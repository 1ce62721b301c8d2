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

// Row is one photo of one product. The zero value of an optional field is written as null to Parquet
// and left out of JSON; the names of both are those below.
type Row struct {
	RowID     string `json:"row_id"`             // hex SHA-256 of product id and source (NewRowID): the key in every store
	PhotoID   string `json:"photo_id,omitempty"` // optional: lower-case hex SHA-256 of the photo's bytes
	ProductID string `json:"product_id"`
	Source    string `json:"source"` // path or URL as the catalogue gave it

	Title      string            `json:"title,omitempty"`
	URL        string            `json:"url,omitempty"`
	Price      *float64          `json:"price,omitempty"`
	Currency   string            `json:"currency,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"` // every other column of the catalogue

	Status Status `json:"status"`
	Error  string `json:"error,omitempty"` // why the photo is unreadable

	Width         int32   `json:"width,omitempty"` // pixels, upright (after EXIF)
	Height        int32   `json:"height,omitempty"`
	Box           *Box    `json:"box,omitempty"`            // the dress
	BoxConfidence float32 `json:"box_confidence,omitempty"` // 0..1; null when Box is nil

	Facets map[string]FacetValue `json:"facets,omitempty"` // by facet name; a facet without a value is null

	Colours []Colour `json:"colours,omitempty"` // the dominant ones, the largest share first

	EmbeddingUnsupervised []float32 `json:"embedding_unsupervised,omitempty"` // unit length
	EmbeddingDeepRank     []float32 `json:"embedding_deeprank,omitempty"`     // unit length
	EmbeddingModel        string    `json:"embedding_model"`                  // fingerprint
	FacetModel            string    `json:"facet_model"`                      // fingerprint

	IndexedAt time.Time `json:"indexed_at,omitzero"` // UTC, milliseconds; the only field that two runs over one input may differ in
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
