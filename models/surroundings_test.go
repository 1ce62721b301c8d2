package models

import (
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// TestSurroundingsArePooledAroundTheBox in the photo's own pixels, wherever the photo lies in the network's input.
func TestSurroundingsArePooledAroundTheBox(t *testing.T) {
	// A photo of 40 x 80 pixels in the middle of an input of 60 x 80, of which there is a feature for each 10.
	placement := photo.Placement{Region: photo.Box{XMax: 40, YMax: 80}, Inside: photo.Box{XMin: 10, XMax: 50, YMax: 80}}
	whole := WholeFeatures{Rows: 8, Columns: 6, Stride: 10, Placement: placement}
	for y := range whole.Rows {
		for x := range whole.Columns {
			whole.Features = append(whole.Features, float32(y), float32(x))
		}
	}
	box := photo.Box{XMin: 10, YMin: 20, XMax: 30, YMax: 40}
	for name, test := range map[string]struct {
		config SurroundingsConfig
		want   []float32
	}{
		"the box":               {SurroundingsConfig{Rows: 1, Columns: 1}, []float32{2.5, 2.5}},
		"its halves":            {SurroundingsConfig{Rows: 2, Columns: 1}, []float32{2, 2.5, 3, 2.5}},
		"below":                 {SurroundingsConfig{Below: 1, Rows: 2, Columns: 1}, []float32{2.5, 2.5, 4.5, 2.5}},
		"above":                 {SurroundingsConfig{Above: 1, Rows: 2, Columns: 1}, []float32{0.5, 2.5, 2.5, 2.5}},
		"beside":                {SurroundingsConfig{Beside: 0.5, Rows: 1, Columns: 2}, []float32{2.5, 1.5, 2.5, 3.5}},
		"a quarter of features": {SurroundingsConfig{Rows: 1, Columns: 4}, []float32{2.5, 2, 2.5, 2, 2.5, 3, 2.5, 3}},
		"beyond the input":      {SurroundingsConfig{Below: 5, Rows: 2, Columns: 1}, []float32{4.5, 2.5, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			require.InDeltaSlice(t, test.want, test.config.Cells(whole, box), 1e-5)
		})
	}
}

// TestSurroundingsOfNothing: a box without an area has none, which are numbers still.
func TestSurroundingsOfNothing(t *testing.T) {
	whole := WholeFeatures{Features: []float32{1, 2, 3, 4}, Rows: 2, Columns: 2, Stride: 16, Placement: photo.Placement{Region: photo.Box{XMax: 32, YMax: 32}, Inside: photo.Box{XMax: 32, YMax: 32}}}
	require.Equal(t, make([]float32, 6), SurroundingsConfig{Rows: 3, Columns: 2}.Cells(whole, photo.Box{XMin: 5, YMin: 5, XMax: 5, YMax: 9}))
}

// TestFacetsOfSurroundings: a head reads them behind the cells of its trunk, and the other one those alone.
func TestFacetsOfSurroundings(t *testing.T) {
	facet := func(name string, surroundings bool) FacetConfig {
		return FacetConfig{Facet: catalog.Facet{Name: name, Labels: []string{"a"}}, Temperature: 1, Surroundings: surroundings}
	}
	const around = 192 // kleid-s's channels
	weight := func(columns int) *Tensor {
		w := NewTensor(1, columns)
		w.Data[0], w.Data[columns-1] = 1, 10
		return w
	}
	m := &Model{
		Config: Config{Backbone: "kleid-s", Surroundings: &SurroundingsConfig{Rows: 1, Columns: 1}, Facets: []FacetConfig{facet("length", true), facet("fit", false)}},
		Weights: Weights{
			"facets.length.weight": weight(3 + around), "facets.length.bias": {Shape: []int{1}, Data: []float32{0}},
			"facets.fit.weight": weight(3), "facets.fit.bias": {Shape: []int{1}, Data: []float32{0}},
		},
	}
	cells := make([]float32, 3+around)
	cells[0], cells[2], cells[2+around] = 1, 2, 3
	logits := MustNewExec(testBackend(t), m.FacetsGraph).MustExec(tensors.FromFlatDataAndDimensions(cells, 1, len(cells)))[0]
	require.Equal(t, []float32{1 + 30, 1 + 20}, tensors.MustCopyFlatData[float32](logits))

	without := &Model{Config: m.Config, Weights: m.Weights}
	without.Config.Surroundings = nil
	require.NotEqual(t, m.FacetCells(), without.FacetCells(), "an index of the one has not kept what the other reads")
	require.NotEqual(t, m.FacetModel(), without.FacetModel(), "and other answers follow from it")
	require.Equal(t, m.EmbeddingModel(), without.EmbeddingModel(), "which stays")
}
