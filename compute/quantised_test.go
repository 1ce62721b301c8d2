package compute_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// quantise, dequantise and filters are written as any GoMLX program would.
func quantise(x *Node, factor, zero float32) *Node {
	g := x.Graph()
	x = Round(MulScalar(x, factor))
	if zero != 0 {
		x = AddScalar(x, zero)
	}
	return ConvertDType(Clamp(Scalar(g, dtypes.Float32, 0), x, Scalar(g, dtypes.Float32, 255)), dtypes.Uint8)
}

func dequantise(q *Node, scale, zero float32) *Node {
	x := ConvertDType(q, dtypes.Float32)
	if zero != 0 {
		x = SubScalar(x, zero)
	}
	return MulScalar(x, scale)
}

// int8Conv is a convolution with quantised images and filters, and all that may follow it.
type int8Conv struct {
	n, h, w, c, o, kernel, stride, pad int
	zero                               float32
	residual                           string // "", "bytes" or "float"
	relu                               bool
	out                                string // "bytes", "float" or "both"
	outZero                            float32
}

const (
	int8InputScale    = 0.02
	int8ResidualScale = 0.03
	int8ResidualZero  = 17
	int8OutScale      = 0.05
)

func (c int8Conv) outSize() (int, int) {
	return (c.h+2*c.pad-c.kernel)/c.stride + 1, (c.w+2*c.pad-c.kernel)/c.stride + 1
}

