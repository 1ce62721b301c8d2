package models

import (
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// TestPlaceWeights: places with the dress's colours count more, those around it less, and all together as much as before.
func TestPlaceWeights(t *testing.T) {
	c := DefaultConfig()
	c.DressWeight = 3
	likelihoods := make([]float32, c.CropHeight*c.CropWidth)
	for i := range likelihoods {
		if x := i % c.CropWidth; x >= 40 && x < 80 && i/c.CropWidth >= 32 {
			likelihoods[i] = 0.8
		}
	}
	weights := c.PlaceWeights(likelihoods, 16)
	require.Len(t, weights, 15*8)
	var sum float32
	for _, w := range weights {
		sum += w
	}
	require.InDelta(t, 15*8, sum, 1e-3)
	beside := weights[0]
	for i, w := range weights { // the dress begins in the third row and in the middle of the third column
		want := [8]float32{1, 1, 2.2, 3.4, 3.4, 1, 1, 1}[i%8]
		if i < 2*8 {
			want = 1
		}
		require.InDelta(t, want, w/beside, 1e-5)
	}

	c.SpatialTransformer = &SpatialTransformerConfig{}
	require.False(t, c.WeighsPlaces(), "features are not where their pixels were")
	c.SpatialTransformer, c.DressWeight = nil, 0
	require.False(t, c.WeighsPlaces())
}

// TestCellsOfWeighedPlaces: a cell is the sum of its places by their weights, divided by how many they are.
func TestCellsOfWeighedPlaces(t *testing.T) {
	c := Config{CellRows: 1, CellColumns: 2, DressWeight: 1}
	cells := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(features, weights *Node) *Node {
		return c.embeddingCells(features, weights)
	}).MustExec1(
		tensors.FromFlatDataAndDimensions([]float32{1, 10, 2, 20, 3, 30, 4, 40}, 1, 1, 4, 2),
		tensors.FromFlatDataAndDimensions([]float32{0.5, 1.5, 2, 0}, 1, 1, 4),
	))
	require.InDeltaSlice(t, []float32{1.75, 17.5, 3, 30}, cells, 1e-5)
}

// evenWeights are those of crops in which every place is dress as likely as any other.
func evenWeights(m *Model, crops *Node) *Node {
	if !m.Config.WeighsPlaces() {
		return nil
	}
	return Ones(crops.Graph(), shapes.Make(dtypes.Float32, crops.Shape().Dimensions[0], m.Config.CropHeight/16, m.Config.CropWidth/16))
}

// TestWeightsAreNotForgotten: a model that weighs places is not read without weights, nor another one with some.
func TestWeightsAreNotForgotten(t *testing.T) {
	for _, c := range []Config{{CellRows: 1, CellColumns: 2, DressWeight: 1}, {CellRows: 1, CellColumns: 2}} {
		exec := MustNewExec(testBackend(t), func(features *Node) *Node {
			if c.WeighsPlaces() {
				return c.embeddingCells(features, nil)
			}
			return c.embeddingCells(features, Ones(features.Graph(), shapes.Make(dtypes.Float32, 1, 1, 4)))
		})
		_, err := exec.Exec1(tensors.FromFlatDataAndDimensions(make([]float32, 8), 1, 1, 4, 2))
		require.ErrorContains(t, err, "weighs places")
	}
}
