package models

import (
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// TestCellFocus weighs a cell's columns by their distance from the middle, and lets what is alike stay what it is.
func TestCellFocus(t *testing.T) {
	backend := testBackend(t)
	config := Config{CellRows: 1, CellColumns: 2, CellFocus: 0.5}
	cells := func(config Config, row ...float32) []float32 {
		exec, err := NewExec(backend, func(features *Node) *Node { return config.embeddingCells(features, nil) })
		require.NoError(t, err)
		out, err := exec.Exec1(tensors.FromFlatDataAndDimensions(row, 1, 1, len(row), 1))
		require.NoError(t, err)
		data, err := tensors.CopyFlatData[float32](out)
		require.NoError(t, err)
		return data
	}
	require.InDeltaSlice(t, []float32{3, 3}, cells(config, 3, 3, 3, 3), 1e-5)
	middle, border := cells(config, 0, 1, 0, 0), cells(config, 1, 0, 0, 0)
	// exp(-(1/4)²/(2·(1/2)²)) and exp(-(3/4)²/(2·(1/2)²)), as shares of their sum
	require.InDeltaSlice(t, []float32{0.7311, 0}, middle, 1e-3)
	require.InDeltaSlice(t, []float32{0.2689, 0}, border, 1e-3)
	config.CellFocus = 0
	require.InDeltaSlice(t, []float32{0.5, 0}, cells(config, 1, 0, 0, 0), 1e-5)
}

// Cells that end within a feature take their shares of it, and all together the mean of all.
func TestCellsOfAnySize(t *testing.T) {
	features := make([]float32, 5*3)
	for i := range features {
		features[i] = float32(i)
	}
	cells := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(x *Node) *Node { return Cells(x, 2, 3) }).MustExec1(tensors.FromFlatDataAndDimensions(features, 1, 5, 3, 1)))
	// The rows begin with 0, 3, 6, 9, 12; half of the third is in each cell.
	require.InDeltaSlice(t, []float64{2.4, 3.4, 4.4, 9.6, 10.6, 11.6}, []float64{float64(cells[0]), float64(cells[1]), float64(cells[2]), float64(cells[3]), float64(cells[4]), float64(cells[5])}, 1e-5)
}

// TestFacetsOfRoots: a head reads the roots of its cells, with their signs, and the other one the cells.
func TestFacetsOfRoots(t *testing.T) {
	facet := func(name string, roots bool) FacetConfig {
		return FacetConfig{Facet: catalog.Facet{Name: name, Labels: []string{"a"}}, Temperature: 1, Roots: roots}
	}
	weight := &Tensor{Shape: []int{1, 3}, Data: []float32{1, 10, 100}}
	m := &Model{
		Config: Config{Facets: []FacetConfig{facet("cut", true), facet("fit", false)}},
		Weights: Weights{
			"facets.cut.weight": weight, "facets.cut.bias": {Shape: []int{1}, Data: []float32{0.5}},
			"facets.fit.weight": weight, "facets.fit.bias": {Shape: []int{1}, Data: []float32{0.5}},
		},
	}
	cells := tensors.FromValue([][]float32{{9, 0, -16}})
	logits := MustNewExec(testBackend(t), m.FacetsGraph).MustExec(cells)[0]
	require.InDeltaSlice(t, []float32{3 + 0.5 - 400, 9 + 0.5 - 1600}, tensors.MustCopyFlatData[float32](logits), 1e-3)
	plain := &Model{Config: Config{Facets: []FacetConfig{facet("cut", false), facet("fit", false)}}, Weights: m.Weights}
	require.NotEqual(t, m.FacetModel(), plain.FacetModel())
	require.Equal(t, m.FacetCells(), plain.FacetCells(), "both read what an index keeps of a dress")
}
