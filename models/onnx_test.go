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

func readONNXGolden(t testing.TB, name string) (file []byte, golden onnxGolden) {
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
		// of which the weights are in a file beside it
		"reductions": {Height: 28, Width: 20, ChannelsFirst: true, Layout: ONNXChannelsFirst, Stride: 4, Channels: 24},
	} {
		t.Run(name, func(t *testing.T) {
			_, golden := readONNXGolden(t, name)
			c, weights, err := LoadONNX(t.Context(), testBackend(t), "testdata/onnx/"+name+".onnx", DefaultONNXOptions())
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

// changedONNX is a golden network after a change to its graph.
func changedONNX(t *testing.T, name string, change func(g *onnxGraph)) []byte {
	t.Helper()
	file, _ := readONNXGolden(t, name)
	g, err := readONNX(file)
	require.NoError(t, err)
	input, shape, err := g.input()
	require.NoError(t, err)
	outputs := g.outputs()
	change(g)
	data, err := g.encode(map[string][]int{input: shape}, outputs...)
	require.NoError(t, err)
	return data
}

func TestONNXRefusals(t *testing.T) {
	vit, _ := readONNXGolden(t, "vit")
	first := func(op string) func(g *onnxGraph) *onnxNode {
		return func(g *onnxGraph) *onnxNode {
			i := slices.IndexFunc(g.nodes, func(n onnxNode) bool { return n.op == op })
			return &g.nodes[i]
		}
	}
	for want, c := range map[string]struct {
		data    []byte
		options func(o *ONNXOptions)
	}{
		"not an ONNX file": {data: []byte("no network at all")},
		"onnx:":            {data: vit[:len(vit)/2]},
		`the network has no layer "nothing"; its last ones are`: {data: vit, options: func(o *ONNXOptions) { o.Layer = "nothing" }},
		"but features have a place for each part":               {data: vit, options: func(o *ONNXOptions) { o.Layer = "/Softmax_89" }},
		"the network reads 32 x 32, not 64 x 64":                {data: vit, options: func(o *ONNXOptions) { o.Height, o.Width = 64, 64 }},
		"needs a height and a width":                            {data: vit, options: func(o *ONNXOptions) { o.Height = 64 }},
		"divide those of 0..255 by 255":                         {data: vit, options: func(o *ONNXOptions) { o.Mean[0] = 123.7 }},
		"mean [0.485 0.456 0.406] and deviation [255 1 1] are":  {data: vit, options: func(o *ONNXOptions) { o.Deviation = [3]float32{255, 1, 1} }},
		"deviations above zero":                                 {data: vit, options: func(o *ONNXOptions) { o.Deviation[1] = 0 }},
		`operation "Conv" is of the domain "com.microsoft"`:     {data: changedONNX(t, "convnext", func(g *onnxGraph) { first("Conv")(g).domain = "com.microsoft" })},
		`unimplemented ONNX op "Einsum"`:                        {data: changedONNX(t, "vit", func(g *onnxGraph) { first("Softmax")(g).op = "Einsum" })},
		"auto_pad SAME_UPPER is not supported":                  {data: changedONNX(t, "convnext", func(g *onnxGraph) { first("Conv")(g).attributes["auto_pad"] = "SAME_UPPER" })},
		"ceil_mode is not supported":                            {data: changedONNX(t, "operators", func(g *onnxGraph) { first("MaxPool")(g).attributes["ceil_mode"] = int64(1) })},
		"dilations are not supported":                           {data: changedONNX(t, "operators", func(g *onnxGraph) { first("MaxPool")(g).attributes["dilations"] = []int64{2, 2} })},
		"export with opset 13 or later": {data: changedONNX(t, "opset9", func(g *onnxGraph) {
			*first("MaxPool")(g) = onnxNode{op: "Softmax", inputs: first("MaxPool")(g).inputs, outputs: first("MaxPool")(g).outputs}
		})},
	} {
		t.Run(want, func(t *testing.T) {
			options := DefaultONNXOptions()
			if c.options != nil {
				c.options(&options)
			}
			_, _, err := importONNX(testBackend(t), c.data, options)
			require.ErrorContains(t, err, want)
		})
	}
}

// TestONNXSizes gives a network of fixed size whatever fits into it, and refuses what does not.
func TestONNXSizes(t *testing.T) {
	file, golden := readONNXGolden(t, "vit")
	c, weights, err := importONNX(testBackend(t), file, DefaultONNXOptions())
	require.NoError(t, err)
	config, err := ConfigForONNX(c)
	require.NoError(t, err)
	require.Equal(t, []int{32, 32, 4, 2}, []int{config.CropHeight, config.CropWidth, config.CellRows, config.CellColumns})
	require.Equal(t, [][2]int{{32, 24}, {24, 24}, {24, 16}, {16, 16}}, config.Scales)
	backbone, err := config.Trunk()
	require.NoError(t, err)
	build := func(x *tensors.Tensor) (*tensors.Tensor, error) {
		return MustNewExec(testBackend(t), func(x *Node) *Node { return backbone.Build(NewFrozenNet(weights), x) }).Exec1(x)
	}
	whole := tensors.MustCopyFlatData[float32](madeUpPicture(1, 32, 32))
	var part, padded []float32 // the upper left 24 x 16, and with zeros around
	for y := range 32 {
		for x := range 32 {
			pixel := whole[3*(y*32+x) : 3*(y*32+x+1)]
			if y < 24 && x < 16 {
				part, padded = append(part, pixel...), append(padded, pixel...)
			} else {
				padded = append(padded, 0, 0, 0)
			}
		}
	}
	got, err := build(tensors.FromFlatDataAndDimensions(part, 1, 24, 16, 3))
	require.NoError(t, err)
	require.Equal(t, []int{1, 3, 2, c.Channels}, got.Shape().Dimensions)
	want, err := build(tensors.FromFlatDataAndDimensions(padded, 1, 32, 32, 3))
	require.NoError(t, err)
	all, cut := tensors.MustCopyFlatData[float32](want), tensors.MustCopyFlatData[float32](got)
	require.Equal(t, all[4*c.Channels:6*c.Channels], cut[2*c.Channels:4*c.Channels], "the second row's first two cells")
	_, err = build(madeUpPicture(1, 40, 32))
	require.ErrorContains(t, err, "reads photos of 32 x 32, not of 40 x 32")

	// One that reads some photos at once gets so many after the other.
	for _, batch := range []int{1, 2, 4} {
		some := *c
		some.Batch = batch
		backbone = some.backbone()
		got, err = build(madeUpPicture(3, 32, 32))
		require.NoError(t, err)
		values := tensors.MustCopyFlatData[float32](got)
		require.Len(t, values, len(golden.Features["3"].Values))
		for i, v := range golden.Features["3"].Values {
			require.InDelta(t, v, values[i], 1e-3)
		}
	}

	any := *c
	any.Height, any.Width, any.Stride = 0, 0, 32
	config, err = ConfigForONNX(&any)
	require.NoError(t, err)
	require.Equal(t, []int{192, 128, 6, 2}, []int{config.CropHeight, config.CropWidth, config.CellRows, config.CellColumns})
	require.Equal(t, [][2]int{{224, 160}, {160, 128}, {128, 96}, {96, 64}}, config.Scales)
	any.Height, any.Width = 100, 100
	_, err = ConfigForONNX(&any)
	require.ErrorContains(t, err, "not a multiple of its stride")
}

// TestONNXModel follows such a trunk through what a model does: fingerprints, int8, which it refuses, training.
func TestONNXModel(t *testing.T) {
	file, _ := readONNXGolden(t, "convnext")
	c, weights, err := importONNX(testBackend(t), file, DefaultONNXOptions())
	require.NoError(t, err)
	config, err := ConfigForONNX(c)
	require.NoError(t, err)
	m := &Model{Config: config, Weights: Weights{}}
	m.Weights.Merge("trunk.", weights)
	fingerprint := m.EmbeddingModel()
	for what, change := range map[string]func(m *Model){
		"a weight":  func(m *Model) { m.Weights["trunk."+slices.Min(weights.Names())].Data[0]++ },
		"the mean":  func(m *Model) { m.Config.ONNX.Mean[1] = 0.3 },
		"the graph": func(m *Model) { m.Config.ONNX.Graph = m.Config.ONNX.Graph[1:] },
		"the layer": func(m *Model) { m.Config.ONNX.Layer = "another" },
	} {
		own := *c
		changed := &Model{Config: config, Weights: m.Weights.Clone()}
		changed.Config.ONNX = &own
		change(changed)
		require.NotEqual(t, fingerprint, changed.EmbeddingModel(), what)
	}
	require.Equal(t, fingerprint, m.EmbeddingModel())
	_, err = m.Calibrate(testBackend(t))
	require.ErrorContains(t, err, "cannot be turned into int8")

	// Trained further, its own weights move, and what is trained computes what is frozen.
	backbone, err := m.Trunk()
	require.NoError(t, err)
	trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node {
		return []*Node{ReduceAllMean(Square(AddScalar(backbone.Build(net.In("trunk"), in[0]), -1)))}
	}, TrainerOptions{Initial: m.Weights, Seed: 1})
	require.NoError(t, err)
	x := randomPixels(3, 2, 64, 48, 3)
	frozen := func(w Weights) float64 {
		return float64(tensors.ToScalar[float32](MustNewExec(testBackend(t), func(x *Node) *Node {
			return ReduceAllMean(Square(AddScalar(backbone.Build(NewFrozenNet(w).In("trunk"), x), -1)))
		}).MustExec1(x)))
	}
	first, err := trainer.Step(0, x)
	require.NoError(t, err)
	require.InEpsilon(t, frozen(m.Weights), first[0], 1e-4)
	kept, err := trainer.Weights()
	require.NoError(t, err)
	require.Equal(t, m.Weights, kept, "in the file's layout")
	for range 3 {
		_, err = trainer.Step(1e-3, x)
		require.NoError(t, err)
	}
	trained, err := trainer.Weights()
	require.NoError(t, err)
	require.Less(t, frozen(trained), first[0])

	m.Config.ONNX = nil
	_, err = m.Trunk()
	require.ErrorContains(t, err, "no ONNX network")
}
