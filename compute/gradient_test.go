package compute_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// scoreOf is a scalar of a network with every kind of layer that we train: convolutions (3x3, strided,
// 1x1 shortcut), batch normalisation, ReLU, max and mean pools, a dense layer.
// Inputs: x [n, 12, 12, 3], filters, scale, offset, dense weights, bias.
func scoreOf(in []*Node) *Node {
	x, w1, w2, w3, scale, offset, dense, bias := in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7]
	y := Convolve(x, w1).PadSame().Done()
	y, _, _ = InternalBatchNormForTraining(y, scale, offset, 1e-3, 3)
	y = Max(y, ZerosLike(y))
	y = MaxPool(y).Window(3).Strides(2).PadSame().Done()
	shortcut := Convolve(y, w3).Strides(2).PadSame().Done()
	y = Add(Tanh(Convolve(y, w2).Strides(2).PadSame().Done()), shortcut)
	y = MeanPool(y).Window(2).Strides(1).Done()
	y = Reshape(y, y.Shape().Dimensions[0], -1)
	y = Add(Dot(y, dense), ExpandLeftToRank(bias, 2))
	y = LogSoftmax(y)
	return Neg(ReduceAllMean(Slice(y, AxisRange(), AxisRange(0, 1))))
}

func TestGradientsByFiniteDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	shapesOf := [][]int{{4, 12, 12, 3}, {3, 3, 3, 8}, {3, 3, 8, 16}, {1, 1, 8, 16}, {8}, {8}, {64, 5}, {5}}
	inputs64 := make([]*tensors.Tensor, len(shapesOf))
	inputs32 := make([]*tensors.Tensor, len(shapesOf))
	flats := make([][]float64, len(shapesOf))
	for i, dims := range shapesOf {
		inputs64[i] = random(rng, dtypes.Float64, dims...)
		flats[i] = values(t, inputs64[i])
		narrow := make([]float32, len(flats[i]))
		for j := range narrow {
			narrow[j] = float32(flats[i][j])
			flats[i][j] = float64(narrow[j])
		}
		inputs32[i] = tensors.FromFlatDataAndDimensions(narrow, dims...)
		inputs64[i] = tensors.FromFlatDataAndDimensions(flats[i], dims...)
	}
	backend := newBackend(t, "")
	gradients := func(in []*Node) []*Node { return Gradient(scoreOf(in), in...) }
	exact := run(t, backend, gradients, inputs64...)

	// In float64 (the plain kernels), along random directions.
	score := func(inputs []*tensors.Tensor) float64 {
		return values(t, run(t, backend, func(in []*Node) []*Node { return []*Node{scoreOf(in)} }, inputs...)[0])[0]
	}
	const epsilon = 1e-6
	for i, dims := range shapesOf {
		direction := values(t, random(rng, dtypes.Float64, dims...))
		var want float64
		moved := [2]*tensors.Tensor{}
		for side, sign := range []float64{1, -1} {
			flat := make([]float64, len(direction))
			for j, d := range direction {
				flat[j] = flats[i][j] + sign*epsilon*d
			}
			moved[side] = tensors.FromFlatDataAndDimensions(flat, dims...)
		}
		for j, g := range values(t, exact[i]) {
			want += g * direction[j]
		}
		at := func(x *tensors.Tensor) float64 {
			inputs := append([]*tensors.Tensor{}, inputs64...)
			inputs[i] = x
			return score(inputs)
		}
		require.InDelta(t, want, (at(moved[0])-at(moved[1]))/(2*epsilon), 1e-5*max(1, want), "input %d", i)
	}

	// And in float32, the fast kernels, against float64.
	fast := run(t, backend, gradients, inputs32...)
	for i := range fast {
		requireClose(t, values(t, exact[i]), values(t, fast[i]), 1e-4, "gradient %d", i)
	}
}
