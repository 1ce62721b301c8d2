package searcher

import (
	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// Answer is what a search returns, and says why. It is the JSON of the API and of `kleid search --json`.
type Answer struct {
	Status  catalog.Status `json:"status" enum:"ok,no_dress" doc:"no_dress: no dress was found in the photo, so there are no results"`
	Results []Result       `json:"results" nullable:"false" doc:"Nearest first"`
	// TotalMatches is how many dresses pass the filter, in products, or in photos where every photo of a
	// product counts.
	TotalMatches int `json:"total_matches" doc:"How many pass the filter in all: products, or photos with one_per_product=false"`
	// Exact says whether the results are those of an exhaustive scan.
	Exact bool `json:"exact" doc:"Whether the results are those of an exhaustive scan"`
	// Complete says that nothing comes after these results.
	Complete bool `json:"complete" doc:"Nothing comes after these results"`
	// Note says so in words, when fewer were found than were asked for.
	Note string `json:"note,omitempty" doc:"Set when there are fewer results than were asked for"`

	K             int               `json:"k"`
	Offset        int               `json:"offset"`
	OnePerProduct bool              `json:"one_per_product"`
	Embedding     vectors.Embedding `json:"embedding"`
	Where         vectors.Filter    `json:"where,omitempty" doc:"The filter: labels that are allowed, by facet"`
	// Price is the range that was asked for.
	Price vectors.PriceRange `json:"price,omitzero" doc:"The prices that are allowed"`

	// Ignored are the facets that did not count: those of Request.Ignore for which the model knows how.
	Ignored []string `json:"ignored,omitempty" doc:"Facets in which results need not be like the queried dress: those of ignore that the model knows how to take out of a vector"`
	// NotIgnored are the others of Request.Ignore.
	NotIgnored []string `json:"not_ignored,omitempty" doc:"Facets of ignore that count all the same, since the model does not know how to take them out of a vector"`

	// Query is what was searched with.
	Query Queried `json:"query"`
	// Facets are those of the queried dress, by name. They describe it and filter nothing.
	Facets map[string]Facet `json:"facets,omitempty" doc:"The queried dress, by facet: what the model predicts, or what the index says"`
	// Colours are the dominant ones of the queried dress.
	Colours []catalog.Colour `json:"colours,omitempty" doc:"The dominant colours of the queried dress in CIELAB, the largest share first"`
	// Box is the dress in the queried photo.
	Box           *catalog.Box `json:"box,omitempty" doc:"The dress that was searched for, in pixels of the upright photo, half-open"`
	BoxConfidence float32      `json:"box_confidence,omitempty"`
	// Candidates are the places where a dress may be, the best first.
	Candidates []Candidate `json:"candidates,omitempty" doc:"Where else a dress may be, the best first; the box is among them"`

	EmbeddingModel string `json:"embedding_model" doc:"Fingerprint of the model that made query and index comparable"`
	FacetModel     string `json:"facet_model" doc:"Fingerprint of the model that predicted the queried dress's facets"`
	Run            string `json:"run,omitempty" doc:"The index that answered"`
	Timing         Timing `json:"timing"`
}

// Result is a row of the index and how near it is.
type Result struct {
	catalog.Row         // without embeddings
	Similarity  float32 `json:"similarity" doc:"Cosine, -1 to 1"`
}

// Queried names what was searched with; what it is not is empty.
type Queried struct {
	PhotoID   string `json:"photo_id,omitempty"`
	RowID     string `json:"row_id,omitempty"`
	ProductID string `json:"product_id,omitempty"`
	Title     string `json:"title,omitempty"`
	Width     int    `json:"width,omitempty" doc:"Pixels of the upright photo"`
	Height    int    `json:"height,omitempty"`
}

// Facet is one facet of the queried dress.
type Facet struct {
	Label       string              `json:"label" doc:"The most likely one"`
	Probability float32             `json:"probability" doc:"Calibrated, 0 to 1"`
	Source      catalog.FacetSource `json:"source" enum:"predicted,human"`
	// Confident says that the probability reaches the facet's threshold; nil where the index, which does
	// not keep thresholds, describes the dress.
	Confident *bool `json:"confident,omitempty" doc:"Good enough to filter by"`
	// Probabilities are those of all labels; nil where the index describes the dress.
	Probabilities map[string]float32 `json:"probabilities,omitempty" doc:"Of each label"`
	// Labels are those of Probabilities in the order in which to show them, which an object does not keep.
	Labels []string `json:"labels,omitempty" doc:"Those of probabilities, in the order in which to show them"`
}

// Candidate is a place where a dress may be.
type Candidate struct {
	Box        catalog.Box `json:"box"`
	Confidence float32     `json:"confidence" doc:"0 to 1"`
}

// Timing is the wall time by stage, in milliseconds. Stages that were not needed are 0.
type Timing struct {
	Decode float64 `json:"decode_ms"`
	Wait   float64 `json:"wait_ms" doc:"For other photos to be embedded"`
	Locate float64 `json:"locate_ms" doc:"A photo's share, where several were looked at together"`
	Embed  float64 `json:"embed_ms" doc:"Likewise"`
	Search float64 `json:"search_ms"`
	Total  float64 `json:"total_ms"`
}
