package compute_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// layout is an order of axes for images, [batch, height, width, channels] if last, and for filters.
type layout struct {
	name    string
	images  []int // where batch, channels, height and width are
	filters []int // where in, out, height and width are
}

var layouts = []layout{
	{"NHWC, HWIO", []int{0, 3, 1, 2}, []int{2, 3, 0, 1}},
	{"NHWC, OIHW", []int{0, 3, 1, 2}, []int{1, 0, 2, 3}},
	{"NHWC, IOHW", []int{0, 3, 1, 2}, []int{0, 1, 2, 3}},
	{"NCHW, OIHW", []int{0, 1, 2, 3}, []int{1, 0, 2, 3}},
	{"NCHW, HWIO", []int{0, 1, 2, 3}, []int{2, 3, 0, 1}},
}

func (l layout) axes() backends.ConvolveAxesConfig {
	return backends.ConvolveAxesConfig{
		InputBatch: l.images[0], InputChannels: l.images[1], InputSpatial: l.images[2:],
		KernelInputChannels: l.filters[0], KernelOutputChannels: l.filters[1], KernelSpatial: l.filters[2:],
		OutputBatch: l.images[0], OutputChannels: l.images[1], OutputSpatial: l.images[2:],
	}
}

// dims puts sizes where their axes are.
func dims(at []int, sizes ...int) []int {
	d := make([]int, len(at))
	for i, axis := range at {
		d[axis] = sizes[i]
	}
	return d
}

// TestLayoutsOfConvolutions checks convolutions with constant filters in any order of axes, with what is fused
// to them, and the gradient that goes through them, against float64.
func TestLayoutsOfConvolutions(t *testing.T) {
	for _, l := range layouts {
		for _, c := range []struct{ kernel, in, out, groups int }{{1, 5, 7, 1}, {1, 7, 5, 1}, {3, 5, 7, 1}, {3, 32, 48, 1}, {3, 4, 6, 2}, {1, 4, 6, 2}, {3, 8, 8, 8}} {
			t.Run(fmt.Sprintf("%s %+v", l.name, c), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(71, 1))
				const batch, height, width = 2, 9, 8
				x := random(rng, dtypes.Float32, dims(l.images, batch, c.in, height, width)...)
				residual := random(rng, dtypes.Float32, dims(l.images, batch, c.out, height, width)...)
				filters := random(rng, dtypes.Float32, dims(l.filters, c.in/c.groups, c.out, c.kernel, c.kernel)...)
				factor := random(rng, dtypes.Float32, dims(l.images, 1, c.out, 1, 1)...)
				shift := random(rng, dtypes.Float32, dims(l.images, 1, c.out, 1, 1)...)
				build := func(in []*Node, dtype dtypes.DType) []*Node {
					g := in[0].Graph()
					constant := func(x *tensors.Tensor) *Node { return ConvertDType(ConstTensor(g, x), dtype) }
					pad := c.kernel / 2
					conv := func(x *Node) *Node {
						return ConvGeneral(x, constant(filters), l.axes(), nil, [][2]int{{pad, pad}, {pad, pad}}, nil, nil, c.groups, 1)
					}
					y := Add(Add(Mul(conv(in[0]), constant(factor)), constant(shift)), in[1])
					return []*Node{Max(y, ScalarZero(g, dtype)), Gradient(ReduceAllSum(Square(conv(in[0]))), in[0])[0]}
				}
				got := run(t, newBackend(t, "threads=2"), func(in []*Node) []*Node {
					wide := []*Node{ConvertDType(in[0], dtypes.Float64), ConvertDType(in[1], dtypes.Float64)}
					return append(build(in, dtypes.Float32), build(wide, dtypes.Float64)...)
				}, x, residual)
				requireClose(t, values(t, got[2]), values(t, got[0]), 2e-5, "forward")
				requireClose(t, values(t, got[3]), values(t, got[1]), 2e-4, "gradient")
			})
		}
	}
}

// BenchmarkPointwiseOIHW is a stack of convolutions as onnx-gomlx writes them, over images whose channels come
// last.
func BenchmarkPointwiseOIHW(b *testing.B) {
	const channels, layers = 256, 16
	rng := rand.New(rand.NewPCG(72, 1))
	l := layouts[1]
	backend := newBackend(b, "")
	exec, err := NewExec(backend, func(x *Node) *Node {
		for range layers {
			w := ConstTensor(x.Graph(), random(rng, dtypes.Float32, dims(l.filters, channels, channels, 1, 1)...))
			bias := ConstTensor(x.Graph(), random(rng, dtypes.Float32, dims(l.images, 1, channels, 1, 1)...))
			y := ConvGeneral(x, MulScalar(w, 0.05), l.axes(), nil, nil, nil, nil, 1, 1)
			x = Max(Add(y, bias), ScalarZero(x.Graph(), dtypes.Float32))
		}
		return x
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{7, 14} {
		b.Run(fmt.Sprintf("%dx%d", size, size), func(b *testing.B) {
			x := random(rng, dtypes.Float32, dims(l.images, 1, channels, size, size)...)
			for b.Loop() {
				out, err := exec.Exec(x)
				if err != nil {
					b.Fatal(err)
				}
				out[0].MustFinalizeAll()
			}
		})
	}
}
