package models

import (
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
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

// TestONNXReductionsTrain: gradients go through sums, lengths and maxima, also through lengths of zero.
func TestONNXReductionsTrain(t *testing.T) {
	file := smallONNX(t, []int{-1, 3, -1, -1}, func(g *onnxGraph) []onnxNode {
		over := func(op, x, y string) onnxNode {
			return onnxNode{op: op, inputs: []string{x}, outputs: []string{y}, attributes: map[string]any{"axes": []int64{1}}}
		}
		return []onnxNode{
			onnxConv(g, "x", "a", 3, 2, 2, 0), over("ReduceL2", "a", "length"), over("ReduceMax", "a", "largest"), over("ReduceSum", "a", "sum"),
			{op: "Sum", inputs: []string{"a", "length", "largest", "sum"}, outputs: []string{"y"}},
		}
	})
	c, weights, err := importONNX(testBackend(t), file, DefaultONNXOptions())
	require.NoError(t, err)
	kernel := weights["a.kernel"]
	gradient := func(picture []float32) *Tensor {
		trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node {
			return []*Node{ReduceAllSum(c.backbone().Build(net, in[0]))}
		}, TrainerOptions{Initial: weights, Seed: 1})
		require.NoError(t, err)
		_, err = trainer.Step(1e-2, tensors.FromFlatDataAndDimensions(picture, 1, 8, 8, 3))
		require.NoError(t, err)
		trained, err := trainer.Weights()
		require.NoError(t, err)
		require.NoError(t, trained.CheckFinite())
		return trained["a.kernel"]
	}
	require.Equal(t, kernel, gradient(make([]float32, 8*8*3)), "nothing is learned from nothing")
	require.NotEqual(t, kernel, gradient(tensors.MustCopyFlatData[float32](madeUpPicture(1, 8, 8))))
}
