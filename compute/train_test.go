package compute_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/gomlx/pkg/ml/layers"
	"github.com/gomlx/gomlx/pkg/ml/layers/activations"
	"github.com/gomlx/gomlx/pkg/ml/layers/batchnorm"
	"github.com/gomlx/gomlx/pkg/ml/train"
	"github.com/gomlx/gomlx/pkg/ml/train/losses"
	"github.com/gomlx/gomlx/pkg/ml/train/optimizers"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
)

func newBackend(t testing.TB, config string) backends.Backend {
	t.Helper()
	b, err := compute.New(config)
	require.NoError(t, err)
	t.Cleanup(b.Finalize)
	return b
}

// smallConvNet tells on which side of a photo the bright spot is.
// Input [batch, 16, 16, 3], output [batch, 2].
func smallConvNet(ctx *context.Context, _ any, inputs []*graph.Node) []*graph.Node {
	x := inputs[0]
	batch := x.Shape().Dimensions[0]
	x = layers.Convolution(ctx.In("stem"), x).Channels(8).KernelSize(3).PadSame().UseBias(false).Done()
	x = batchnorm.New(ctx.In("stem_bn"), x, -1).Done()
	x = activations.Relu(x)
	x = graph.MaxPool(x).Window(3).Strides(2).PadSame().Done()
	shortcut := layers.Convolution(ctx.In("shortcut"), x).Channels(16).KernelSize(1).Strides(2).Done()
	x = layers.Convolution(ctx.In("block"), x).Channels(16).KernelSize(3).Strides(2).PadSame().Done()
	x = batchnorm.New(ctx.In("block_bn"), x, -1).Done()
	x = activations.Relu(graph.Add(x, shortcut))
	x = graph.MeanPool(x).Window(2).Done()
	x = graph.Reshape(x, batch, -1)
	x = layers.Dense(ctx.In("head"), x, true, 2)
	return []*graph.Node{x}
}

func brightSpots(rng *rand.Rand, batch int) (photos, labels *tensors.Tensor) {
	pixels := make([]float32, batch*16*16*3)
	sides := make([]int32, batch)
	for i := range pixels {
		pixels[i] = rng.Float32() * 0.5
	}
	for i := range sides {
		sides[i] = int32(rng.IntN(2))
		x, y := 2+rng.IntN(4)+8*int(sides[i]), 2+rng.IntN(12)
		for c := range 3 {
			pixels[((i*16+y)*16+x)*3+c] += 2
			pixels[((i*16+y)*16+x+1)*3+c] += 2
		}
	}
	labels = tensors.FromFlatDataAndDimensions(sides, batch, 1)
	return tensors.FromFlatDataAndDimensions(pixels, batch, 16, 16, 3), labels
}

// A network of GoMLX's layers learns with GoMLX's trainer and Adam: forward, backward and update.
func TestTrainSmallConvNet(t *testing.T) {
	backend := newBackend(t, "")
	ctx := context.New()
	require.NoError(t, ctx.SetRNGStateFromSeed(42))
	trainer := train.NewTrainer(backend, ctx, smallConvNet, losses.SparseCategoricalCrossEntropyLogits,
		optimizers.Adam().LearningRate(0.01).Done(), nil, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	var first, last float64
	const steps = 60
	for step := range steps {
		photos, labels := brightSpots(rng, 16)
		metrics, err := trainer.TrainStep(nil, []*tensors.Tensor{photos}, []*tensors.Tensor{labels})
		require.NoError(t, err)
		loss := float64(tensors.ToScalar[float32](metrics[0]))
		require.False(t, math.IsNaN(loss), "step %d", step)
		if step < 5 {
			first += loss / 5
		}
		if step >= steps-5 {
			last += loss / 5
		}
	}
	t.Logf("loss %.3f -> %.3f", first, last)
	require.Less(t, last, first/3)
}
