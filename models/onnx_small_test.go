package models

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// smallONNX is the file of a network that reads "x" of a shape, -1 for any size; it gives what its last node gives.
func smallONNX(t testing.TB, shape []int, build func(g *onnxGraph) []onnxNode) []byte {
	t.Helper()
	file, _ := readONNXGolden(t, "convnext")
	g, err := readONNX(file)
	require.NoError(t, err)
	clear(g.tensors)
	g.nodes = build(g)
	data, err := g.encode(map[string][]int{"x": shape}, "y")
	require.NoError(t, err)
	return data
}

// madeUpTensor adds a tensor of numbers between 0.5 and 1.5 to a graph and returns its name.
func madeUpTensor(g *onnxGraph, name string, dims ...int) string {
	tensor := NewTensor(dims...)
	for i, v := range madeUp(name, len(tensor.Data)) {
		tensor.Data[i] = 1 + float32(v)
	}
	g.tensors[name] = g.newTensorMessage(tensor.Data, dims...)
	setText(g.tensors[name], "name", name)
	return name
}

// TestONNXStatisticsAreNotTrained: means and variances of batch normalisation stay, also after a checkpoint.
func TestONNXStatisticsAreNotTrained(t *testing.T) {
	file := smallONNX(t, []int{-1, 3, -1, -1}, func(g *onnxGraph) []onnxNode {
		kernel := madeUpTensor(g, "kernel", 16, 3, 2, 2)
		norm := func(x, y, variance string) onnxNode {
			return onnxNode{op: "BatchNormalization", inputs: []string{x, madeUpTensor(g, y+".scale", 16), madeUpTensor(g, y+".bias", 16), madeUpTensor(g, y+".mean", 16), variance}, outputs: []string{y}}
		}
		return []onnxNode{
			{op: "Identity", inputs: []string{madeUpTensor(g, "variance", 16)}, outputs: []string{"shared"}},
			{op: "Conv", inputs: []string{"x", kernel}, outputs: []string{"c"}, attributes: map[string]any{"strides": []int64{2, 2}}},
			norm("c", "n", "variance"), norm("n", "y", "shared"),
		}
	})
	c, weights, err := importONNX(testBackend(t), file, DefaultONNXOptions())
	require.NoError(t, err)
	start := func() *Trainer {
		trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node {
			return []*Node{ReduceAllMean(Square(AddScalar(c.backbone().Build(net, in[0]), -1)))}
		}, TrainerOptions{Initial: weights, Seed: 1, WeightDecay: 0.1})
		require.NoError(t, err)
		return trainer
	}
	step := func(trainer *Trainer) {
		_, err := trainer.Step(1e-2, randomPixels(3, 2, 8, 8, 3))
		require.NoError(t, err)
		trained, err := trainer.Weights()
		require.NoError(t, err)
		for _, name := range []string{"variance", "n.mean", "y.mean"} {
			require.Equal(t, weights[name], trained[name], name)
		}
		for _, name := range []string{"kernel", "n.scale", "y.scale", "y.bias"} {
			require.NotEqual(t, weights[name], trained[name], name)
		}
	}
	trainer := start()
	step(trainer)
	state, counters, err := trainer.State()
	require.NoError(t, err)
	again := start()
	require.NoError(t, again.Restore(state, counters))
	step(again)
}

// onnxConv is a convolution of x with a square kernel from 3 channels or 16 to 16.
func onnxConv(g *onnxGraph, x, y string, in, kernel, stride, pad int) onnxNode {
	s, p := int64(stride), int64(pad)
	return onnxNode{
		op: "Conv", inputs: []string{x, madeUpTensor(g, y+".kernel", 16, in, kernel, kernel)}, outputs: []string{y},
		attributes: map[string]any{"strides": []int64{s, s}, "pads": []int64{p, p, p, p}},
	}
}

func onnxMaxPool(x, y string) onnxNode {
	return onnxNode{op: "MaxPool", inputs: []string{x}, outputs: []string{y}, attributes: map[string]any{"kernel_shape": []int64{3, 3}, "strides": []int64{2, 2}}}
}

// alexNet has AlexNet's sizes (https://arxiv.org/abs/1404.5997): 224 x 224 become 6 x 6.
func alexNet(g *onnxGraph) []onnxNode {
	return []onnxNode{onnxConv(g, "x", "a", 3, 11, 4, 2), onnxMaxPool("a", "b"), onnxConv(g, "b", "c", 16, 5, 1, 2), onnxMaxPool("c", "d"), onnxMaxPool("d", "y")}
}

