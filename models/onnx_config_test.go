package models

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models/onnx"
)

// TestConfigForONNX: what models read is in whole cells, and no more than the network reads.
func TestConfigForONNX(t *testing.T) {
	for name, test := range map[string]struct {
		network onnx.Network
		crop    []int // height, width, and the cells' rows and columns
		scales  [][2]int
	}{
		"fixed":    {onnx.Network{Height: 32, Width: 32, Stride: 8}, []int{32, 32, 4, 2}, [][2]int{{32, 24}, {24, 24}, {24, 16}, {16, 16}}},
		"any size": {onnx.Network{Stride: 32}, []int{192, 128, 6, 2}, [][2]int{{224, 160}, {160, 128}, {128, 96}, {96, 64}}},
	} {
		config, err := ConfigForONNX(&test.network)
		require.NoError(t, err, name)
		require.Equal(t, test.crop, []int{config.CropHeight, config.CropWidth, config.CellRows, config.CellColumns}, name)
		require.Equal(t, test.scales, config.Scales, name)
	}
	for _, network := range []onnx.Network{{Stride: 16}, {Height: 224, Width: 224, Stride: 16}, {Height: 280, Width: 280, Stride: 40}} {
		_, err := ConfigForONNX(&network)
		require.NoError(t, err)
	}
	_, err := ConfigForONNX(&onnx.Network{Height: 100, Width: 100, Stride: 32})
	require.ErrorContains(t, err, "not a multiple of its stride")
}
