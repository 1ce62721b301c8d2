package compute_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// sameConv is a convolution that keeps the image's size.
func sameConv(x *Node, filters *tensors.Tensor) *Node {
	return Convolve(x, ConstTensor(x.Graph(), filters)).PadSame().Done()
}

// TestConvolutionsOfSizesTogether holds that a network says the same of images, to the bit, whether it looks at those of
// other sizes in the same graph or not.
func TestConvolutionsOfSizesTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	first, second := random(rng, dtypes.Float32, 3, 3, 32, 32), random(rng, dtypes.Float32, 3, 3, 32, 32)
	var images []*tensors.Tensor
	for _, side := range []int{12, 8, 5} {
		images = append(images, random(rng, dtypes.Float32, 2, side, side+3, 32))
	}
	network := func(in []*Node) (out []*Node) {
		for _, x := range in {
			y := Max(sameConv(x, first), ScalarZero(x.Graph(), dtypes.Float32))
			out = append(out, ReduceMax(Add(sameConv(y, second), x), 1, 2))
		}
		return out
	}
	for _, options := range []string{"threads=1", "threads=3"} {
		backend := newBackend(t, options)
		together := run(t, backend, network, images...)
		for i, x := range images {
			require.Equal(t, values(t, run(t, backend, network, x)[0]), values(t, together[i]), "%s, size %d", options, i)
		}
	}
}

// TestConvolutionsThatWait computes those that read the same filters, but wait for each other.
func TestConvolutionsThatWait(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 10))
	first, second := random(rng, dtypes.Float32, 3, 3, 32, 32), random(rng, dtypes.Float32, 3, 3, 32, 32)
	x, y := random(rng, dtypes.Float32, 1, 8, 8, 32), random(rng, dtypes.Float32, 1, 8, 8, 32)
	crossed := func(in []*Node) []*Node {
		a := sameConv(sameConv(in[0], first), second)
		b := sameConv(sameConv(in[1], second), first)
		return []*Node{a, sameConv(a, second), Add(a, b)}
	}
	got, want := run(t, newBackend(t, "threads=2"), crossed, x, y), run(t, newBackend(t, "unfused"), crossed, x, y)
	for i := range want {
		requireClose(t, values(t, want[i]), values(t, got[i]), 1e-4, "output %d", i)
	}
}
