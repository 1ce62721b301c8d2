package models

import (
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/stretchr/testify/require"
)

// TestONNXTrains: what exporters write where nothing is to be done does not stop gradients, and what does is known before
// photos are read.
func TestONNXTrains(t *testing.T) {
	integers := func(g *onnxGraph, name string, values ...int64) string {
		g.tensors[name] = g.newTensorMessage(values, len(values))
		setText(g.tensors[name], "name", name)
		return name
	}
	network := func(pad int64) (Config, Weights) {
		file := smallONNX(t, []int{-1, 3, -1, -1}, func(g *onnxGraph) []onnxNode {
			pool := onnxNode{op: "AveragePool", inputs: []string{"b"}, outputs: []string{"c"}, attributes: map[string]any{
				"kernel_shape": []int64{2, 2}, "strides": []int64{2, 2}, "pads": []int64{0, 0, 0, 0}, "count_include_pad": int64(1),
			}}
			return []onnxNode{
				onnxConv(g, "x", "a", 3, 2, 2, 0), {op: "Dropout", inputs: []string{"a"}, outputs: []string{"b"}}, pool,
				{op: "Pad", inputs: []string{"c", integers(g, "around", 0, 0, pad, pad, 0, 0, pad, pad)}, outputs: []string{"d"}},
				onnxConv(g, "d", "e", 16, 1+2*int(pad), 1, 0), {op: "Identity", inputs: []string{"e"}, outputs: []string{"y"}},
			}
		})
		c, weights, err := importONNX(testBackend(t), file, DefaultONNXOptions())
		require.NoError(t, err)
		config, err := ConfigForONNX(c)
		require.NoError(t, err)
		require.NoError(t, config.CheckTrunk(testBackend(t), weights, false))
		return config, weights
	}
	config, weights := network(0)
	require.NoError(t, config.CheckTrunk(testBackend(t), weights, true))
	trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node {
		return []*Node{ReduceAllMean(Square(AddScalar(config.ONNX.backbone().Build(net, in[0]), -1)))}
	}, TrainerOptions{Initial: weights, Seed: 1})
	require.NoError(t, err)
	_, err = trainer.Step(1e-2, randomPixels(3, 2, 8, 8, 3))
	require.NoError(t, err)
	trained, err := trainer.Weights()
	require.NoError(t, err)
	for name := range weights {
		require.NotEqual(t, weights[name], trained[name], name)
	}

	config, weights = network(1)
	require.ErrorContains(t, config.CheckTrunk(testBackend(t), weights, true), "onnx: the network cannot be trained, only stay as it is: ")
}
