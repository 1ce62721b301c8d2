package models

import (
	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo/colour"
)

// A row has two kinds of facets: those of Config.Facets, each with a head that was trained, and colour, which
// is read from pixels. Training knows the former, catalogues and searches have both.

// ColourFacet is the facet that no head predicts. There is none in a model that has a head of that name.
func (m *Model) ColourFacet() (f FacetConfig, ok bool) {
	for _, own := range m.Config.Facets {
		if own.Name == colour.Facet {
			return FacetConfig{}, false
		}
	}
	f = FacetConfig{Facet: catalog.Facet{Name: colour.Facet, Labels: colour.Labels()}, Temperature: colour.Temperature, Threshold: colour.Threshold}
	for _, label := range f.Labels {
		f.Swatches = append(f.Swatches, colour.Swatch(label))
	}
	return f, true
}

// RowFacets are the facets of a row: those with heads, in their order, and colour.
func (m *Model) RowFacets() []catalog.Facet {
	var facets []catalog.Facet
	for _, f := range m.Config.Facets {
		facets = append(facets, f.Facet)
	}
	if f, ok := m.ColourFacet(); ok {
		facets = append(facets, f.Facet)
	}
	return facets
}

// FacetHeads is the fingerprint of what training makes of facets: the heads and their calibration.
func (m *Model) FacetHeads() string {
	return m.fingerprint([]any{m.Config.Facets}, facetPrefix, ownTrunks)
}

// FacetCells is the fingerprint of what FacetsGraph reads, and of how colours are read: of two models with the same,
// what one saw in a photo is enough for the facets of the other.
func (m *Model) FacetCells() string {
	config := []any{m.EmbeddingModel(), m.Config.CellRows, m.Config.CellColumns, m.Config.OwnTrunks(), colour.Version}
	if m.Config.Surroundings != nil { // models without keep their fingerprints
		config = append(config, *m.Config.Surroundings)
	}
	return m.fingerprint(config, ownTrunks)
}

// FacetModel is the fingerprint of all that facets come from: the heads, their calibration, and how colours
// are read.
func (m *Model) FacetModel() string {
	config := []any{m.Config.Facets, colour.Version}
	if m.Config.Surroundings != nil {
		config = append(config, *m.Config.Surroundings)
	}
	return m.fingerprint(config, facetPrefix, ownTrunks)
}
