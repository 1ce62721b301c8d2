package compute_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
)

// The data types, operand kinds and operations that the other tests do not come by, against their
// definitions.

func TestProductsOfAllTypes(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 1))
	backend := newBackend(t, "threads=2")
	for _, dtype := range allNumbers {
		const m, k, n = 3, 4, 5
		a, b := random(rng, dtype, m, k), random(rng, dtype, k, n)
		as, bs := values(t, a), values(t, b)
		want := make([]float64, m*n)
		for i := range m {
			for j := range n {
				for p := range k {
					want[i*n+j] += as[i*k+p] * bs[p*n+j]
				}
			}
		}
		if dtype == dtypes.Uint8 || dtype == dtypes.Int8 { // sums wrap around
			for i, v := range want {
				want[i] = float64(int8(int(v)))
				if dtype == dtypes.Uint8 {
					want[i] = float64(uint8(int(v)))
				}
			}
		}
		got := run(t, backend, pairs(Dot), a, b)
		requireClose(t, want, values(t, got[0]), 1e-6, "%s", dtype)
	}
}

// TestConstantProducts checks products with a constant on either side, in all layouts: a constant right
// operand is packed when the graph is compiled.
func TestConstantProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(62, 1))
	backend := newBackend(t, "threads=2")
	for range 40 {
		m, k, n := 1+rng.IntN(40), 1+rng.IntN(70), 1+rng.IntN(70)
		aTransposed, bTransposed := rng.IntN(2), rng.IntN(2)
		aDims, bDims := []int{m, k}, []int{k, n}
		if aTransposed == 1 {
			aDims = []int{k, m}
		}
		if bTransposed == 1 {
			bDims = []int{n, k}
		}
		a, b := random(rng, dtypes.Float32, aDims...), random(rng, dtypes.Float32, bDims...)
		as, bs := values(t, a), values(t, b)
		want := make([]float64, m*n)
		for i := range m {
			for j := range n {
				for p := range k {
					x, y := as[i*k+p], bs[p*n+j]
					if aTransposed == 1 {
						x = as[p*m+i]
					}
					if bTransposed == 1 {
						y = bs[j*k+p]
					}
					want[i*n+j] += x * y
				}
			}
		}
		product := func(a, b *Node) *Node {
			return DotGeneral(a, []int{1 - aTransposed}, nil, b, []int{bTransposed}, nil)
		}
		got := run(t, backend, func(in []*Node) []*Node {
			g := in[0].Graph()
			return []*Node{product(in[0], in[1]), product(in[0], ConstTensor(g, b)), product(ConstTensor(g, a), in[1])}
		}, a, b)
		for i := range got {
			requireClose(t, want, values(t, got[i]), 1e-5, "%d x %d x %d, transposed %d %d, way %d", m, k, n, aTransposed, bTransposed, i)
		}
	}
	// A batch of products with a constant.
	batch := random(rng, dtypes.Float32, 3, 5, 7)
	weights := random(rng, dtypes.Float32, 3, 7, 4)
	got := run(t, backend, func(in []*Node) []*Node {
		product := func(w *Node) *Node { return DotGeneral(in[0], []int{2}, []int{0}, w, []int{1}, []int{0}) }
		return []*Node{product(in[1]), product(ConstTensor(in[0].Graph(), weights))}
	}, batch, weights)
	require.Equal(t, values(t, got[0]), values(t, got[1]))
}

