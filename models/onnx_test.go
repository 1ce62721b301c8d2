package models

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// onnxGolden is what ONNX Runtime computed (scripts/onnx-goldens).
type onnxGolden struct {
	Height, Width int
	Layer         string
	Features      map[string]struct { // by batch size
		Shape  []int
		Values []float64
	}
}

func readONNXGolden(t *testing.T, name string) (file []byte, golden onnxGolden) {
	t.Helper()
	file, err := os.ReadFile("testdata/onnx/" + name + ".onnx")
	require.NoError(t, err)
	data, err := os.ReadFile("testdata/onnx/" + name + ".json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &golden))
	return file, golden
}

// madeUpPicture is the goldens' picture.
func madeUpPicture(batch, height, width int) *tensors.Tensor {
	pixels := make([]float32, batch*height*width*3)
	for i, v := range madeUp("input", len(pixels)) {
		pixels[i] = 4 * float32(v)
	}
	return tensors.FromFlatDataAndDimensions(pixels, batch, height, width, 3)
}

// TestONNXAgainstONNXRuntime builds networks from elsewhere and compares features, through a model's file too.
func TestONNXAgainstONNXRuntime(t *testing.T) {
	for name, want := range map[string]ONNXConfig{
		"vit":       {Height: 32, Width: 32, ChannelsFirst: true, Layout: ONNXTokens, Prefix: 1, Stride: 8, Channels: 24},
		"convnext":  {ChannelsFirst: true, Layout: ONNXChannelsFirst, Stride: 16, Channels: 32},
		"operators": {ChannelsFirst: true, Layout: ONNXChannelsFirst, Stride: 2, Channels: 8},
		"opset9":    {Batch: 1, Height: 32, Width: 24, Layout: ONNXChannelsLast, Stride: 4, Channels: 5},
	} {
		t.Run(name, func(t *testing.T) {
			file, golden := readONNXGolden(t, name)
			c, weights, err := ImportONNX(testBackend(t), file, DefaultONNXOptions())
			require.NoError(t, err)
			require.Equal(t, golden.Layer, c.Layer, "the last layer that has places is the one to take")
			require.Equal(t, want, ONNXConfig{
				Batch: c.Batch, Height: c.Height, Width: c.Width, ChannelsFirst: c.ChannelsFirst, Layout: c.Layout, Prefix: c.Prefix, Stride: c.Stride, Channels: c.Channels,
			})
			require.Less(t, len(c.Graph), 40_000, "the large weights are not in it")
			config, err := ConfigForONNX(c)
			require.NoError(t, err)
			m := &Model{Config: config, Weights: Weights{}}
			m.Weights.Merge("trunk.", weights)
			var b bytes.Buffer
			require.NoError(t, m.Encode(&b, Float32))
			m, err = Decode(b.Bytes())
			require.NoError(t, err)
			backbone, err := m.Trunk()
			require.NoError(t, err)
			for text, want := range golden.Features {
				batch, err := strconv.Atoi(text)
				require.NoError(t, err)
				net := NewFrozenNet(m.Weights)
				got := MustNewExec(testBackend(t), func(x *Node) *Node {
					return backbone.Build(net.In("trunk"), x)
				}).MustExec1(madeUpPicture(batch, golden.Height, golden.Width))
				require.Equal(t, want.Shape, got.Shape().Dimensions)
				require.Empty(t, net.Unused())
				largest := slices.MaxFunc(want.Values, func(a, b float64) int { return int(math.Copysign(1, math.Abs(a)-math.Abs(b))) })
				for i, v := range tensors.MustCopyFlatData[float32](got) {
					require.InDelta(t, want.Values[i], v, 1e-4*math.Abs(largest), "at %d of %d photos", i, batch)
				}
			}
		})
	}
}
