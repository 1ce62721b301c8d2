package onnx

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// TestIndicesFromTheEnd: -1 is the last place of an axis, as an index of a tensor, of a shape, and of several.
func TestIndicesFromTheEnd(t *testing.T) {
	gather := func(g *graph, x, y string, axis int64, dims []int, indices ...int64) []node {
		value := g.newTensorMessage(indices, dims...)
		return []node{
			{op: "Constant", outputs: []string{y + ".at"}, attributes: map[string]any{"value": value}},
			{op: "Gather", inputs: []string{x, y + ".at"}, outputs: []string{y}, attributes: map[string]any{"axis": axis}},
		}
	}
	pooled := node{op: "MaxPool", inputs: []string{"x"}, outputs: []string{"p"}, attributes: map[string]any{"kernel_shape": []int64{2, 2}, "strides": []int64{2, 2}}}
	features := func(build func(g *graph) []node) []float32 {
		file := small(t, []int{-1, 3, -1, -1}, func(g *graph) []node { return append([]node{pooled}, build(g)...) })
		n, weights, err := Read(testBackend(t), file, nil, Options{Height: 16, Width: 12, Layer: "y", Deviation: [3]float32{1, 1, 1}})
		require.NoError(t, err)
		return tensors.MustCopyFlatData[float32](featuresOf(t, n, weights, madeUpPicture(2, 16, 12)))
	}
	channels := func(indices ...int64) []float32 {
		return features(func(g *graph) []node { return gather(g, "p", "y", 1, []int{len(indices)}, indices...) })
	}
	require.Equal(t, channels(2, 0, 1), channels(-1, 0, -2))
	times := func(axis int64) []float32 { // the features times one of their own sizes
		return features(func(g *graph) []node {
			nodes := append([]node{{op: "Shape", inputs: []string{"p"}, outputs: []string{"s"}}}, gather(g, "s", "n", 0, nil, axis)...)
			return append(nodes, node{op: "Cast", inputs: []string{"n"}, outputs: []string{"f"}, attributes: map[string]any{"to": int64(typeFloat)}},
				node{op: "Mul", inputs: []string{"p", "f"}, outputs: []string{"y"}})
		})
	}
	require.Equal(t, times(3), times(-1))
	require.NotEqual(t, times(0), times(-1))
}

// TestPaddingsOfTorch: how torch's older exporter writes what to pad, which it lists from the last axis on.
func TestPaddingsOfTorch(t *testing.T) {
	file := small(t, []int{-1, 3, -1, -1}, func(g *graph) []node {
		constant := func(name string, values ...int64) string {
			g.tensors[name] = g.newTensorMessage(values, len(values))
			setText(g.tensors[name], "name", name)
			return name
		}
		operation := func(op, y string, inputs ...string) node {
			return node{op: op, inputs: inputs, outputs: []string{y}}
		}
		columns := operation("Gather", "columns", "s", constant("axis", 3))
		columns.attributes = map[string]any{"axis": int64(0)}
		pads := operation("Concat", "listed", constant("left", 1), "right", constant("others", 1, 0, 0, 0, 0, 0))
		pads.attributes = map[string]any{"axis": int64(0)}
		turned := operation("Transpose", "turned", "backwards")
		turned.attributes = map[string]any{"perm": []int64{1, 0}}
		return []node{
			operation("Shape", "s", "x"), columns, operation("Neg", "n", "columns"), operation("Mod", "right", "n", constant("window", 4)), // 2 of 6 columns
			pads, operation("Reshape", "pairs", "listed", constant("two", -1, 2)),
			operation("Slice", "backwards", "pairs", constant("from", -1), constant("to", math.MinInt64+1), constant("first", 0), constant("step", -1)),
			turned, operation("Reshape", "pads", "turned", constant("all", -1)), operation("Pad", "y", "x", "pads", ""),
		}
	})
	model, err := readGraph(file)
	require.NoError(t, err)
	require.NoError(t, model.rewrite())
	_, err = (&Network{}).takeWeights(model)
	require.NoError(t, err)
	data, err := model.encode(map[string][]int{"x": {-1, -1, -1, -1}}, "y")
	require.NoError(t, err)
	network, err := parse(data)
	require.NoError(t, err)
	got := MustNewExec(testBackend(t), func(x *Node) *Node {
		return network.CallGraph(nil, x.Graph(), map[string]*Node{"x": x}, "y")[0]
	}).MustExec1(tensors.FromFlatDataAndDimensions([]float32{1, 2, 3, 4, 5, 6}, 1, 1, 1, 6))
	require.Equal(t, []int{1, 1, 2, 9}, got.Shape().Dimensions)
	require.Equal(t, []float32{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0}, tensors.MustCopyFlatData[float32](got))
}

// TestLargestOfConstantPlaces: onnx-gomlx compiles and runs a graph for each slice whose places it must compute first.
func TestLargestOfConstantPlaces(t *testing.T) {
	file := small(t, []int{-1, 3, -1, -1}, func(*graph) []node {
		return []node{{op: "ReduceMax", inputs: []string{"x"}, outputs: []string{"y"}, attributes: map[string]any{"axes": []int64{1, 3}}}}
	})
	g, err := readGraph(file)
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
