package compute_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/layers/activations"
	"github.com/stretchr/testify/require"
)

// Networks that live by depthwise and grouped convolutions, with random weights as constants, batch
// normalisation folded: [batch, size, size, 3] -> [batch, channels]. scripts/peers/mobile.py has the same.
var mobileNetworks = map[string]func(w *weightsMadeUp, x *Node) *Node{
	"mobilenet_v2": mobileNetV2, "mobilenet_v3_large": mobileNetV3, "convnext_tiny": convNeXtTiny, "resnext50_32x4d": resNeXt50,
}

// weightsMadeUp draws weights.
type weightsMadeUp struct {
	g     *Graph
	dtype dtypes.DType
	rng   *rand.Rand
}

func (w *weightsMadeUp) draw(scale, shift float64, dims ...int) *Node {
	n := 1
	for _, d := range dims {
		n *= d
	}
	flat := make([]float32, n)
	for i := range flat {
		flat[i] = float32(w.rng.NormFloat64()*scale + shift)
	}
	return ConvertDType(ConstTensor(w.g, tensors.FromFlatDataAndDimensions(flat, dims...)), w.dtype)
}

// conv is a convolution with a bias, padded by (kernel-1)/2.
func (w *weightsMadeUp) conv(x *Node, out, kernel, stride, groups int) *Node {
	in := x.Shape().Dimensions[3] / groups
	pad := (kernel - 1) / 2
	c := Convolve(x, w.draw(math.Sqrt(2/float64(kernel*kernel*in)), 0, kernel, kernel, in, out)).
		Strides(stride).PaddingPerDim([][2]int{{pad, pad}, {pad, pad}})
	if groups > 1 {
		c = c.ChannelGroupCount(groups)
	}
	return Add(c.Done(), w.draw(0.1, 0, 1, 1, 1, out))
}

// linear maps the last axis.
func (w *weightsMadeUp) linear(x *Node, out int) *Node {
	in := x.Shape().Dimensions[x.Rank()-1]
	y := DotGeneral(x, []int{x.Rank() - 1}, nil, w.draw(math.Sqrt(1/float64(in)), 0, in, out), []int{0}, nil)
	return Add(y, ExpandLeftToRank(w.draw(0.1, 0, out), x.Rank()))
}

func relu6(x *Node) *Node { return ClipScalar(x, 0, 6) }

func hardSwish(x *Node) *Node { return MulScalar(Mul(x, ClipScalar(AddScalar(x, 3), 0, 6)), 1.0/6) }

// mobileNetV2 is Sandler et al.'s (https://arxiv.org/abs/1801.04381).
func mobileNetV2(w *weightsMadeUp, x *Node) *Node {
	x = relu6(w.conv(x, 32, 3, 2, 1))
	for _, s := range [][4]int{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
		for i := range s[2] {
			in, stride := x.Shape().Dimensions[3], 1
			if i == 0 {
				stride = s[3]
			}
			y := x
			if s[0] > 1 {
				y = relu6(w.conv(y, in*s[0], 1, 1, 1))
			}
			y = relu6(w.conv(y, in*s[0], 3, stride, in*s[0]))
			y = w.conv(y, s[1], 1, 1, 1)
			if stride == 1 && in == s[1] {
				y = Add(x, y)
			}
			x = y
		}
	}
	return ReduceMean(relu6(w.conv(x, 1280, 1, 1, 1)), 1, 2)
}

// mobileNetV3 is Howard et al.'s large one (https://arxiv.org/abs/1905.02244).
func mobileNetV3(w *weightsMadeUp, x *Node) *Node {
	x = hardSwish(w.conv(x, 16, 3, 2, 1))
	for _, b := range []struct {
		kernel, inner, out int
		squeeze, hard      bool
		stride             int
	}{
		{3, 16, 16, false, false, 1}, {3, 64, 24, false, false, 2}, {3, 72, 24, false, false, 1},
		{5, 72, 40, true, false, 2}, {5, 120, 40, true, false, 1}, {5, 120, 40, true, false, 1},
		{3, 240, 80, false, true, 2}, {3, 200, 80, false, true, 1}, {3, 184, 80, false, true, 1}, {3, 184, 80, false, true, 1},
		{3, 480, 112, true, true, 1}, {3, 672, 112, true, true, 1},
		{5, 672, 160, true, true, 2}, {5, 960, 160, true, true, 1}, {5, 960, 160, true, true, 1},
	} {
		in, act := x.Shape().Dimensions[3], activations.Relu
		if b.hard {
			act = hardSwish
		}
		y := x
		if b.inner != in {
			y = act(w.conv(y, b.inner, 1, 1, 1))
		}
		y = act(w.conv(y, b.inner, b.kernel, b.stride, b.inner))
		if b.squeeze {
			s := ReduceAndKeep(y, ReduceMean, 1, 2)
			s = activations.Relu(w.conv(s, (b.inner/4+7)/8*8, 1, 1, 1))
			s = MulScalar(ClipScalar(AddScalar(w.conv(s, b.inner, 1, 1, 1), 3), 0, 6), 1.0/6)
			y = Mul(y, s)
		}
		y = w.conv(y, b.out, 1, 1, 1)
		if b.stride == 1 && in == b.out {
			y = Add(x, y)
		}
		x = y
	}
	return ReduceMean(hardSwish(w.conv(x, 960, 1, 1, 1)), 1, 2)
}