// TestHalfPrecisionConstants holds operations with a constant of half precision, which is packed when the
// graph is compiled, against the same with an input.
func TestHalfPrecisionConstants(t *testing.T) {
	conv := func(groups int) func(x, w *Node) *Node {
		return func(x, w *Node) *Node { return Convolve(x, w).PadSame().ChannelGroupCount(groups).Done() }
	}
	for _, c := range []struct {
		name      string
		x, w      []int
		operation func(x, w *Node) *Node
	}{
		{"product", []int{4, 8}, []int{8, 16}, Dot},
		{"convolution", []int{1, 5, 5, 8}, []int{3, 3, 8, 16}, conv(1)},
		{"winograd", []int{1, 8, 8, 32}, []int{3, 3, 32, 32}, conv(1)},
		{"grouped convolution", []int{1, 5, 5, 8}, []int{3, 3, 4, 16}, conv(2)},
		{"depthwise convolution", []int{1, 5, 5, 16}, []int{3, 3, 1, 16}, conv(16)},
		{"sum", []int{5, 16}, []int{1, 16}, Add},
	} {
		for _, dtype := range []dtypes.DType{dtypes.BFloat16, dtypes.Float16} {
			for _, config := range []string{"", "unfused"} {
				t.Run(c.name+" "+dtype.String()+" "+config, func(t *testing.T) {
					rng := rand.New(rand.NewPCG(64, 1))
					backend := newBackend(t, config)
					half := run(t, backend, each(
						func(x *Node) *Node { return ConvertDType(x, dtype) },
					), random(rng, dtypes.Float32, c.w...))[0]
					got := run(t, backend, func(in []*Node) []*Node {
						x := ConvertDType(in[0], dtype)
						operation := func(w *Node) *Node { return ConvertDType(c.operation(x, w), dtypes.Float32) }
						return []*Node{operation(in[1]), operation(ConstTensor(x.Graph(), half))}
					}, random(rng, dtypes.Float32, c.x...), half)
					// A fused convolution of bfloat16 is not rounded before it becomes float32.
					requireClose(t, values(t, got[0]), values(t, got[1]), bfloat16Step, "constant")
				})
			}
		}
	}
}

func TestConvolutionsOfAllTypes(t *testing.T) {
	rng := rand.New(rand.NewPCG(63, 1))
	backend := newBackend(t, "threads=2")
	c := convCase{n: 2, h: 5, w: 6, c: 4, o: 6, kh: 3, kw: 2, stride: 2, dilation: 1, pad: [2][2]int{{1, 1}, {0, 1}}, groups: 2}
	for _, dtype := range []dtypes.DType{dtypes.Float32, dtypes.Float64, dtypes.Int8, dtypes.Int16, dtypes.Int32, dtypes.Int64, dtypes.Uint8} {
		x, w := c.tensors(rng, dtype)
		xs, ws := values(t, x), values(t, w)
		oh, ow := c.outSize()
		want := make([]float64, c.n*oh*ow*c.o)
		c.visit(func(i, j, k int) { want[i] += xs[j] * ws[k] })
		for i, v := range want {
			switch dtype { // sums wrap around
			case dtypes.Int8:
				want[i] = float64(int8(int(v)))
			case dtypes.Uint8:
				want[i] = float64(uint8(int(v)))
			}
		}
		got := run(t, backend, pairs(c.convolve), x, w)
		requireClose(t, want, values(t, got[0]), 1e-5, "%s", dtype)
	}
}