// unpadded has Inception v3's sizes (https://arxiv.org/abs/1512.00567): 299 x 299 become 8 x 8, 256 x 192 become 6 x 4
// and 224 x 224 become 5 x 5, which cells of 48 x 48 would explain, too.
func unpadded(g *onnxGraph) []onnxNode {
	return []onnxNode{
		onnxConv(g, "x", "a", 3, 3, 2, 0), onnxConv(g, "a", "b", 16, 3, 1, 0), onnxMaxPool("b", "c"), onnxConv(g, "c", "d", 16, 3, 1, 0),
		onnxMaxPool("d", "e"), onnxMaxPool("e", "f"), onnxMaxPool("f", "y"),
	}
}

// TestONNXStrides takes a layer only where its places lie evenly, at whatever size the network may read.
func TestONNXStrides(t *testing.T) {
	fixed, free := []int{-1, 3, 224, 224}, []int{-1, 3, -1, -1}
	padded := func(g *onnxGraph) []onnxNode {
		return []onnxNode{onnxConv(g, "x", "a", 3, 3, 2, 1), onnxConv(g, "a", "b", 16, 7, 4, 3), onnxConv(g, "b", "y", 16, 2, 2, 0)}
	}
	flattened := func(g *onnxGraph) []onnxNode { // 28 x 28 places, and no other number
		nodes := append(padded(g)[:2], onnxNode{op: "Flatten", inputs: []string{"b"}, outputs: []string{"f"}, attributes: map[string]any{"axis": int64(1)}})
		return append(nodes, onnxNode{op: "MatMul", inputs: []string{"f", madeUpTensor(g, "w", 16*28*28, 2)}, outputs: []string{"y"}})
	}
	for name, test := range map[string]struct {
		shape   []int
		build   func(g *onnxGraph) []onnxNode
		options ONNXOptions
		stride  int
		read    []int // batch, height and width, where they are fixed
		refused string
	}{
		"padded, any size":           {shape: free, build: padded, stride: 16, read: []int{0, 0, 0}},
		"padded, fixed":              {shape: fixed, build: padded, stride: 16, read: []int{0, 224, 224}},
		"AlexNet, fixed":             {shape: fixed, build: alexNet, refused: "no layer has a place for each part of photos of 224 x 224, in even steps of whole pixels: name another layer by --onnx-layer"},
		"AlexNet, any size":          {shape: free, build: alexNet, refused: "no layer has a place for each part of photos of 256 x 192 and photos of 448 x 320"},
		"unpadded, any size":         {shape: free, build: unpadded, refused: "a size that the steps divide by --onnx-size"},
		"unpadded, layer":            {shape: free, build: unpadded, options: ONNXOptions{Layer: "y"}, refused: `layer "y" gives [2 16 6 4] for photos of 256 x 192 and [2 16 12 8] for photos of 448 x 320`},
		"unpadded, size":             {shape: free, build: unpadded, options: ONNXOptions{Height: 280, Width: 280}, stride: 40, read: []int{0, 280, 280}},
		"one size in truth":          {shape: free, build: flattened, stride: 8, read: []int{0, 224, 224}},
		"one size in truth, batch 1": {shape: []int{1, 3, -1, -1}, build: flattened, stride: 8, read: []int{1, 224, 224}},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Mean, test.options.Deviation = imageNetMean, imageNetDeviation
			c, _, err := importONNX(testBackend(t), smallONNX(t, test.shape, test.build), test.options)
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.stride, c.Stride)
			require.Equal(t, test.read, []int{c.Batch, c.Height, c.Width})
			_, err = ConfigForONNX(c)
			require.NoError(t, err)
		})
	}
}

// TestONNXRowsAreNotLost: a network that gives more places than its stride says is refused, not cut.
func TestONNXRowsAreNotLost(t *testing.T) {
	file := smallONNX(t, []int{-1, 3, -1, -1}, func(g *onnxGraph) []onnxNode { return []onnxNode{onnxConv(g, "x", "y", 3, 2, 2, 0)} })
	c, weights, err := importONNX(testBackend(t), file, DefaultONNXOptions())
	require.NoError(t, err)
	require.Equal(t, 2, c.Stride)
	c.Stride = 4
	_, err = MustNewExec(testBackend(t), func(x *Node) *Node { return c.backbone().Build(NewFrozenNet(weights), x) }).Exec1(madeUpPicture(1, 16, 16))
	require.Error(t, err)
}

