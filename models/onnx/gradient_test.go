package onnx

import (
	"maps"
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// gradients of the sum of a network's features, by weight.
func gradients(t testing.TB, n *Network, weights map[string]Tensor, photos *tensors.Tensor) (map[string][]float32, error) {
	t.Helper()
	names := slices.Sorted(maps.Keys(weights))
	inputs := []any{photos}
	for _, name := range names {
		inputs = append(inputs, tensors.FromFlatDataAndDimensions(weights[name].Data, weights[name].Shape...))
	}
	outputs, err := MustNewExec(testBackend(t), func(in []*Node) []*Node {
		y := n.Build(in[0], func(name string, _ []int, _ bool) *Node { return in[1+slices.Index(names, name)] })
		return Gradient(ReduceAllSum(y), in[1:]...)
	}).Exec(inputs...)
	if err != nil {
		return nil, err
	}
	found := map[string][]float32{}
	for i, name := range names {
		found[name] = tensors.MustCopyFlatData[float32](outputs[i])
	}
	return found, nil
}

// TestTrains: what exporters write where nothing is to be done does not stop gradients.
func TestTrains(t *testing.T) {
	integers := func(g *graph, name string, values ...int64) string {
		g.tensors[name] = g.newTensorMessage(values, len(values))
		setText(g.tensors[name], "name", name)
		return name
	}
	trained := func(pad int64) (map[string][]float32, error) {
		file := small(t, []int{-1, 3, -1, -1}, func(g *graph) []node {
			pool := node{op: "AveragePool", inputs: []string{"b"}, outputs: []string{"c"}, attributes: map[string]any{
				"kernel_shape": []int64{2, 2}, "strides": []int64{2, 2}, "pads": []int64{0, 0, 0, 0}, "count_include_pad": int64(1),
			}}
			return []node{
				conv(g, "x", "a", 3, 2, 2, 0), {op: "Dropout", inputs: []string{"a"}, outputs: []string{"b"}}, pool,
				{op: "Pad", inputs: []string{"c", integers(g, "around", 0, 0, pad, pad, 0, 0, pad, pad)}, outputs: []string{"d"}},
				conv(g, "d", "e", 16, 1+2*int(pad), 1, 0), {op: "Identity", inputs: []string{"e"}, outputs: []string{"y"}},
			}
		})
		n, weights, err := Read(testBackend(t), file, nil, plain)
		require.NoError(t, err)
		return gradients(t, n, weights, madeUpPicture(2, 8, 8))
	}
	found, err := trained(0)
	require.NoError(t, err)
	require.Len(t, found, 2)
	for name, gradient := range found {
		require.NotContains(t, gradient, float32(0), name)
	}
	_, err = trained(1)
	require.Error(t, err, "GoMLX's Pad has no gradient")
}

// TestReductionsTrain: gradients go through sums, lengths and maxima, also through lengths of zero.
func TestReductionsTrain(t *testing.T) {
	file := small(t, []int{-1, 3, -1, -1}, func(g *graph) []node {
		over := func(op, x, y string) node {
			return node{op: op, inputs: []string{x}, outputs: []string{y}, attributes: map[string]any{"axes": []int64{1}}}
		}
		return []node{
			conv(g, "x", "a", 3, 2, 2, 0), over("ReduceL2", "a", "length"), over("ReduceMax", "a", "largest"), over("ReduceSum", "a", "sum"),
			{op: "Sum", inputs: []string{"a", "length", "largest", "sum"}, outputs: []string{"y"}},
		}
	})
	n, weights, err := Read(testBackend(t), file, nil, plain)
	require.NoError(t, err)
	gradient := func(photos *tensors.Tensor) []float32 {
		found, err := gradients(t, n, weights, photos)
		require.NoError(t, err)
		for _, v := range found["a.kernel"] {
			require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0), v)
		}
		return found["a.kernel"]
	}
	nothing := gradient(tensors.FromFlatDataAndDimensions(make([]float32, 8*8*3), 1, 8, 8, 3))
	require.Equal(t, make([]float32, len(nothing)), nothing, "nothing is learned from nothing")
	require.NotEqual(t, nothing, gradient(madeUpPicture(1, 8, 8)))
}
