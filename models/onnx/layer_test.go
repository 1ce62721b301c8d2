package onnx

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// alexNet has AlexNet's sizes (https://arxiv.org/abs/1404.5997): 224 x 224 become 6 x 6.
func alexNet(g *graph) []node {
	return []node{conv(g, "x", "a", 3, 11, 4, 2), maxPool("a", "b"), conv(g, "b", "c", 16, 5, 1, 2), maxPool("c", "d"), maxPool("d", "y")}
}

// unpadded has Inception v3's sizes (https://arxiv.org/abs/1512.00567): 299 x 299 become 8 x 8, 256 x 192 become 6 x 4
// and 224 x 224 become 5 x 5, which cells of 48 x 48 would explain, too.
func unpadded(g *graph) []node {
	return []node{
		conv(g, "x", "a", 3, 3, 2, 0), conv(g, "a", "b", 16, 3, 1, 0), maxPool("b", "c"), conv(g, "c", "d", 16, 3, 1, 0),
		maxPool("d", "e"), maxPool("e", "f"), maxPool("f", "y"),
	}
}

// TestStrides takes a layer only where its places lie evenly, at whatever size the network may read.
func TestStrides(t *testing.T) {
	fixed, free := []int{-1, 3, 224, 224}, []int{-1, 3, -1, -1}
	padded := func(g *graph) []node {
		return []node{conv(g, "x", "a", 3, 3, 2, 1), conv(g, "a", "b", 16, 7, 4, 3), conv(g, "b", "y", 16, 2, 2, 0)}
	}
	flattened := func(g *graph) []node { // 28 x 28 places, and no other number
		nodes := append(padded(g)[:2], node{op: "Flatten", inputs: []string{"b"}, outputs: []string{"f"}, attributes: map[string]any{"axis": int64(1)}})
		return append(nodes, node{op: "MatMul", inputs: []string{"f", madeUpTensor(g, "w", 16*28*28, 2)}, outputs: []string{"y"}})
	}
	for name, test := range map[string]struct {
		shape   []int
		build   func(g *graph) []node
		options Options
		stride  int
		read    []int // batch, height and width, where they are fixed
		refused string
	}{
		"padded, any size":           {shape: free, build: padded, stride: 16, read: []int{0, 0, 0}},
		"padded, fixed":              {shape: fixed, build: padded, stride: 16, read: []int{0, 224, 224}},
		"AlexNet, fixed":             {shape: fixed, build: alexNet, refused: "no layer has a place for each part of photos of 224 x 224, in even steps of whole pixels: name another layer by --onnx-layer"},
		"AlexNet, any size":          {shape: free, build: alexNet, refused: "no layer has a place for each part of photos of 256 x 192 and photos of 448 x 320"},
		"unpadded, any size":         {shape: free, build: unpadded, refused: "a size that the steps divide by --onnx-size"},
		"unpadded, layer":            {shape: free, build: unpadded, options: Options{Layer: "y"}, refused: `layer "y" gives [2 16 6 4] for photos of 256 x 192 and [2 16 12 8] for photos of 448 x 320`},
		"unpadded, size":             {shape: free, build: unpadded, options: Options{Height: 280, Width: 280}, stride: 40, read: []int{0, 280, 280}},
		"one size in truth":          {shape: free, build: flattened, stride: 8, read: []int{0, 224, 224}},
		"one size in truth, batch 1": {shape: []int{1, 3, -1, -1}, build: flattened, stride: 8, read: []int{1, 224, 224}},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Deviation = plain.Deviation
			n, _, err := Read(testBackend(t), small(t, test.shape, test.build), nil, test.options)
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.stride, n.Stride)
			require.Equal(t, test.read, []int{n.Batch, n.Height, n.Width})
		})
	}
}
