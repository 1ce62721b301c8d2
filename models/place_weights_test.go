package models

import (
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// TestPlaceWeights: places with the dress's colours count more, those around it less, and all together as much as before.
func TestPlaceWeights(t *testing.T) {
	c := DefaultConfig()
	c.DressWeight = 3
	likelihoods := make([]float32, c.CropHeight*c.CropWidth)
	for i := range likelihoods {
		if x := i % c.CropWidth; x >= 40 && x < 80 {
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
	for i, w := range weights { // the dress begins in the middle of the third column
		require.InDelta(t, [8]float32{1, 1, 2.2, 3.4, 3.4, 1, 1, 1}[i%8], w/beside, 1e-5)
	}

	c.SpatialTransformer = &SpatialTransformerConfig{}
	require.False(t, c.WeighsPlaces(), "features are not where their pixels were")
	c.SpatialTransformer, c.DressWeight = nil, 0
	require.False(t, c.WeighsPlaces())
}

// TestCellsOfWeighedPlaces: a cell is the mean of its places, each by its weight.
func TestCellsOfWeighedPlaces(t *testing.T) {
	c := Config{CellRows: 1, CellColumns: 2}
	cells := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(features, weights *Node) *Node {
		return c.embeddingCells(features, weights)
	}).MustExec1(
		tensors.FromFlatDataAndDimensions([]float32{1, 10, 2, 20, 3, 30, 4, 40}, 1, 1, 4, 2),
		tensors.FromFlatDataAndDimensions([]float32{0.5, 1.5, 2, 0}, 1, 1, 4),
	))
	require.InDeltaSlice(t, []float32{1.75, 17.5, 3, 30}, cells, 1e-5)
}