func (c int8Conv) tensors(rng *rand.Rand) (x, w, scale, bias, residual *tensors.Tensor) {
	bytes := func(dims ...int) *tensors.Tensor {
		data := make([]uint8, product(dims))
		for i := range data {
			data[i] = uint8(rng.IntN(256))
		}
		return tensors.FromFlatDataAndDimensions(data, dims...)
	}
	floats := func(low, high float32, dims ...int) *tensors.Tensor {
		data := make([]float32, product(dims))
		for i := range data {
			data[i] = low + rng.Float32()*(high-low)
		}
		return tensors.FromFlatDataAndDimensions(data, dims...)
	}
	weights := make([]int8, c.kernel*c.kernel*c.c*c.o)
	for i := range weights {
		weights[i] = int8(rng.IntN(255) - 127)
	}
	oh, ow := c.outSize()
	residual = bytes(c.n, oh, ow, c.o)
	if c.residual == "float" {
		residual = floats(-3, 3, c.n, oh, ow, c.o)
	}
	spread := float32(1 / (128 * int8InputScale * 73 * math.Sqrt(float64(c.kernel*c.kernel*c.c)))) // outputs of about 1
	return bytes(c.n, c.h, c.w, c.c), tensors.FromFlatDataAndDimensions(weights, c.kernel, c.kernel, c.c, c.o),
		floats(2*spread, 9*spread, c.o), floats(-1, 1, c.o), residual
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// build returns the bytes, the floats, or both. Weights are constants; image and residual are inputs.
func (c int8Conv) build(in []*Node, w, scale, bias *tensors.Tensor) []*Node {
	g := in[0].Graph()
	x := dequantise(in[0], int8InputScale, c.zero)
	filters := Mul(ConvertDType(ConstTensor(g, w), dtypes.Float32), ExpandLeftToRank(ConstTensor(g, scale), 4))
	y := Convolve(x, filters).Strides(c.stride).PaddingPerDim([][2]int{{c.pad, c.pad}, {c.pad, c.pad}}).Done()
	y = Add(y, ExpandLeftToRank(ConstTensor(g, bias), 4))
	switch c.residual {
	case "bytes":
		y = Add(y, dequantise(in[1], int8ResidualScale, int8ResidualZero))
	case "float":
		y = Add(in[1], y)
	}
	if c.relu {
		y = Max(y, ScalarZero(g, dtypes.Float32))
	}
	if c.out == "float" {
		return []*Node{y}
	}
	q := quantise(y, 1/float32(int8OutScale), c.outZero)
	if c.out == "both" {
		return []*Node{q, y}
	}
	return []*Node{q}
}

// reference computes the floats in exact integers and float64.
func (c int8Conv) reference(t *testing.T, x, w, scale, bias, residual *tensors.Tensor) []float64 {
	xs, ws, scales, biases, residuals := values(t, x), values(t, w), values(t, scale), values(t, bias), values(t, residual)
	oh, ow := c.outSize()
	out := make([]float64, 0, c.n*oh*ow*c.o)
	for n := range c.n {
		for y := range oh {
			for x := range ow {
				for o := range c.o {
					sum := int64(0)
					for kh := range c.kernel {
						for kw := range c.kernel {
							h, w := y*c.stride+kh-c.pad, x*c.stride+kw-c.pad
							if h < 0 || h >= c.h || w < 0 || w >= c.w {
								continue
							}
							for i := range c.c {
								sum += (int64(xs[((n*c.h+h)*c.w+w)*c.c+i]) - int64(c.zero)) * int64(ws[((kh*c.kernel+kw)*c.c+i)*c.o+o])
							}
						}
					}
					v := float64(sum)*scales[o]*float64(float32(int8InputScale)) + biases[o]
					switch r := residuals[len(out)]; c.residual {
					case "bytes":
						v += (r - int8ResidualZero) * float64(float32(int8ResidualScale))
					case "float":
						v += r
					}
					if c.relu {
						v = max(v, 0)
					}
					out = append(out, v)
				}
			}
		}
	}
	return out
}

func TestInt8Convolution(t *testing.T) {
	for i, c := range []int8Conv{
		{n: 1, h: 8, w: 8, c: 16, o: 32, kernel: 3, stride: 1, pad: 1, relu: true, out: "bytes"},
		{n: 2, h: 9, w: 7, c: 5, o: 13, kernel: 3, stride: 2, pad: 1, zero: 120, out: "bytes", outZero: 100},
		{n: 1, h: 15, w: 13, c: 3, o: 24, kernel: 7, stride: 2, pad: 3, zero: 128, relu: true, out: "bytes"},
		{n: 3, h: 6, w: 6, c: 33, o: 17, kernel: 1, stride: 1, out: "float"},
		{n: 1, h: 6, w: 7, c: 64, o: 64, kernel: 3, stride: 1, pad: 1, residual: "bytes", relu: true, out: "bytes"},
		{n: 2, h: 5, w: 5, c: 12, o: 20, kernel: 3, stride: 1, pad: 1, zero: 7, residual: "float", relu: true, out: "bytes"},
		{n: 1, h: 5, w: 9, c: 12, o: 20, kernel: 1, stride: 2, residual: "bytes", out: "float", outZero: 9},
		{n: 1, h: 7, w: 7, c: 8, o: 40, kernel: 3, stride: 1, pad: 1, residual: "bytes", relu: true, out: "both"},
		{n: 1, h: 4, w: 4, c: 8, o: 1, kernel: 3, stride: 1, pad: 1, zero: 255, out: "both", outZero: 255},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			x, w, scale, bias, residual := c.tensors(rand.New(rand.NewPCG(71, uint64(i))))
			want := c.reference(t, x, w, scale, bias, residual)
			build := func(in []*Node) []*Node { return c.build(in, w, scale, bias) }
			fused := run(t, newBackend(t, "threads=2"), build, x, residual)
			plain := run(t, newBackend(t, "unfused"), build, x, residual)
			for n, out := range fused {
				got, unfused := values(t, out), values(t, plain[n])
				require.Len(t, got, len(want))
				different := 0
				for i, v := range want {
					if out.DType() == dtypes.Float32 {
						require.InDelta(t, v, got[i], 1e-4, "element %d", i)
						require.InDelta(t, v, unfused[i], 1e-4, "unfused, element %d", i)
						continue
					}
					// Bytes are the rounded reference, but where float32 sums lie on the other side of a half.
					exact := min(max(v/int8OutScale+float64(c.outZero), 0), 255)
					require.InDelta(t, exact, got[i], 0.5+2e-3, "element %d", i)
					require.InDelta(t, exact, unfused[i], 0.5+2e-3, "unfused, element %d", i)
					if got[i] != unfused[i] {
						require.InDelta(t, unfused[i], got[i], 1, "element %d", i)
						different++
					}
				}
				require.LessOrEqual(t, different, 1+len(want)/200)
			}
		})
	}
}

