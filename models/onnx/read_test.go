package onnx

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// golden is what ONNX Runtime computed (scripts/onnx-goldens).
type golden struct {
	Height, Width int
	Layer         string
	Features      map[string]struct { // by batch size
		Shape  []int
		Values []float64
	}
}

func readGolden(t testing.TB, name string) (file []byte, golden golden) {
	t.Helper()
	file, err := os.ReadFile("testdata/" + name + ".onnx")
	require.NoError(t, err)
	data, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &golden))
	return file, golden
}

// TestAgainstONNXRuntime builds networks and compares features.
func TestAgainstONNXRuntime(t *testing.T) {
	for name, want := range map[string]Network{
		"vit":       {Height: 32, Width: 32, ChannelsFirst: true, Layout: Tokens, Prefix: 1, Stride: 8, Channels: 24},
		"convnext":  {ChannelsFirst: true, Layout: ChannelsFirst, Stride: 16, Channels: 32},
		"operators": {ChannelsFirst: true, Layout: ChannelsFirst, Stride: 2, Channels: 8},
		"opset9":    {Batch: 1, Height: 32, Width: 24, Layout: ChannelsLast, Stride: 4, Channels: 5},
		// of which the weights are in a file beside it
		"reductions": {Height: 28, Width: 20, ChannelsFirst: true, Layout: ChannelsFirst, Stride: 4, Channels: 24},
	} {
		t.Run(name, func(t *testing.T) {
			file, golden := readGolden(t, name)
			beside := func(file string) ([]byte, error) { return os.ReadFile(filepath.Join("testdata", file)) }
			n, weights, err := Read(testBackend(t), file, beside, plain)
			require.NoError(t, err)
			require.Equal(t, golden.Layer, n.Layer, "the last layer that has places is the one to take")
			require.Equal(t, want, Network{
				Batch: n.Batch, Height: n.Height, Width: n.Width, ChannelsFirst: n.ChannelsFirst, Layout: n.Layout, Prefix: n.Prefix, Stride: n.Stride, Channels: n.Channels,
			})
			require.Less(t, len(n.Graph), 40_000, "the large weights are not in it")
			require.Len(t, weights, len(n.Weights))
			for text, want := range golden.Features {
				batch, err := strconv.Atoi(text)
				require.NoError(t, err)
				got := featuresOf(t, n, weights, madeUpPicture(batch, golden.Height, golden.Width))
				require.Equal(t, want.Shape, got.Shape().Dimensions)
				largest := slices.MaxFunc(want.Values, func(a, b float64) int { return int(math.Copysign(1, math.Abs(a)-math.Abs(b))) })
				for i, v := range tensors.MustCopyFlatData[float32](got) {
					require.InDelta(t, want.Values[i], v, 1e-4*math.Abs(largest), "at %d of %d photos", i, batch)
				}
			}
		})
	}
}

// changed is a golden network after a change to its graph.
func changed(t *testing.T, name string, change func(g *graph)) []byte {
	t.Helper()
	file, _ := readGolden(t, name)
	g, err := readGraph(file)
	require.NoError(t, err)
	input, shape, err := g.input()
	require.NoError(t, err)
	outputs := g.outputs()
	change(g)
	data, err := g.encode(map[string][]int{input: shape}, outputs...)
	require.NoError(t, err)
	return data
}

func TestRefusals(t *testing.T) {
	vit, _ := readGolden(t, "vit")
	first := func(op string) func(g *graph) *node {
		return func(g *graph) *node {
			i := slices.IndexFunc(g.nodes, func(n node) bool { return n.op == op })
			return &g.nodes[i]
		}
	}
	for want, c := range map[string]struct {
		data    []byte
		options func(o *Options)
	}{
		"not an ONNX file": {data: []byte("no network at all")},
		"onnx:":            {data: vit[:len(vit)/2]},
		`the network has no layer "nothing"; its last ones are`: {data: vit, options: func(o *Options) { o.Layer = "nothing" }},
		"but features have a place for each part":               {data: vit, options: func(o *Options) { o.Layer = "/Softmax_89" }},
		"the network reads 32 x 32, not 64 x 64":                {data: vit, options: func(o *Options) { o.Height, o.Width = 64, 64 }},
		"needs a height and a width":                            {data: vit, options: func(o *Options) { o.Height = 64 }},
		"divide those of 0..255 by 255":                         {data: vit, options: func(o *Options) { o.Mean[0] = 123.7 }},
		"mean [0 0 0] and deviation [255 1 1] are":              {data: vit, options: func(o *Options) { o.Deviation = [3]float32{255, 1, 1} }},
		"deviations above zero":                                 {data: vit, options: func(o *Options) { o.Deviation[1] = 0 }},
		`operation "Conv" is of the domain "com.microsoft"`:     {data: changed(t, "convnext", func(g *graph) { first("Conv")(g).domain = "com.microsoft" })},
		`unimplemented ONNX op "Einsum"`:                        {data: changed(t, "vit", func(g *graph) { first("Softmax")(g).op = "Einsum" })},
		"auto_pad SAME_UPPER is not supported":                  {data: changed(t, "convnext", func(g *graph) { first("Conv")(g).attributes["auto_pad"] = "SAME_UPPER" })},
		"ceil_mode is not supported":                            {data: changed(t, "operators", func(g *graph) { first("MaxPool")(g).attributes["ceil_mode"] = int64(1) })},
		"dilations are not supported":                           {data: changed(t, "operators", func(g *graph) { first("MaxPool")(g).attributes["dilations"] = []int64{2, 2} })},
		`"/weight_1" is not finite: number 3 of it is NaN`: {data: changed(t, "convnext", func(g *graph) {
			w := newTensor(tensorDims(g.tensors["/weight_1"]))
			w.Data[3] = float32(math.NaN())
			g.tensors["/weight_1"] = g.newTensorMessage(w.Data, w.Shape...)
			setText(g.tensors["/weight_1"], "name", "/weight_1")
		})},
		"export with opset 13 or later": {data: changed(t, "opset9", func(g *graph) {
			*first("MaxPool")(g) = node{op: "Softmax", inputs: first("MaxPool")(g).inputs, outputs: first("MaxPool")(g).outputs}
		})},
	} {
		t.Run(want, func(t *testing.T) {
			options := plain
			if c.options != nil {
				c.options(&options)
			}
			_, _, err := Read(testBackend(t), c.data, nil, options)
			require.ErrorContains(t, err, want)
		})
	}
}
