package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
)

// oneBackend is shared: a tensor belongs to one backend.
var oneBackend = sync.OnceValues(func() (backends.Backend, error) { return compute.New("") })

func testBackend(t testing.TB) backends.Backend {
	backend, err := oneBackend()
	require.NoError(t, err)
	return backend
}

func randomPixels(seed uint64, dims ...int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(seed, 0))
	n := 1
	for _, d := range dims {
		n *= d
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(data, dims...)
}

// trainedBackbone takes two steps, so that no weight and no running statistic is at its start.
func trainedBackbone(t *testing.T, backbone Backbone, size int) Weights {
	trainer, err := NewTrainer(testBackend(t), func(net *Net, inputs []*Node) []*Node {
		features := backbone.Build(net.In("trunk"), inputs[0])
		return []*Node{ReduceAllMean(Square(AddScalar(features, -0.3)))}
	}, TrainerOptions{Seed: 1})
	require.NoError(t, err)
	var losses []float64
	for step := range 3 {
		l, err := trainer.Step(1e-3, randomPixels(uint64(step%2), 2, size, size, 3))
		require.NoError(t, err)
		losses = append(losses, l[0])
	}
	require.Less(t, losses[2], losses[0], "the loss on the same batch falls")
	weights, err := trainer.Weights()
	require.NoError(t, err)
	return weights
}

// TestFrozenEqualsTrained builds every backbone in both of Net's ways: batch normalisation folded into
// constants, and not folded with variables. They must agree.
func TestFrozenEqualsTrained(t *testing.T) {
	for _, backbone := range backbones {
		t.Run(backbone.Name, func(t *testing.T) {
			if testing.Short() && backbone.Name != "kleid-s" {
				t.Skip("-short tries the default backbone only")
			}
			const size = 64
			weights := trainedBackbone(t, backbone, size)
			x := randomPixels(9, 2, size, size, 3)

			frozen := MustNewExec(testBackend(t), func(x *Node) *Node {
				return backbone.Build(NewFrozenNet(weights).In("trunk"), x)
			}).MustExec1(x)
			ctx := context.New()
			unfolded := context.MustNewExec(testBackend(t), ctx, func(ctx *context.Context, x *Node) *Node {
				return backbone.Build(NewTrainingNet(ctx, weights, 0, false).In("trunk"), x)
			}).MustExec1(x)

			require.Equal(t, []int{2, size / backbone.Stride, size / backbone.Stride, backbone.Channels}, frozen.Shape().Dimensions)
			a, b := tensors.MustCopyFlatData[float32](frozen), tensors.MustCopyFlatData[float32](unfolded)
			for i := range a {
				require.InDelta(t, b[i], a[i], 1e-3*(1+math.Abs(float64(b[i]))), "at %d", i)
			}
		})
	}
}

func TestGraphLayoutRoundTrip(t *testing.T) {
	for _, shape := range [][]int{{3}, {4, 5}, {6, 2, 3, 3}} {
		want := NewTensor(shape...)
		for i := range want.Data {
			want.Data[i] = float32(i)
		}
		require.Equal(t, want, fromGraph(toGraph(want)))
	}
}

// TestResume checks that a trainer restored from a checkpoint takes the very same steps.
func TestResume(t *testing.T) {
	loss := func(net *Net, inputs []*Node) []*Node {
		x := ReLU(net.ConvNorm("conv", "bn", inputs[0], 4, 3, 2))
		return []*Node{ReduceAllMean(Square(AddScalar(x, -0.7)))}
	}
	start := func() *Trainer {
		trainer, err := NewTrainer(testBackend(t), loss, TrainerOptions{Seed: 3, WeightDecay: 0.01, Update: Update{ClipNorm: 0.1, EMA: 0.9}})
		require.NoError(t, err)
		return trainer
	}
	run := func(trainer *Trainer, from, to int) (losses []float64) {
		for step := from; step < to; step++ {
			l, err := trainer.Step(1e-2, randomPixels(uint64(step), 2, 8, 8, 3))
			require.NoError(t, err)
			losses = append(losses, l...)
		}
		return losses
	}
	whole := run(start(), 0, 6)
	first := start()
	run(first, 0, 3)
	state, counters, err := first.State()
	require.NoError(t, err)
	second := start()
	require.NoError(t, second.Restore(state, counters))
	require.Equal(t, whole[3:], run(second, 3, 6))
	require.Equal(t, 6, second.Steps())
}

func TestTrainerStopsAtNaN(t *testing.T) {
	trainer, err := NewTrainer(testBackend(t), func(net *Net, inputs []*Node) []*Node {
		return []*Node{ReduceAllMean(Log(Neg(Square(net.Linear("l", inputs[0], 2)))))}
	}, TrainerOptions{})
	require.NoError(t, err)
	_, err = trainer.Step(1, randomPixels(1, 2, 3))
	require.ErrorContains(t, err, "NaN")
}

func TestMissingWeightIsNamed(t *testing.T) {
	_, err := NewExec(testBackend(t), func(x *Node) *Node { return NewFrozenNet(Weights{}).Conv("conv1", x, 4, 3, 1) })
	require.NoError(t, err)
	exec := MustNewExec(testBackend(t), func(x *Node) *Node { return NewFrozenNet(Weights{}).Conv("conv1", x, 4, 3, 1) })
	_, err = exec.Exec1(randomPixels(1, 1, 8, 8, 3))
	require.ErrorContains(t, err, `lack "conv1.weight"`)
}

// TestBFloat16Backbones holds each backbone in bfloat16 against itself in float32.
func TestBFloat16Backbones(t *testing.T) {
	for _, backbone := range backbones {
		size := 64
		if backbone.Published != nil {
			size = 107
		}
		net := func() *Net { return NewRandomNet(3) }
		x := randomPixels(7, 2, size, size, 3)
		want := features(t, testBackend(t), backbone, net, x)
		got := features(t, testBackend(t), backbone, func() *Net { return net().InBFloat16() }, x)
		require.NotEqual(t, want, got, backbone.Name)
		require.Greater(t, cosine(want, got), 0.9998, backbone.Name)
	}
}

// TestSizesShareFoldedLayers: a frozen layer that photos of two sizes pass has its weights in the graph once, and each
// graph has its own.
func TestSizesShareFoldedLayers(t *testing.T) {
	ones := func(shape ...int) *Tensor {
		w := NewTensor(shape...)
		constant(1)(w, nil)
		return w
	}
	net := NewFrozenNet(Weights{
		"conv.weight": ones(4, 3, 3, 3), "bn.weight": ones(4), "bn.bias": ones(4), "bn.running_mean": ones(4), "bn.running_var": ones(4),
	})
	for range 2 {
		g := NewGraph(testBackend(t), "sizes")
		for _, side := range []int{16, 8} {
			net.ConvNorm("conv", "bn", Parameter(g, fmt.Sprint(side), shapes.Make(dtypes.Float32, 1, side, side, 3)), 4, 3, 1)
		}
		kernels := 0
		for _, n := range g.Nodes() {
			if n.Type() == NodeTypeConstant && n.Rank() == 4 {
				kernels++
			}
		}
		require.Equal(t, 1, kernels)
		g.Finalize()
	}
}