// Networks that are almost in the pattern give what they say, not what the pattern would.
func TestInt8OffPattern(t *testing.T) {
	rng := rand.New(rand.NewPCG(73, 74))
	x, w, scale, bias, residual := int8Conv{n: 2, h: 6, w: 6, c: 8, o: 8, kernel: 3, stride: 1, pad: 1}.tensors(rng)
	floats := random(rng, dtypes.Float32, 2, 6, 6, 8)
	conv := func(x *Node, w *Node) *Node {
		return Convolve(x, w).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	}
	filters := func(g *Graph) *Node {
		return Mul(ConvertDType(ConstTensor(g, w), dtypes.Float32), ExpandLeftToRank(ConstTensor(g, scale), 4))
	}
	perChannel := func(g *Graph) *Node { return ExpandLeftToRank(ConstTensor(g, bias), 4) }
	for name, build := range map[string]func(in []*Node) []*Node{
		"scales of the image by channel": func(in []*Node) []*Node {
			return []*Node{conv(Mul(ConvertDType(in[0], dtypes.Float32), perChannel(in[0].Graph())), filters(in[0].Graph()))}
		},
		"a zero point between two bytes": func(in []*Node) []*Node {
			return []*Node{quantise(conv(dequantise(in[0], 0.02, 3.5), filters(in[0].Graph())), 20, 7.25)}
		},
		"a zero point beyond a byte": func(in []*Node) []*Node {
			return []*Node{quantise(conv(dequantise(in[0], 0.02, 300), filters(in[0].Graph())), 20, -4)}
		},
		"a negative scale": func(in []*Node) []*Node {
			return []*Node{quantise(MaxPool(dequantise(in[0], -0.02, 3)).Window(2).Done(), 9, 200)}
		},
		"another range of the clamp": func(in []*Node) []*Node {
			g := in[0].Graph()
			y := conv(dequantise(in[0], 0.02, 3), filters(g))
			return []*Node{ConvertDType(Clamp(Scalar(g, dtypes.Float32, 2), Round(MulScalar(y, 9)), Scalar(g, dtypes.Float32, 200)), dtypes.Uint8)}
		},
		"filters by input channel": func(in []*Node) []*Node {
			g := in[0].Graph()
			byInput := Reshape(ConstTensor(g, scale), 1, 1, 8, 1)
			return []*Node{conv(dequantise(in[0], 0.02, 3), Mul(ConvertDType(ConstTensor(g, w), dtypes.Float32), byInput))}
		},
		"filters from an input": func(in []*Node) []*Node {
			return []*Node{conv(dequantise(in[0], 0.02, 3), Reshape(Slice(in[2], AxisRange(0, 1), AxisRange(0, 4), AxisRange(0, 2)), 1, 1, 8, 8))}
		},
		"groups": func(in []*Node) []*Node {
			g := in[0].Graph()
			half := Slice(filters(g), AxisRange(), AxisRange(), AxisRange(0, 4), AxisRange())
			return []*Node{Convolve(dequantise(in[0], 0.02, 3), half).PadSame().ChannelGroupCount(2).Done()}
		},
		"a shift and a factor of each channel after the residual": func(in []*Node) []*Node {
			g := in[0].Graph()
			y := Add(conv(dequantise(in[0], 0.02, 3), filters(g)), dequantise(in[1], 0.03, 17))
			return []*Node{quantise(Mul(Add(y, perChannel(g)), perChannel(g)), 20, 128)}
		},
		"a constant minus the output": func(in []*Node) []*Node {
			g := in[0].Graph()
			return []*Node{quantise(Sub(perChannel(g), conv(dequantise(in[0], 0.02, 3), filters(g))), 20, 128)}
		},
		"everything is needed": func(in []*Node) []*Node {
			g := in[0].Graph()
			x := dequantise(in[0], 0.02, 3)
			y := conv(x, filters(g))
			z := Add(y, perChannel(g))
			relu := Max(z, ScalarZero(g, dtypes.Float32))
			return []*Node{x, y, z, relu, quantise(relu, 20, 0), quantise(relu, 10, 5)}
		},
		"the output is added to itself": func(in []*Node) []*Node {
			y := conv(dequantise(in[0], 0.02, 3), filters(in[0].Graph()))
			return []*Node{quantise(Add(y, y), 20, 128), Add(y, Tanh(y))}
		},
		"what is quantised again with other steps": func(in []*Node) []*Node {
			x := dequantise(in[0], 0.02, 3)
			return []*Node{quantise(x, 50, 3), quantise(x, 50, 4), quantise(x, 25, 3)}
		},
		"a pool with windows over padding alone": func(in []*Node) []*Node {
			p := MaxPool(in[2]).Window(1).Strides(1).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
			return []*Node{quantise(p, 60, 128)}
		},
		"an average pool": func(in []*Node) []*Node {
			return []*Node{quantise(MeanPool(dequantise(in[0], 0.02, 3)).Window(2).Done(), 50, 3)}
		},
		"concatenated with different steps": func(in []*Node) []*Node {
			y := Concatenate([]*Node{dequantise(in[0], 0.02, 3), dequantise(in[1], 0.03, 3)}, 3)
			return []*Node{quantise(y, 40, 3), y}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inputs := []*tensors.Tensor{x, residual, floats}
			want := run(t, newBackend(t, "unfused"), build, inputs...)
			for i, got := range run(t, newBackend(t, "threads=2"), build, inputs...) {
				require.Equal(t, want[i].Shape(), got.Shape())
				delta := 1e-4
				if got.DType() == dtypes.Uint8 {
					delta = 1
				}
				require.InDeltaSlice(t, values(t, want[i]), values(t, got), delta, "output %d", i)
			}
		})
	}
}