// TestWhatFollowsAConvolution checks each kind of operation that may be drawn into a convolution with
// constant filters, as first and second operand, and in chains, against float64, which is never fused.
func TestWhatFollowsAConvolution(t *testing.T) {
	rng := rand.New(rand.NewPCG(64, 1))
	backend := newBackend(t, "threads=2")
	const channels = 6
	filters, perChannel, other := random(rng, dtypes.Float32, 3, 3, 4, channels), random(rng, dtypes.Float32, channels), random(rng, dtypes.Float32, channels)
	x, residual, narrow := random(rng, dtypes.Float32, 2, 7, 5, 4), random(rng, dtypes.Float32, 2, 7, 5, channels), random(rng, dtypes.Float32, 2, 7, 5, 1)
	operations := []func(a, b *Node) *Node{Add, Sub, Mul, Div, func(a, b *Node) *Node { return Sub(b, a) }, func(a, b *Node) *Node { return Div(b, AddScalar(Square(a), 1)) },
		func(a, b *Node) *Node { return Mul(b, a) }, func(a, b *Node) *Node { return Add(b, a) }, Max, Min}
	operands := []func(in []*Node, dtype dtypes.DType) *Node{
		func(in []*Node, dtype dtypes.DType) *Node {
			return ExpandLeftToRank(ConvertDType(ConstTensor(in[0].Graph(), perChannel), dtype), 4)
		},
		func(in []*Node, dtype dtypes.DType) *Node {
			return ExpandLeftToRank(ConvertDType(ConstTensor(in[0].Graph(), other), dtype), 4)
		},
		func(in []*Node, dtype dtypes.DType) *Node { return Scalar(in[0].Graph(), dtype, 0) },
		func(in []*Node, dtype dtypes.DType) *Node { return Scalar(in[0].Graph(), dtype, -1.5) },
		func(in []*Node, _ dtypes.DType) *Node { return in[1] },
		func(in []*Node, _ dtypes.DType) *Node { return in[2] },
		func(in []*Node, _ dtypes.DType) *Node { return ExpandLeftToRank(in[3], 4) },
		func(in []*Node, dtype dtypes.DType) *Node { return Scalar(in[0].Graph(), dtype, 0.5) },
	}
	for trial := range 160 {
		var chain [][2]int
		for range 1 + rng.IntN(4) {
			chain = append(chain, [2]int{rng.IntN(len(operations)), rng.IntN(len(operands))})
		}
		seenBetween := rng.IntN(3) == 0
		if trial < len(operations)*len(operands) { // each alone first
			chain = [][2]int{{trial % len(operations), trial / len(operations)}}
		} else if trial%2 == 0 { // ReLU, and then at most some constant
			chain = append(chain[1:], [2]int{8, 2}, [2]int{9, []int{3, 7}[trial/2%2]})
		}
		build := func(in []*Node, dtype dtypes.DType) []*Node {
			y := Convolve(in[0], ConvertDType(ConstTensor(in[0].Graph(), filters), dtype)).PadSame().Done()
			outputs := []*Node{}
			for _, link := range chain {
				if seenBetween {
					outputs = append(outputs, y)
				}
				operand := operands[link[1]](in, dtype)
				if link[0] == 3 { // no division by nearly zero
					operand = AddScalar(Square(operand), 0.5)
				}
				y = operations[link[0]](y, operand)
			}
			return append(outputs, y)
		}
		got := run(t, backend, func(in []*Node) []*Node {
			wide := make([]*Node, len(in))
			for i, n := range in {
				wide[i] = ConvertDType(n, dtypes.Float64)
			}
			return append(build(in, dtypes.Float32), build(wide, dtypes.Float64)...)
		}, x, residual, narrow, perChannel)
		half := len(got) / 2
		for i := range half {
			requireClose(t, values(t, got[half+i]), values(t, got[i]), 2e-5, "chain %v, seen between %v, output %d", chain, seenBetween, i)
		}
	}
}

func TestWindowsOfAllTypes(t *testing.T) {
	rng := rand.New(rand.NewPCG(65, 1))
	backend := newBackend(t, "threads=2")
	dims, sizes, strides, pads := []int{2, 7, 6, 3}, []int{1, 3, 2, 1}, []int{1, 2, 2, 1}, [][2]int{{0, 0}, {1, 1}, {0, 1}, {0, 0}}
	for _, dtype := range allNumbers {
		x := random(rng, dtype, dims...)
		xs := values(t, x)
		windows := 1
		for _, d := range visitWindows(dims, sizes, strides, pads, func(int, int) {}) {
			windows *= d
		}
		sum, product, most, least := make([]float64, windows), make([]float64, windows), make([]float64, windows), make([]float64, windows)
		for i := range windows {
			product[i], most[i], least[i] = 1, math.Inf(-1), math.Inf(1)
		}
		visitWindows(dims, sizes, strides, pads, func(w, e int) {
			sum[w] += xs[e]
			product[w] *= xs[e]
			most[w], least[w] = max(most[w], xs[e]), min(least[w], xs[e])
		})
		got := run(t, backend, func(in []*Node) []*Node {
			var outputs []*Node
			for _, op := range []backends.ReduceOpType{backends.ReduceOpSum, backends.ReduceOpMax, backends.ReduceOpMin, backends.ReduceOpProduct} {
				outputs = append(outputs, BackendReduceWindow(in[0], op, sizes, strides, nil, nil, pads))
			}
			return outputs
		}, x)
		for i, want := range [][]float64{sum, most, least} {
			requireClose(t, want, values(t, got[i]), 1e-6, "%s, reduction %d", dtype, i)
		}
		if bits := dtype.Bits(); bits >= 32 { // narrower products wrap around
			requireClose(t, product, values(t, got[3]), 1e-6, "%s, product", dtype)
		}
	}
	// Dilations of the window and of the input.
	x := random(rng, dtypes.Float32, 9, 8)
	xs := values(t, x)
	got := run(t, backend, func(in []*Node) []*Node {
		return []*Node{BackendReduceWindow(in[0], backends.ReduceOpSum, []int{3, 2}, []int{1, 1}, nil, []int{2, 3}, nil),
			BackendReduceWindow(in[0], backends.ReduceOpSum, []int{2, 2}, []int{1, 1}, []int{2, 2}, nil, nil)}
	}, x)
	var dilated, spread []float64
	for i := range 5 {
		for j := range 5 {
			sum := 0.0
			for p := range 3 {
				for q := range 2 {
					sum += xs[(i+2*p)*8+j+3*q]
				}
			}
			dilated = append(dilated, sum)
		}
	}
	for i := range 16 { // 17 x 15 with zeros between: each window of 2 x 2 holds one element
		for j := range 14 {
			spread = append(spread, xs[(i+1)/2*8+(j+1)/2])
		}
	}
	requireClose(t, dilated, values(t, got[0]), 1e-6, "dilated window")
	requireClose(t, spread, values(t, got[1]), 1e-6, "dilated input")
}

