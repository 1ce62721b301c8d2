package compute_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// bfloat16Step is the distance of two neighbouring bfloat16 relative to their size, at most.
const bfloat16Step = 1.0 / 128

// TestBFloat16Convolution holds fused convolutions against the same in float32 of the same rounded numbers:
// a fused one rounds once, at its end.
func TestBFloat16Convolution(t *testing.T) {
	narrow := func(x *Node) *Node { return ConvertDType(x, dtypes.BFloat16) }
	wide := func(x *Node) *Node { return ConvertDType(x, dtypes.Float32) }
	rng := rand.New(rand.NewPCG(81, 82))
	for _, c := range []struct {
		n, h, w, in, out, kernel, stride int
		residual, relu, float            bool
	}{
		{1, 8, 8, 16, 32, 3, 1, false, true, false},
		{2, 9, 7, 5, 13, 3, 2, false, false, false},
		{1, 15, 13, 3, 24, 7, 2, false, true, true},
		{3, 6, 6, 33, 17, 1, 1, true, false, false},
		{1, 6, 7, 64, 64, 3, 1, true, true, false},
		{2, 5, 5, 12, 20, 3, 1, true, true, true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			x, w := random(rng, dtypes.Float32, c.n, c.h, c.w, c.in), random(rng, dtypes.Float32, c.kernel, c.kernel, c.in, c.out)
			bias := random(rng, dtypes.Float32, c.out)
			oh, ow := (c.h-1)/c.stride+1, (c.w-1)/c.stride+1
			residual := random(rng, dtypes.Float32, c.n, oh, ow, c.out)
			network := func(in []*Node, as func(*Node) *Node) *Node {
				g := in[0].Graph()
				pad := c.kernel / 2
				y := Convolve(as(narrow(in[0])), as(narrow(ConstTensor(g, w)))).Strides(c.stride).PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).Done()
				y = Add(y, ExpandLeftToRank(as(narrow(ConstTensor(g, bias))), 4))
				if c.residual {
					y = Add(as(narrow(in[1])), y)
				}
				if c.relu {
					y = Max(y, ScalarZero(g, y.DType()))
				}
				return y
			}
			got := run(t, newBackend(t, "threads=2"), func(in []*Node) []*Node {
				y := network(in, func(x *Node) *Node { return x })
				if c.float {
					return []*Node{wide(y)}
				}
				return []*Node{y}
			}, x, residual)
			want := values(t, run(t, newBackend(t, ""), func(in []*Node) []*Node { return []*Node{network(in, wide)} }, x, residual)[0])
			require.Equal(t, c.float, got[0].DType() == dtypes.Float32)
			tolerance := 0.51 * bfloat16Step
			if c.float {
				tolerance = 1e-5 // not rounded at all
			}
			for i, v := range bfloat16Values(t, got[0]) {
				require.InDelta(t, want[i], v, tolerance*max(want[i], -want[i])+1e-4, "element %d", i)
			}
		})
	}
}

// bfloat16Values are the values of a tensor of bfloat16 or float32.
func bfloat16Values(t *testing.T, x *tensors.Tensor) []float64 {
	t.Helper()
	if x.DType() == dtypes.Float32 {
		return values(t, x)
	}
	return values(t, run(t, newBackend(t, ""), func(in []*Node) []*Node { return []*Node{ConvertDType(in[0], dtypes.Float32)} }, x)[0])
}

// Networks that are almost in the pattern, and whatever is read in between, give what they do operation by
// operation, but for the rounding in between.
func TestBFloat16OffPattern(t *testing.T) {
	rng := rand.New(rand.NewPCG(83, 84))
	x, w, bias := random(rng, dtypes.Float32, 2, 6, 6, 8), random(rng, dtypes.Float32, 3, 3, 8, 8), random(rng, dtypes.Float32, 8)
	half := random(rng, dtypes.Float32, 3, 3, 4, 8)
	narrow := func(x *Node) *Node { return ConvertDType(x, dtypes.BFloat16) }
	conv := func(x, w *Node) *Node { return Convolve(x, w).PadSame().Done() }
	for name, build := range map[string]func(x, w, bias *Node) []*Node{
		"everything is needed": func(x, w, bias *Node) []*Node {
			y := conv(x, w)
			z := Add(y, bias)
			return []*Node{y, z, Max(z, ScalarZero(z.Graph(), z.DType())), ConvertDType(z, dtypes.Float32)}
		},
		"another maximum": func(x, w, bias *Node) []*Node { return []*Node{MaxScalar(Add(conv(x, w), bias), 0.5)} },
		"a factor":        func(x, w, bias *Node) []*Node { return []*Node{Add(Mul(conv(x, w), bias), x)} },
		"a difference":    func(x, w, bias *Node) []*Node { return []*Node{Sub(x, conv(x, w)), Sub(conv(x, w), bias)} },
		"added to itself": func(x, w, _ *Node) []*Node { y := conv(x, w); return []*Node{Add(y, y)} },
		"two residuals":   func(x, w, _ *Node) []*Node { return []*Node{Add(Add(conv(x, w), x), Neg(x))} },
		"filters from an input": func(x, _, _ *Node) []*Node {
			return []*Node{conv(x, Reshape(Slice(x, AxisRange(0, 1), AxisRange(0, 4), AxisRange(0, 2)), 1, 1, 8, 8))}
		},
		"groups": func(x, _, _ *Node) []*Node {
			return []*Node{Convolve(x, narrow(ConstTensor(x.Graph(), half))).PadSame().ChannelGroupCount(2).Done()}
		},
		"a max pool": func(x, w, bias *Node) []*Node {
			return []*Node{MaxPool(Add(conv(x, w), bias)).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole := func(in []*Node) []*Node {
				g := in[0].Graph()
				out := build(narrow(in[0]), narrow(ConstTensor(g, w)), narrow(ExpandLeftToRank(ConstTensor(g, bias), 4)))
				for i, y := range out {
					out[i] = ConvertDType(y, dtypes.Float32)
				}
				return out
			}
			want := run(t, newBackend(t, "unfused"), whole, x)
			for i, got := range run(t, newBackend(t, "threads=2"), whole, x) {
				got := values(t, got)
				for j, v := range values(t, want[i]) {
					// Sums of two numbers of up to 32 may be rounded in between, and then cancel each other out.
					require.InDelta(t, v, got[j], 32*bfloat16Step, "output %d, element %d", i, j)
				}
			}
		})
	}
}
