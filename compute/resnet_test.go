package compute_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/gomlx/pkg/ml/layers"
	"github.com/gomlx/gomlx/pkg/ml/layers/activations"
	"github.com/gomlx/gomlx/pkg/ml/layers/batchnorm"
	"github.com/gomlx/gomlx/pkg/ml/train"
	"github.com/gomlx/gomlx/pkg/ml/train/losses"
	"github.com/gomlx/gomlx/pkg/ml/train/optimizers"
	"github.com/stretchr/testify/require"
)

// frozenResNet18 is ResNet-18 (https://arxiv.org/abs/1512.03385) with random weights as constants and
// batch normalisation for inference after each convolution: [batch, size, size, 3] -> [batch, 512].
// The weights depend on nothing but the seed.
func frozenResNet18(x *Node, seed uint64) *Node {
	rng := rand.New(rand.NewPCG(seed, 1))
	g := x.Graph()
	constant := func(scale, shift float32, dims ...int) *Node {
		n := 1
		for _, d := range dims {
			n *= d
		}
		flat := make([]float32, n)
		for i := range flat {
			flat[i] = float32(rng.NormFloat64())*scale + shift
		}
		t := tensors.FromFlatDataAndDimensions(flat, dims...)
		return ConvertDType(ConstTensor(g, t), x.DType())
	}
	conv := func(x *Node, kernel, channels, stride int) *Node {
		in := x.Shape().Dimensions[3]
		w := constant(float32(math.Sqrt(2/float64(kernel*kernel*in))), 0, kernel, kernel, in, channels)
		pad := kernel / 2
		x = Convolve(x, w).Strides(stride).PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).Done()
		variance := Square(constant(0.1, 1, channels))
		return InternalBatchNormForInference(x, constant(0.1, 1, channels), constant(0.1, 0, channels), constant(0.1, 0, channels), variance, 1e-5, 3)
	}
	x = activations.Relu(conv(x, 7, 64, 2))
	x = MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	for stage, channels := range []int{64, 128, 256, 512} {
		for block := range 2 {
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			shortcut := x
			y := activations.Relu(conv(x, 3, channels, stride))
			y = conv(y, 3, channels, 1)
			if stride > 1 {
				shortcut = conv(x, 1, channels, stride)
			}
			x = activations.Relu(Add(y, shortcut))
		}
	}
	return ReduceMean(x, 1, 2)
}

// trainedResNet18 is the same network with variables: [batch, size, size, 3] -> [batch, 10].
func trainedResNet18(ctx *context.Context, _ any, inputs []*Node) []*Node {
	x := inputs[0]
	conv := func(ctx *context.Context, x *Node, kernel, channels, stride int) *Node {
		c := layers.Convolution(ctx, x).Channels(channels).KernelSize(kernel).UseBias(false).PadSame()
		if stride > 1 {
			c = c.Strides(stride)
		}
		return batchnorm.New(ctx, c.Done(), -1).UseBackendInference(true).Done()
	}
	x = activations.Relu(conv(ctx.In("stem"), x, 7, 64, 2))
	x = MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	for stage, channels := range []int{64, 128, 256, 512} {
		for block := range 2 {
			in := ctx.Inf("stage_%d_block_%d", stage, block)
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			shortcut := x
			y := activations.Relu(conv(in.In("a"), x, 3, channels, stride))
			y = conv(in.In("b"), y, 3, channels, 1)
			if stride > 1 {
				shortcut = conv(in.In("shortcut"), x, 1, channels, stride)
			}
			x = activations.Relu(Add(y, shortcut))
		}
	}
	x = ReduceMean(x, 1, 2)
	return []*Node{layers.Dense(ctx.In("head"), x, true, 10)}
}

// Fused and folded in float32, the network computes what it does in float64, where nothing is fused.
func TestFrozenNetworkAgainstFloat64(t *testing.T) {
	x := random(rand.New(rand.NewPCG(1, 1)), dtypes.Float32, 2, 64, 64, 3)
	got := run(t, newBackend(t, ""), func(in []*Node) []*Node {
		return []*Node{frozenResNet18(in[0], 1), ConvertDType(frozenResNet18(ConvertDType(in[0], dtypes.Float64), 1), dtypes.Float32)}
	}, x)
	requireClose(t, values(t, got[1]), values(t, got[0]), 2e-5, "features")
}

// A photo's features are the same bit for bit whatever the batch, the place in it, the neighbours and
// the number of threads.
func TestInferenceIsBitIdentical(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	const size, batch = 64, 5
	photos := random(rng, dtypes.Float32, batch, size, size, 3)
	pixels := values(t, photos)
	pixels32 := make([]float32, len(pixels))
	for i, v := range pixels {
		pixels32[i] = float32(v)
	}
	each := size * size * 3
	var want [][]float64
	for _, threads := range []int{1, 2, 3, 8} {
		backend := newBackend(t, fmt.Sprintf("threads=%d", threads))
		fn := func(in []*Node) []*Node { return []*Node{frozenResNet18(in[0], 1)} }
		all := values(t, run(t, backend, fn, photos)[0])
		for i := range batch {
			one := tensors.FromFlatDataAndDimensions(pixels32[i*each:(i+1)*each], 1, size, size, 3)
			alone := values(t, run(t, backend, fn, one)[0])
			require.Equal(t, alone, all[i*512:(i+1)*512], "photo %d, %d threads, in a batch and alone", i, threads)
			if threads == 1 {
				want = append(want, alone)
			}
			require.Equal(t, want[i], alone, "photo %d, 1 thread and %d", i, threads)
		}
	}
}

func BenchmarkResNet18Forward(b *testing.B) {
	for _, batch := range []int{1, 8} {
		b.Run(fmt.Sprintf("batch%d", batch), func(b *testing.B) {
			backend := newBackend(b, "")
			exec, err := NewExec(backend, func(x *Node) *Node { return frozenResNet18(x, 1) })
			require.NoError(b, err)
			x := random(rand.New(rand.NewPCG(1, 1)), dtypes.Float32, batch, 224, 224, 3)
			forward := func() {
				out, err := exec.Exec(x)
				require.NoError(b, err)
				out[0].MustFinalizeAll()
			}
			forward()
			for b.Loop() {
				forward()
			}
			b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func BenchmarkResNet18TrainStep(b *testing.B) {
	const batch, size = 16, 128
	backend := newBackend(b, "")
	ctx := context.New()
	require.NoError(b, ctx.SetRNGStateFromSeed(42))
	trainer := train.NewTrainer(backend, ctx, trainedResNet18, losses.SparseCategoricalCrossEntropyLogits,
		optimizers.Adam().LearningRate(0.001).Done(), nil, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	x := random(rng, dtypes.Float32, batch, size, size, 3)
	labels := make([]int32, batch)
	for i := range labels {
		labels[i] = int32(rng.IntN(10))
	}
	y := tensors.FromFlatDataAndDimensions(labels, batch, 1)
	step := func() {
		_, err := trainer.TrainStep(nil, []*tensors.Tensor{x}, []*tensors.Tensor{y})
		require.NoError(b, err)
	}
	step()
	step()
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "images/s")
}