// builderGraph runs what build makes of parameters by the backend's own methods.
func builderGraph(t *testing.T, build func(b backends.Builder, in []backends.Op) ([]backends.Op, error), inputs ...*tensors.Tensor) [][]float64 {
	t.Helper()
	backend := newBackend(t, "threads=2")
	b := backend.Builder(t.Name())
	params, buffers := make([]backends.Op, len(inputs)), make([]backends.Buffer, len(inputs))
	for i, x := range inputs {
		var err error
		params[i], err = b.Parameter(fmt.Sprint(i), x.Shape(), nil)
		require.NoError(t, err)
		x.MustConstFlatData(func(flat any) { buffers[i], err = backend.BufferFromFlatData(0, flat, x.Shape()) })
		require.NoError(t, err)
	}
	ops, err := build(b, params)
	require.NoError(t, err)
	exec, err := b.Compile(ops, nil)
	require.NoError(t, err)
	results, err := exec.Execute(buffers, nil, 0)
	require.NoError(t, err)
	var out [][]float64
	for i, r := range results {
		shape, err := backend.BufferShape(r)
		require.NoError(t, err)
		require.Equal(t, exec.(*compute.Executable).Outputs()[i].String(), shape.String())
		x := tensors.FromShape(shape)
		x.MustMutableFlatData(func(flat any) { require.NoError(t, backend.BufferToFlatData(r, flat)) })
		out = append(out, values(t, x))
	}
	return out
}

func TestMinPoolGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(66, 1))
	dims, sizes, strides, pads := []int{2, 6, 5, 3}, []int{1, 2, 3, 1}, []int{1, 2, 2, 1}, [][2]int{{0, 0}, {0, 0}, {1, 0}, {0, 0}}
	for _, dtype := range []dtypes.DType{dtypes.Float32, dtypes.Float64, dtypes.Int32, dtypes.Int64} {
		x := random(rng, dtype, dims...)
		xs := values(t, x)
		out := visitWindows(dims, sizes, strides, pads, func(int, int) {})
		source := random(rng, dtype, out...)
		sources := values(t, source)
		least, most := make([]int, len(sources)), make([]int, len(sources))
		for i := range least {
			least[i], most[i] = -1, -1
		}
		visitWindows(dims, sizes, strides, pads, func(w, e int) {
			if least[w] < 0 || xs[e] < xs[least[w]] {
				least[w] = e
			}
			if most[w] < 0 || xs[e] > xs[most[w]] {
				most[w] = e
			}
		})
		wantMin, wantMax := make([]float64, len(xs)), make([]float64, len(xs))
		for w, v := range sources {
			wantMin[least[w]] += v
			wantMax[most[w]] += v
		}
		got := builderGraph(t, func(b backends.Builder, in []backends.Op) ([]backends.Op, error) {
			low, err := b.SelectAndScatterMin(in[0], in[1], sizes, strides, pads)
			if err != nil {
				return nil, err
			}
			high, err := b.SelectAndScatterMax(in[0], in[1], sizes, strides, pads)
			return []backends.Op{low, high}, err
		}, x, source)
		requireClose(t, wantMin, got[0], 1e-6, "%s, least", dtype)
		requireClose(t, wantMax, got[1], 1e-6, "%s, most", dtype)
	}
}

