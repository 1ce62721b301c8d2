package catalog

// Facet is one attribute a dress is described by, such as "neckline": a name and its labels in
// the order in which reports, pages and the API show them. Nothing in Kleid knows how many facets
// there are or what they are called; they come with the model.
type Facet struct {
	Name   string   `json:"name"`
	Labels []string `json:"labels"`
}

// FacetSource says who gave a label.
type FacetSource string

// The two sources of a label.
const (
	Predicted FacetSource = "predicted"
	Human     FacetSource = "human"
)

// FacetValue is the label of one facet of one photo.
type FacetValue struct {
	Label       string      `json:"label"`
	Probability float32     `json:"probability"` // calibrated, 0..1; 1 where a human said so
	Source      FacetSource `json:"source"`
}
