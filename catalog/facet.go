package catalog

// Facet is one attribute a dress is described by, such as "neckline": a name and its labels in
// the order in which reports, pages and the API show them. Nothing in Kleid knows how many facets
// there are or what they are called; they come with the model.
type Facet struct {
	Name   string   `json:"name"`
	Labels []string `json:"labels"`
	// Swatches are what the labels look like, where they are colours: one for each label, as CSS reads it
	// ("#5e1224"), "" where a label is no one colour.
	Swatches []string `json:"swatches,omitempty"`
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

// Colour is one of the dominant colours of a dress.
type Colour struct {
	Name  string  `json:"name"`  // a label of the facet colour
	L     float32 `json:"l"`     // CIELAB under D65: lightness, 0..100
	A     float32 `json:"a"`     // green to red
	B     float32 `json:"b"`     // blue to yellow
	Share float32 `json:"share"` // of the dress, 0..1
}