func TestBitsAndTruthReduced(t *testing.T) {
	rng := rand.New(rand.NewPCG(67, 1))
	backend := newBackend(t, "")
	for _, dtype := range allIntegers {
		x := random(rng, dtype, 5, 4)
		xs := values(t, x)
		and, or, xor := make([]float64, 4), make([]float64, 4), make([]float64, 4)
		for j := range 4 {
			a, o, r := int64(-1), int64(0), int64(0)
			for i := range 5 {
				v := int64(xs[i*4+j])
				a, o, r = a&v, o|v, r^v
			}
			and[j], or[j], xor[j] = float64(a), float64(o), float64(r)
		}
		got := run(t, backend, each(func(x *Node) *Node { return ReduceBitwiseAnd(x, 0) },
			func(x *Node) *Node { return ReduceBitwiseOr(x, 0) }, func(x *Node) *Node { return ReduceBitwiseXor(x, 0) }), x)
		for i, want := range [][]float64{and, or, xor} {
			require.Equal(t, want, values(t, got[i]), "%s, %d", dtype, i)
		}
	}
	got := run(t, backend, each(func(x *Node) *Node { return ReduceLogicalXor(x, 1) }),
		tensors.FromValue([][]bool{{true, true, true}, {true, false, true}, {false, false, false}}))
	require.Equal(t, []float64{1, 0, 0}, values(t, got[0]))
}

func TestIntegerPowers(t *testing.T) {
	backend := newBackend(t, "")
	bases, powers := []int32{2, -3, 0, 1, -1, -1, 5, 7, 2}, []int32{10, 3, 0, -4, -3, -2, -1, 1, 31}
	want := []float64{1024, -27, 1, 1, -1, 1, 0, 7, math.MinInt32}
	got := run(t, backend, pairs(Pow), tensors.FromValue(bases), tensors.FromValue(powers))
	require.Equal(t, want, values(t, got[0]))
	got = run(t, backend, pairs(Pow), tensors.FromValue([]uint8{3, 2}), tensors.FromValue([]uint8{4, 8}))
	require.Equal(t, []float64{81, 0}, values(t, got[0]))
}

// TestTotalOrder checks IEEE 754's total order: -NaN < -Inf < -1 < -0 < 0 < 1 < Inf < NaN.
func TestTotalOrder(t *testing.T) {
	backend := newBackend(t, "")
	ordered := []float64{math.Copysign(math.NaN(), -1), math.Inf(-1), -1, math.Copysign(0, -1), 0, 1, math.Inf(1), math.Copysign(math.NaN(), 1)}
	var a64, b64 []float64
	var a32, b32 []float32
	var less, lessOrEqual, greater []float64
	truth := map[bool]float64{true: 1}
	for i, x := range ordered {
		for j, y := range ordered {
			a64, b64 = append(a64, x), append(b64, y)
			a32, b32 = append(a32, float32(x)), append(b32, float32(y))
			less, lessOrEqual, greater = append(less, truth[i < j]), append(lessOrEqual, truth[i <= j]), append(greater, truth[i > j])
		}
	}
	for i := range a32 { // a conversion may lose a NaN's sign
		for _, s := range []struct {
			narrow *float32
			wide   float64
		}{{&a32[i], a64[i]}, {&b32[i], b64[i]}} {
			if math.IsNaN(s.wide) {
				*s.narrow = math.Float32frombits(0x7fc00000 | uint32(math.Float64bits(s.wide)>>63)<<31)
			}
		}
	}
	for _, in := range [][2]*tensors.Tensor{{tensors.FromValue(a64), tensors.FromValue(b64)}, {tensors.FromValue(a32), tensors.FromValue(b32)}} {
		got := run(t, backend, pairs(LessThanTotalOrder, LessOrEqualTotalOrder, GreaterThanTotalOrder), in[0], in[1])
		for i, want := range [][]float64{less, lessOrEqual, greater} {
			require.Equal(t, want, values(t, got[i]), "%s, comparison %d", in[0].DType(), i)
		}
	}
}

