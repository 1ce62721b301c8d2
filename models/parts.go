package models

import (
	"github.com/kleid-search/kleid/photo/colour"
)

// The parts of a model that are trained on their own, besides the facets: see FacetPart.
const (
	LocationPart   = "location"
	EmbeddingsPart = "embeddings"
	overridePart   = "override"
)

// FacetPart is the part that says a facet.
func FacetPart(facet string) string { return facetPrefix + facet }

const facetPrefix = "facets."

// Parts are fingerprints of all that the answers of each part depend on, where the dress is looked for included: of a
// part with the same fingerprint, two models say the same of any photo. Notes of where a model comes from do not count.
func (m *Model) Parts() map[string]string {
	c := m.Config
	height, width := c.PatchSize()
	where := []any{preprocessing, m.Precision(), c.Backbone, c.ONNX, c.Scales, c.Merge, c.Refine, height, width}
	location := m.fingerprint(append(where, c.Refine.versions()...), "trunk.", "background.", "location.", "refine.")
	embeddings := m.EmbeddingModel()
	parts := map[string]string{
		LocationPart: location, EmbeddingsPart: embeddings,
		overridePart: m.fingerprint([]any{embeddings, colour.Version}, overridePrefix),
	}
	for _, f := range c.Facets {
		config := []any{location, c.CropHeight, c.CropWidth, c.CropMargin, c.CellRows, c.CellColumns, c.SpatialTransformer, f}
		if f.Surroundings {
			config = append(config, c.Surroundings)
		}
		prefixes := []string{facetPrefix + f.Name + "."}
		if f.Trunk != "" {
			prefixes = append(prefixes, ownTrunks+f.Trunk+".")
		}
		parts[FacetPart(f.Name)] = m.fingerprint(config, prefixes...)
	}
	return parts
}