// TestONNXIndicesFromTheEnd: -1 is the last place of an axis, as an index of a tensor, of a shape, and of several.
func TestONNXIndicesFromTheEnd(t *testing.T) {
	gather := func(g *onnxGraph, x, y string, axis int64, dims []int, indices ...int64) []onnxNode {
		value := g.newTensorMessage(indices, dims...)
		return []onnxNode{
			{op: "Constant", outputs: []string{y + ".at"}, attributes: map[string]any{"value": value}},
			{op: "Gather", inputs: []string{x, y + ".at"}, outputs: []string{y}, attributes: map[string]any{"axis": axis}},
		}
	}
	pooled := onnxNode{op: "MaxPool", inputs: []string{"x"}, outputs: []string{"p"}, attributes: map[string]any{"kernel_shape": []int64{2, 2}, "strides": []int64{2, 2}}}
	features := func(build func(g *onnxGraph) []onnxNode) []float32 {
		file := smallONNX(t, []int{-1, 3, -1, -1}, func(g *onnxGraph) []onnxNode { return append([]onnxNode{pooled}, build(g)...) })
		c, weights, err := importONNX(testBackend(t), file, ONNXOptions{Height: 16, Width: 12, Layer: "y", Deviation: [3]float32{1, 1, 1}})
		require.NoError(t, err)
		out := MustNewExec(testBackend(t), func(x *Node) *Node { return c.backbone().Build(NewFrozenNet(weights), x) }).MustExec1(madeUpPicture(2, 16, 12))
		return tensors.MustCopyFlatData[float32](out)
	}
	channels := func(indices ...int64) []float32 {
		return features(func(g *onnxGraph) []onnxNode { return gather(g, "p", "y", 1, []int{len(indices)}, indices...) })
	}
	require.Equal(t, channels(2, 0, 1), channels(-1, 0, -2))
	times := func(axis int64) []float32 { // the features times one of their own sizes
		return features(func(g *onnxGraph) []onnxNode {
			nodes := append([]onnxNode{{op: "Shape", inputs: []string{"p"}, outputs: []string{"s"}}}, gather(g, "s", "n", 0, nil, axis)...)
			return append(nodes, onnxNode{op: "Cast", inputs: []string{"n"}, outputs: []string{"f"}, attributes: map[string]any{"to": int64(onnxFloat32)}},
				onnxNode{op: "Mul", inputs: []string{"p", "f"}, outputs: []string{"y"}})
		})
	}
	require.Equal(t, times(3), times(-1))
	require.NotEqual(t, times(0), times(-1))
}

// TestONNXPaddingsOfTorch: how torch's older exporter writes what to pad, which it lists from the last axis on.
func TestONNXPaddingsOfTorch(t *testing.T) {
	file := smallONNX(t, []int{-1, 3, -1, -1}, func(g *onnxGraph) []onnxNode {
		constant := func(name string, values ...int64) string {
			g.tensors[name] = g.newTensorMessage(values, len(values))
			setText(g.tensors[name], "name", name)
			return name
		}
		node := func(op, y string, inputs ...string) onnxNode {
			return onnxNode{op: op, inputs: inputs, outputs: []string{y}}
		}
		columns := node("Gather", "columns", "s", constant("axis", 3))
		columns.attributes = map[string]any{"axis": int64(0)}
		pads := node("Concat", "listed", constant("left", 1), "right", constant("others", 1, 0, 0, 0, 0, 0))
		pads.attributes = map[string]any{"axis": int64(0)}
		turned := node("Transpose", "turned", "backwards")
		turned.attributes = map[string]any{"perm": []int64{1, 0}}
		return []onnxNode{
			node("Shape", "s", "x"), columns, node("Neg", "n", "columns"), node("Mod", "right", "n", constant("window", 4)), // 2 of 6 columns
			pads, node("Reshape", "pairs", "listed", constant("two", -1, 2)),
			node("Slice", "backwards", "pairs", constant("from", -1), constant("to", math.MinInt64+1), constant("first", 0), constant("step", -1)),
			turned, node("Reshape", "pads", "turned", constant("all", -1)), node("Pad", "y", "x", "pads", ""),
		}
	})
	model, err := readONNX(file)
	require.NoError(t, err)
	require.NoError(t, model.rewrite())
	_, err = (&ONNXConfig{}).takeWeights(model)
	require.NoError(t, err)
	data, err := model.encode(map[string][]int{"x": {-1, -1, -1, -1}}, "y")
	require.NoError(t, err)
	network, err := parseONNX(data)
	require.NoError(t, err)
	got := MustNewExec(testBackend(t), func(x *Node) *Node {
		return network.CallGraph(nil, x.Graph(), map[string]*Node{"x": x}, "y")[0]
	}).MustExec1(tensors.FromFlatDataAndDimensions([]float32{1, 2, 3, 4, 5, 6}, 1, 1, 1, 6))
	require.Equal(t, []int{1, 1, 2, 9}, got.Shape().Dimensions)
	require.Equal(t, []float32{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0}, tensors.MustCopyFlatData[float32](got))
}

