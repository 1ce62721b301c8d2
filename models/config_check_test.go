package models

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models/onnx"
)

// TestConfigurationsAreChecked where a model is read: a photo would be too late.
func TestConfigurationsAreChecked(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"crop_height is -240":                       func(c *Config) { c.CropHeight = -240 },
		"crop_width is 1048576":                     func(c *Config) { c.CropWidth = 1 << 20 },
		"patch_height is -1":                        func(c *Config) { c.PatchHeight = -1 },
		"cell_rows is 0":                            func(c *Config) { c.CellRows = 0 },
		"embedding_size is 0":                       func(c *Config) { c.EmbeddingSize = 0 },
		"the number of scales is 0":                 func(c *Config) { c.Scales = nil },
		"a scale's width is 0":                      func(c *Config) { c.Scales[1][1] = 0 },
		"crop_margin is -5":                         func(c *Config) { c.CropMargin = -5 },
		"cell_focus is -1":                          func(c *Config) { c.CellFocus = -1 },
		`the temperature of facet "sleeve" is 0`:    func(c *Config) { c.Facets[0].Temperature = 0 },
		`the temperature of facet "sleeve" is 1.79`: func(c *Config) { c.Facets[0].Temperature = math.MaxFloat64 },
		"the surroundings' rows is 0":               func(c *Config) { c.Surroundings.Rows = 0 },
		"the surroundings reach -1 below":           func(c *Config) { c.Surroundings.Below = -1 },
		"the second look's rows is 0":               func(c *Config) { c.Refine.Rows = 0 },
		"the second look's columns is 4611686":      func(c *Config) { c.Refine.Columns = 1 << 62 },
		"dress_weight is -1":                        func(c *Config) { c.DressWeight = -1 },
		"dress_weight is 1e+37":                     func(c *Config) { c.DressWeight = 1e37 },
		"the edges' height is 0":                    func(c *Config) { c.Refine.Edges.Height = 0 },
		"the edges' width is 8193":                  func(c *Config) { c.Refine.Edges.Width = mostPixels + 1 },
		"the edges' margin is -1":                   func(c *Config) { c.Refine.Edges.Margin = -1 },
		"looked at again is -1":                     func(c *Config) { c.Refine.Candidates = -1 },
		"the ONNX network's stride is 0":            func(c *Config) { c.ONNX.Stride = 0 },
		"the ONNX network's batch is -1":            func(c *Config) { c.ONNX.Batch = -1 },
		`facet "sleeve" reads surroundings`:         func(c *Config) { c.Facets[0].Surroundings, c.Surroundings = true, nil },
		`facet "sleeve" has no labels`:              func(c *Config) { c.Facets[0].Labels = nil },
		"there are 4097 facets":                     func(c *Config) { c.Facets = slices.Repeat(c.Facets, mostFacets+1) },
		`facet "sleeve" has 16385 labels`:           func(c *Config) { c.Facets[0].Labels = slices.Repeat(c.Facets[0].Labels, mostLabels+1) },
		"or of a label of it, has 4097 bytes":       func(c *Config) { c.Facets[0].Labels = []string{strings.Repeat("x", mostNameBytes+1)} },
		"the column facet_sleeve":                   func(c *Config) { c.Facets = append(c.Facets, c.Facets[0]) },
	} {
		t.Run(want, func(t *testing.T) {
			m := &Model{Config: DefaultConfig(), Weights: Weights{}}
			surroundings := DefaultSurroundingsConfig()
			m.Config.Surroundings = &surroundings
			refine := DefaultRefineConfig()
			refine.Edges = DefaultEdgesConfig()
			m.Config.Refine, m.Config.ONNX = &refine, &onnx.Network{Stride: 16, Channels: 96}
			m.Config.Facets = []FacetConfig{{Facet: catalog.Facet{Name: "sleeve", Labels: []string{"long"}}, Temperature: 1}}
			var file bytes.Buffer
			require.NoError(t, m.Encode(&file, Float32))
			_, err := Decode(file.Bytes())
			require.NoError(t, err)
			change(&m.Config)
			file.Reset()
			require.NoError(t, m.Encode(&file, Float32))
			_, err = Decode(file.Bytes())
			require.ErrorContains(t, err, "model: configuration: ")
			require.ErrorContains(t, err, want)
		})
	}
}