func TestIndicesOfAllTypes(t *testing.T) {
	rng := rand.New(rand.NewPCG(68, 1))
	backend := newBackend(t, "")
	x := random(rng, dtypes.Float32, 6, 3)
	xs := values(t, x)
	for _, dtype := range allIntegers {
		got := run(t, backend, func(in []*Node) []*Node {
			indices := ConvertDType(Const(in[0].Graph(), [][]int32{{5}, {0}, {2}}), dtype)
			starts := []*Node{ConvertDType(Const(in[0].Graph(), int32(4)), dtype), ConvertDType(Const(in[0].Graph(), int32(1)), dtype)}
			return []*Node{Gather(in[0], indices), DynamicSlice(in[0], starts, []int{2, 2})}
		}, x)
		require.Equal(t, append(append(append([]float64{}, xs[15:18]...), xs[0:3]...), xs[6:9]...), values(t, got[0]), "%s", dtype)
		require.Equal(t, []float64{xs[13], xs[14], xs[16], xs[17]}, values(t, got[1]), "%s", dtype)
	}
}

func TestBackendDescribesItself(t *testing.T) {
	backend := newBackend(t, "threads=3")
	require.Equal(t, "cpu", backend.Name())
	require.Equal(t, "cpu", backend.String())
	require.Contains(t, backend.Description(), "3 threads")
	require.EqualValues(t, 1, backend.NumDevices())
	require.Equal(t, backend.Description(), backend.DeviceDescription(0))
	capabilities := backend.Capabilities()
	for _, op := range []backends.OpType{backends.OpTypeConvGeneral, backends.OpTypeDotGeneral, backends.OpTypeBatchNormGradient, backends.OpTypeReduceWindow} {
		require.True(t, capabilities.Operations[op], op.String())
	}
	require.False(t, capabilities.Operations[backends.OpTypeFFT])
	require.True(t, capabilities.DTypes[dtypes.BFloat16])
	require.False(t, capabilities.DTypes[dtypes.Complex64])
	capabilities.Operations[backends.OpTypeFFT] = true
	require.False(t, backend.Capabilities().Operations[backends.OpTypeFFT], "callers get a copy")

	b := backend.Builder("sum")
	require.Equal(t, "sum", b.Name())
	x, err := b.Parameter("x", shapes.Make(dtypes.Float32, 2), nil)
	require.NoError(t, err)
	wide, err := b.BroadcastInDim(x, shapes.Make(dtypes.Float32, 3, 2), []int{1})
	require.NoError(t, err)
	exec, err := b.Compile([]backends.Op{wide}, nil)
	require.NoError(t, err)
	names, in := exec.Inputs()
	require.Equal(t, []string{"x"}, names)
	require.Equal(t, "(Float32)[2]", in[0].String())
	require.Equal(t, "(Float32)[3 2]", exec.Outputs()[0].String())
	buffer, err := backend.BufferFromFlatData(0, []float32{1, 2}, in[0])
	require.NoError(t, err)
	_, err = backend.BufferCopyToDevice(buffer, 0)
	require.ErrorContains(t, err, "only one device")
	out, err := exec.Execute([]backends.Buffer{buffer}, nil, 0)
	require.NoError(t, err)
	flat, err := backend.BufferData(out[0])
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 1, 2, 1, 2}, flat)
	backend.Finalize()
	require.True(t, backend.IsFinalized())
}

// Updates at indices out of range are left out, however far they are.
func TestScatterFarOutside(t *testing.T) {
	got := run(t, newBackend(t, ""), func(in []*Node) []*Node {
		return []*Node{ScatterSum(in[0], in[1], in[2], false, false)}
	}, tensors.FromValue([]float32{1, 2, 3, 4}),
		tensors.FromValue([][]int64{{math.MaxInt64}, {math.MinInt64}, {4}, {-1}, {2}}),
		tensors.FromValue([]float32{10, 20, 30, 40, 50}))
	require.Equal(t, []float64{1, 2, 53, 4}, values(t, got[0]))
	got = run(t, newBackend(t, ""), func(in []*Node) []*Node {
		return []*Node{ScatterMax(in[0], in[1], in[2], false, false)}
	}, tensors.FromValue([]float32{1, 2, 3, 4}), tensors.FromValue([][]uint64{{math.MaxUint64}, {1}}), tensors.FromValue([]float32{10, 20}))
	require.Equal(t, []float64{1, 20, 3, 4}, values(t, got[0]))
}