// TestONNXLargestOfConstantPlaces: onnx-gomlx compiles and runs a graph for each slice whose places it must compute first.
func TestONNXLargestOfConstantPlaces(t *testing.T) {
	file := smallONNX(t, []int{-1, 3, -1, -1}, func(*onnxGraph) []onnxNode {
		return []onnxNode{{op: "ReduceMax", inputs: []string{"x"}, outputs: []string{"y"}, attributes: map[string]any{"axes": []int64{1, 3}}}}
	})
	g, err := readONNX(file)
	require.NoError(t, err)
	require.NoError(t, g.rewrite())
	constant, slices := map[string]bool{}, 0
	for _, n := range g.nodes {
		if n.op == "Constant" {
			constant[n.outputs[0]] = true
		}
		if n.op != "Slice" {
			continue
		}
		slices++
		for _, place := range n.inputs[1:] {
			require.True(t, constant[place], place)
		}
	}
	require.Positive(t, slices)
}

// TestONNXHostileFiles: a few bytes that no exporter writes are an error, not the end of the program.
func TestONNXHostileFiles(t *testing.T) {
	for want, file := range hostileONNX(t) {
		t.Run(want, func(t *testing.T) {
			_, _, err := importONNX(testBackend(t), file, DefaultONNXOptions())
			require.ErrorContains(t, err, want)
		})
	}
}