// convNeXtTiny is Liu et al.'s (https://arxiv.org/abs/2201.03545).
func convNeXtTiny(w *weightsMadeUp, x *Node) *Node {
	patches := func(x *Node, out, size int) *Node { // kernel and stride are the same
		in := x.Shape().Dimensions[3]
		y := Convolve(x, w.draw(math.Sqrt(1/float64(size*size*in)), 0, size, size, in, out)).Strides(size).NoPadding().Done()
		return Add(y, w.draw(0.1, 0, 1, 1, 1, out))
	}
	norm := func(x *Node) *Node {
		channels := x.Shape().Dimensions[3]
		x = Sub(x, ReduceAndKeep(x, ReduceMean, -1))
		x = Div(x, Sqrt(AddScalar(ReduceAndKeep(Square(x), ReduceMean, -1), 1e-6)))
		return Add(Mul(x, w.draw(0.1, 1, 1, 1, 1, channels)), w.draw(0.1, 0, 1, 1, 1, channels))
	}
	x = norm(patches(x, 96, 4))
	for stage, depth := range []int{3, 3, 9, 3} {
		channels := 96 << stage
		if stage > 0 {
			x = patches(norm(x), channels, 2)
		}
		for range depth {
			y := norm(w.conv(x, channels, 7, 1, channels))
			y = w.linear(activations.Gelu(w.linear(y, 4*channels)), channels)
			x = Add(x, Mul(y, w.draw(0.1, 0.3, 1, 1, 1, channels)))
		}
	}
	return ReduceMean(x, 1, 2)
}

// resNeXt50 is Xie et al.'s with 32 groups (https://arxiv.org/abs/1611.05431).
func resNeXt50(w *weightsMadeUp, x *Node) *Node {
	x = activations.Relu(w.conv(x, 64, 7, 2, 1))
	x = MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	for stage, depth := range []int{3, 4, 6, 3} {
		for i := range depth {
			width, stride := 128<<stage, 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			y := activations.Relu(w.conv(x, width, 1, 1, 1))
			y = activations.Relu(w.conv(y, width, 3, stride, 32))
			y = MulScalar(w.conv(y, 2*width, 1, 1, 1), 0.3)
			if i == 0 {
				x = w.conv(x, 2*width, 1, stride, 1)
			}
			x = activations.Relu(Add(y, x))
		}
	}
	return ReduceMean(x, 1, 2)
}

// TestMobileNetworksAgainstFloat64 compares with float64, where nothing is fused and no kernel is SIMD.
func TestMobileNetworksAgainstFloat64(t *testing.T) {
	for name, build := range mobileNetworks {
		t.Run(name, func(t *testing.T) {
			x := random(rand.New(rand.NewPCG(1, 1)), dtypes.Float32, 2, 64, 64, 3)
			of := func(x *Node) *Node {
				return ConvertDType(build(&weightsMadeUp{x.Graph(), x.DType(), rand.New(rand.NewPCG(1, 2))}, x), dtypes.Float32)
			}
			got := run(t, newBackend(t, ""), func(in []*Node) []*Node {
				return []*Node{of(in[0]), of(ConvertDType(in[0], dtypes.Float64))}
			}, x)
			requireClose(t, values(t, got[1]), values(t, got[0]), 1e-4, "features")
		})
	}
}

func BenchmarkMobileNetworks(b *testing.B) {
	for name, build := range mobileNetworks {
		for _, batch := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/batch%d", name, batch), func(b *testing.B) {
				exec, err := NewExec(newBackend(b, ""), func(x *Node) *Node {
					return build(&weightsMadeUp{x.Graph(), x.DType(), rand.New(rand.NewPCG(1, 2))}, x)
				})
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
}

// TestMobileInferenceIsBitIdentical holds for these networks what TestInferenceIsBitIdentical does for ResNet.
func TestMobileInferenceIsBitIdentical(t *testing.T) {
	const size, batch = 48, 3
	photos := random(rand.New(rand.NewPCG(4, 4)), dtypes.Float32, batch, size, size, 3)
	pixels := tensors.MustCopyFlatData[float32](photos)
	for name, build := range mobileNetworks {
		t.Run(name, func(t *testing.T) {
			var first []float64
			for _, threads := range []int{1, 3} {
				backend := newBackend(t, fmt.Sprintf("threads=%d", threads))
				network := func(in []*Node) []*Node {
					return []*Node{build(&weightsMadeUp{in[0].Graph(), dtypes.Float32, rand.New(rand.NewPCG(1, 2))}, in[0])}
				}
				all := values(t, run(t, backend, network, photos)[0])
				if first == nil {
					first = all
				}
				require.Equal(t, first, all, "1 thread and %d", threads)
				each, channels := len(pixels)/batch, len(all)/batch
				for i := range batch {
					alone := run(t, backend, network, tensors.FromFlatDataAndDimensions(pixels[i*each:(i+1)*each], 1, size, size, 3))[0]
					require.Equal(t, all[i*channels:(i+1)*channels], values(t, alone), "photo %d alone, %d threads", i, threads)
				}
			}
		})
	}
}
