package models

import (
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/stretchr/testify/require"
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
	c, weights, err := ImportONNX(testBackend(t), file, DefaultONNXOptions())
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