// What only moves bytes about gives the very bits of the floats that it stands for.
func TestQuantisedMovement(t *testing.T) {
	rng := rand.New(rand.NewPCG(75, 76))
	x := random(rng, dtypes.Float32, 2, 9, 11, 5)
	bytes := random(rng, dtypes.Uint8, 2, 9, 11, 5)
	build := func(in []*Node) []*Node {
		pool := MaxPool(in[0]).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
		joined := Concatenate([]*Node{in[0], Tanh(in[0]), MaxPool(in[0]).Window(3).Strides(1).PadSame().Done()}, 3)
		return []*Node{
			quantise(in[0], 60, 128),
			quantise(pool, 60, 128),
			quantise(Reshape(joined, 2, 99, 15), 50, 100),
			MaxPool(dequantise(in[1], 0.25, 4)).Window(2).Done(),
			MaxPool(in[1]).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {2, 2}}).Done(),
			Concatenate([]*Node{dequantise(in[1], 0.25, 4), dequantise(in[1], 0.25, 4)}, 0),
			quantise(dequantise(in[1], 0.3, 4), 1/float32(0.3), 4),
		}
	}
	want := run(t, newBackend(t, "unfused"), build, x, bytes)
	for i, got := range run(t, newBackend(t, "threads=2"), build, x, bytes) {
		require.Equal(t, values(t, want[i]), values(t, got), "output %d", i)
	}
}