// hostileONNX are such files, by what is said of them.
func hostileONNX(t testing.TB) map[string][]byte {
	files := map[string][]byte{}
	hostile := func(want string, build func(g *onnxGraph) []onnxNode) {
		files[want] = smallONNX(t, []int{-1, 3, -1, -1}, build)
	}
	// a tensor that says it has other dimensions than its 16 numbers have
	claims := func(g *onnxGraph, name string, values any, dims ...int) string {
		g.tensors[name] = g.newTensorMessage(values, dims...)
		setText(g.tensors[name], "name", name)
		return name
	}
	for _, dims := range [][]int{{1 << 40}, {-1}, {1 << 31, 1 << 32}, {1 << 32, 1 << 32}, {-4, -4}, {17}} {
		hostile(fmt.Sprintf("tensor %q of shape %v", "w", dims), func(g *onnxGraph) []onnxNode {
			return []onnxNode{{op: "Add", inputs: []string{"x", claims(g, "w", make([]float32, 16), dims...)}, outputs: []string{"y"}}}
		})
		hostile(fmt.Sprintf("tensor %q of shape %v", "of an operation", dims), func(g *onnxGraph) []onnxNode {
			value := g.newTensorMessage(make([]int64, 16), dims...)
			setText(value, "name", "of an operation")
			return []onnxNode{
				{op: "Constant", outputs: []string{"c"}, attributes: map[string]any{"value": value}},
				{op: "Reshape", inputs: []string{"x", "c"}, outputs: []string{"y"}},
			}
		})
	}
	for _, dims := range [][]int{{}, {16}, {4, 4}} {
		hostile(fmt.Sprintf("its kernel has shape %v", dims), func(g *onnxGraph) []onnxNode {
			return []onnxNode{{op: "Conv", inputs: []string{"x", madeUpTensor(g, "w", dims...)}, outputs: []string{"y"}}}
		})
	}
	for _, op := range []string{"Sum", "MaxPool", "AveragePool", "Relu", "BatchNormalization"} {
		hostile("operation "+op+` "": it has no input`, func(*onnxGraph) []onnxNode { return []onnxNode{{op: op, outputs: []string{"y"}}} })
	}
	hostile("operation AveragePool \"counted\": it has no input", func(*onnxGraph) []onnxNode {
		return []onnxNode{{op: "AveragePool", name: "counted", outputs: []string{"y"}, attributes: map[string]any{"count_include_pad": int64(1), "pads": []int64{1, 1, 1, 1}}}}
	})
	hostile("steps backwards are not supported", func(g *onnxGraph) []onnxNode {
		at := func(name string, v int64) string { return claims(g, name, []int64{v}, 1) }
		return []onnxNode{{op: "Slice", inputs: []string{"x", at("from", -1), at("to", -1<<62), at("axis", 1), at("step", -2)}, outputs: []string{"y"}}}
	})
	hostile("it goes over 100000 axes, more than a tensor has", func(*onnxGraph) []onnxNode {
		return []onnxNode{{op: "ReduceMax", inputs: []string{"x"}, outputs: []string{"y"}, attributes: map[string]any{"axes": make([]int64, 100_000)}}}
	})
	hostile("it has 250 operations, which take more than 131072 to write", func(*onnxGraph) (nodes []onnxNode) {
		for i := range 250 {
			x, y := fmt.Sprint("m", i-1), fmt.Sprint("m", i)
			switch i {
			case 0:
				x = "x"
			case 249:
				y = "y"
			}
			nodes = append(nodes, onnxNode{op: "ReduceMax", inputs: []string{x}, outputs: []string{y}, attributes: map[string]any{"axes": make([]int64, mostAxes)}})
		}
		return nodes
	})
	hostile("takes more memory than there is", func(g *onnxGraph) []onnxNode { // for numbers that a shape is read from
		return []onnxNode{
			{op: "Expand", inputs: []string{claims(g, "one", []int64{1}, 1), claims(g, "times", []int64{1 << 45}, 1)}, outputs: []string{"many"}},
			{op: "Reshape", inputs: []string{"x", "many"}, outputs: []string{"y"}},
		}
	})
	hostile("the axes that it goes over are not known", func(*onnxGraph) []onnxNode {
		return []onnxNode{{op: "ReduceL2", inputs: []string{"x"}, outputs: []string{"y"}}}
	})
	hostile(`reads "y", which nothing before it gives`, func(*onnxGraph) []onnxNode {
		return []onnxNode{{op: "Add", inputs: []string{"x", "y"}, outputs: []string{"z"}}, {op: "Relu", inputs: []string{"z"}, outputs: []string{"y"}}}
	})
	hostile("the network cannot be read", func(g *onnxGraph) []onnxNode { // an attribute without its tensor
		node := g.graph().NewField(field(g.graph(), "node")).List().NewElement().Message()
		value := node.NewField(field(node, "attribute")).List().NewElement().Message()
		setText(value, "name", "value")
		value.Set(field(value, "type"), protoreflect.ValueOfEnum(onnxAttributeTensor))
		return []onnxNode{{op: "Constant", outputs: []string{"c"}, attributes: map[string]any{"value": value}}, {op: "Add", inputs: []string{"x", "c"}, outputs: []string{"y"}}}
	})
	hostile(`gives "a", which is given before`, func(g *onnxGraph) []onnxNode {
		return []onnxNode{{op: "Relu", inputs: []string{"x"}, outputs: []string{"a"}}, {op: "Relu", inputs: []string{"a"}, outputs: []string{"y"}}, aBranch(g, "a", "y", "b")}
	})
	hostile(`reads "b", which nothing before it gives`, func(g *onnxGraph) []onnxNode {
		return []onnxNode{aBranch(g, "a", "b", "y"), {op: "Relu", inputs: []string{"x"}, outputs: []string{"z"}}}
	})
	return files
}

// aBranch is an If with a graph in it that reads one name and gives another.
func aBranch(g *onnxGraph, inner, reads, y string) onnxNode {
	node := g.graph().NewField(field(g.graph(), "node")).List().NewElement().Message()
	branch := node.NewField(field(node, "attribute")).List().NewElement().Message()
	setText(branch, "name", "then_branch")
	const kind = 5 // GRAPH
	branch.Set(field(branch, "type"), protoreflect.ValueOfEnum(kind))
	inside := appended(branch.Mutable(field(branch, "g")).Message(), "node")
	setText(inside, "op_type", "Relu")
	setTexts(inside, "input", []string{reads})
	setTexts(inside, "output", []string{inner})
	return onnxNode{op: "If", inputs: []string{"x"}, outputs: []string{y}, attributes: map[string]any{"then_branch": branch}}
}
