package models

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// TestParts change with what their answers depend on, and with nothing else.
func TestParts(t *testing.T) {
	shipped, err := Default()
	require.NoError(t, err)
	before := shipped.Parts()
	facets := func(parts map[string]string) (names []string) {
		for name := range parts {
			if name != LocationPart && name != EmbeddingsPart && name != overridePart {
				names = append(names, name)
			}
		}
		return names
	}
	all := slices.Collect(maps.Keys(before))
	for name, test := range map[string]struct {
		change func(m *Model)
		want   []string
	}{
		"nothing":     {func(*Model) {}, nil},
		"notes":       {func(m *Model) { m.Config.Notes = map[string]string{NoteCode: "v2"} }, nil},
		"a head":      {func(m *Model) { m.Weights["facets.sleeve.bias"].Data[0]++ }, []string{"facets.sleeve"}},
		"temperature": {func(m *Model) { m.Config.Facets[0].Temperature++ }, []string{FacetPart(shipped.Config.Facets[0].Name)}},
		"a trunk of its own": {func(m *Model) {
			m.SetTrunk("own", Weights{"weight": NewTensor(1)}, "sleeve")
		}, []string{"facets.sleeve"}},
		"DeepRank":   {func(m *Model) { m.Weights["deeprank.weight"].Data[0]++ }, []string{EmbeddingsPart, overridePart}},
		"directions": {func(m *Model) { m.Weights[OverrideName("deeprank", "sleeve")].Data[0]++ }, []string{overridePart}},
		"location":   {func(m *Model) { m.Weights["location.out.bias"].Data[0]++ }, all},
		"edges":      {func(m *Model) { m.Weights["refine.edges.top.2.bias"].Data[0]++ }, all},
		"crops":      {func(m *Model) { m.Config.CropMargin++ }, append(facets(before), EmbeddingsPart, overridePart)},
		"a facet more": {func(m *Model) {
			m.Config.Facets = append(m.Config.Facets, FacetConfig{Facet: catalog.Facet{Name: "fit", Labels: []string{"a"}}, Temperature: 1})
		}, nil},
	} {
		m := &Model{Config: shipped.Config, Weights: shipped.Weights.Clone()}
		m.Config.Facets = slices.Clone(m.Config.Facets)
		test.change(m)
		after := m.Parts()
		var changed []string
		for part, fingerprint := range before {
			if after[part] != fingerprint {
				changed = append(changed, part)
			}
		}
		require.ElementsMatch(t, test.want, changed, name)
	}
}
