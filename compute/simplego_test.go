package compute_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// random makes a tensor of small values: floats in [-2, 2), integers in [-5, 5] (or [0, 10]).
func random(rng *rand.Rand, dtype dtypes.DType, dims ...int) *tensors.Tensor {
	t := tensors.FromShape(shapes.Make(dtype, dims...))
	t.MustMutableFlatData(func(flat any) {
		v := reflect.ValueOf(flat)
		for i := range v.Len() {
			e := v.Index(i)
			switch {
			case dtype == dtypes.Bool:
				e.SetBool(rng.IntN(2) == 0)
			case dtype.IsUnsigned():
				e.SetUint(uint64(rng.IntN(11)))
			case dtype.IsInt():
				e.SetInt(int64(rng.IntN(11) - 5))
			case dtype.IsFloat16():
				panic("make half-precision floats by conversion")
			default:
				e.SetFloat(rng.Float64()*4 - 2)
			}
		}
	})
	return t
}

// values are a tensor's values as float64.
func values(t testing.TB, x *tensors.Tensor) []float64 {
	t.Helper()
	var out []float64
	x.MustConstFlatData(func(flat any) {
		v := reflect.ValueOf(flat)
		for i := range v.Len() {
			e := v.Index(i)
			switch {
			case e.CanInt():
				out = append(out, float64(e.Int()))
			case e.Kind() == reflect.Bool:
				b := 0.0
				if e.Bool() {
					b = 1
				}
				out = append(out, b)
			case x.DType().IsFloat16():
				f := e.Interface().(interface{ Float32() float32 })
				out = append(out, float64(f.Float32()))
			case e.CanUint():
				out = append(out, float64(e.Uint()))
			default:
				out = append(out, e.Float())
			}
		}
	})
	return out
}

// requireClose compares with a tolerance relative to the largest value.
func requireClose(t testing.TB, want, got []float64, tolerance float64, format string, args ...any) {
	t.Helper()
	message := fmt.Sprintf(format, args...)
	require.Len(t, got, len(want), message)
	scale := 1.0
	for _, v := range want {
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			scale = max(scale, math.Abs(v))
		}
	}
	for i := range want {
		if math.IsNaN(want[i]) && math.IsNaN(got[i]) || want[i] == got[i] {
			continue
		}
		if !(math.Abs(want[i]-got[i]) <= tolerance*scale) {
			t.Fatalf("%s: element %d: want %v, got %v", message, i, want[i], got[i])
		}
	}
}

// run executes a graph on a backend; the inputs are cloned, since a tensor belongs to one backend.
func run(t testing.TB, backend backends.Backend, fn func(inputs []*Node) []*Node, inputs ...*tensors.Tensor) []*tensors.Tensor {
	t.Helper()
	args := make([]any, len(inputs))
	for i, in := range inputs {
		clone, err := in.LocalClone()
		require.NoError(t, err)
		args[i] = clone
	}
	exec, err := NewExec(backend, fn)
	require.NoError(t, err)
	defer exec.Finalize()
	outputs, err := exec.Exec(args...)
	require.NoError(t, err)
	return outputs
}

// compareWithSimpleGo runs the graph on both backends.
func compareWithSimpleGo(t *testing.T, name string, fn func(inputs []*Node) []*Node, inputs ...*tensors.Tensor) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		// The way for large products of v0.26 reads past the end of odd sizes.
		reference, err := simplego.New("dotgeneral_small,ops_sequential") // its operations race with each other
		require.NoError(t, err)
		want := run(t, reference, fn, inputs...)
		got := run(t, newBackend(t, ""), fn, inputs...)
		require.Len(t, got, len(want))
		for i := range want {
			require.Equal(t, want[i].Shape().String(), got[i].Shape().String(), "output %d", i)
			tolerance := 2e-5
			if want[i].DType().IsFloat16() {
				tolerance = 2e-2 // simplego cuts where this backend rounds
			}
			requireClose(t, values(t, want[i]), values(t, got[i]), tolerance, "output %d", i)
		}
	})
}

var (
	allFloats   = []dtypes.DType{dtypes.Float32, dtypes.Float64}
	allIntegers = []dtypes.DType{dtypes.Int8, dtypes.Int16, dtypes.Int32, dtypes.Int64, dtypes.Uint8, dtypes.Uint16, dtypes.Uint32, dtypes.Uint64}
	allNumbers  = append(append([]dtypes.DType{}, allFloats...), allIntegers...)
)

func each(fns ...func(x *Node) *Node) func([]*Node) []*Node {
	return func(in []*Node) []*Node {
		var out []*Node
		for _, fn := range fns {
			out = append(out, fn(in[0]))
		}
		return out
	}
}

func pairs(fns ...func(a, b *Node) *Node) func([]*Node) []*Node {
	return func(in []*Node) []*Node {
		var out []*Node
		for _, fn := range fns {
			out = append(out, fn(in[0], in[1]))
		}
		return out
	}
}

func TestElementwiseAgainstSimpleGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, dtype := range allFloats {
		for _, n := range []int{1, 7, 64, 1023} {
			compareWithSimpleGo(t, fmt.Sprintf("unary/%s/%d", dtype, n),
				each(Abs, Neg, Sign, Ceil, Floor, Round, Exp, Expm1, Sigmoid, Cos, Sin, Tanh, Erf, Square), random(rng, dtype, n))
			compareWithSimpleGo(t, fmt.Sprintf("positive/%s/%d", dtype, n),
				each(func(x *Node) *Node { return Log(AddScalar(Abs(x), 0.1)) }, func(x *Node) *Node { return Log1p(Abs(x)) },
					func(x *Node) *Node { return Sqrt(Abs(x)) }, func(x *Node) *Node { return Rsqrt(AddScalar(Abs(x), 0.1)) },
					func(x *Node) *Node { return ConvertDType(IsFinite(Div(x, Floor(x))), dtypes.Int32) }), random(rng, dtype, n))
		}
	}
	for _, dtype := range allIntegers {
		compareWithSimpleGo(t, "unary/"+dtype.String(), each(BitwiseNot, BitCount, Clz, Abs, Sign), random(rng, dtype, 33))
	}
	shapesOf := [][2][]int{{{5, 7}, {5, 7}}, {{5, 7}, {}}, {{}, {3, 9}}, {{1, 7}, {5, 7}}, {{5, 1}, {5, 7}}, {{2, 1, 3, 1}, {1, 4, 1, 5}}, {{2, 5, 5, 8}, {1, 1, 1, 8}}}
	for _, dtype := range allNumbers {
		for i, s := range shapesOf {
			a, b := random(rng, dtype, s[0]...), random(rng, dtype, s[1]...)
			name := fmt.Sprintf("%s/%d", dtype, i)
			compareWithSimpleGo(t, "binary/"+name, pairs(Add, Sub, Mul, Max, Min), a, b)
			compareWithSimpleGo(t, "compare/"+name, pairs(Equal, NotEqual, LessThan, LessOrEqual, GreaterThan, GreaterOrEqual), a, b)
			if dtype.IsFloat() {
				compareWithSimpleGo(t, "division/"+name, pairs(Div, func(a, b *Node) *Node { return Pow(AddScalar(Abs(a), 0.1), b) }), a, b)
			} else {
				compareWithSimpleGo(t, "bits/"+name, pairs(BitwiseAnd, BitwiseOr, BitwiseXor), a, b)
			}
		}
	}
	compareWithSimpleGo(t, "logical", pairs(LogicalAnd, LogicalOr, LogicalXor, func(a, _ *Node) *Node { return LogicalNot(a) }),
		random(rng, dtypes.Bool, 4, 5), random(rng, dtypes.Bool, 4, 5))
}

func TestWhereAgainstSimpleGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	where := func(in []*Node) []*Node { return []*Node{Where(in[0], in[1], in[2])} }
	for _, dtype := range allNumbers {
		compareWithSimpleGo(t, dtype.String(), where, random(rng, dtypes.Bool, 3, 5), random(rng, dtype, 3, 5), random(rng, dtype, 3, 5))
		compareWithSimpleGo(t, dtype.String()+"/scalars", where, random(rng, dtypes.Bool, 3, 5), random(rng, dtype), random(rng, dtype))
		compareWithSimpleGo(t, dtype.String()+"/scalar", where, random(rng, dtypes.Bool, 3, 5), random(rng, dtype, 3, 5), random(rng, dtype))
	}
}

func TestMovementAgainstSimpleGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, dtype := range append(allNumbers, dtypes.Bool) {
		compareWithSimpleGo(t, dtype.String(), each(
			func(x *Node) *Node { return TransposeAllAxes(x, 2, 0, 1) },
			func(x *Node) *Node { return TransposeAllAxes(x, 0, 2, 1) },
			func(x *Node) *Node { return TransposeAllAxes(x, 2, 1, 0) },
			func(x *Node) *Node { return Reshape(x, 4, 15) },
			func(x *Node) *Node { return Slice(x, AxisRange(1), AxisRange(0, 3), AxisRange().Stride(2)) },
			func(x *Node) *Node { return BroadcastPrefix(x, 2, 1) },
			func(x *Node) *Node { return BroadcastToDims(InsertAxes(x, 0), 6, 3, 4, 5) },
			func(x *Node) *Node { return Concatenate([]*Node{x, x, Slice(x, AxisRange(), AxisRange(0, 1))}, 1) },
		), random(rng, dtype, 3, 4, 5))
	}
	for _, dims := range [][]int{{64, 48}, {2, 33, 70}, {3, 17, 5, 40}} {
		compareWithSimpleGo(t, fmt.Sprint("transpose/", dims), each(func(x *Node) *Node {
			perm := make([]int, x.Rank())
			for i := range perm {
				perm[i] = x.Rank() - 1 - i
			}
			return TransposeAllAxes(x, perm...)
		}), random(rng, dtypes.Float32, dims...))
	}
	for _, dtype := range allNumbers {
		compareWithSimpleGo(t, "iota/"+dtype.String(), func(in []*Node) []*Node {
			g := in[0].Graph()
			return []*Node{Iota(g, shapes.Make(dtype, 3, 4, 5), 0), Iota(g, shapes.Make(dtype, 3, 4, 5), 1), Iota(g, shapes.Make(dtype, 3, 4, 5), 2)}
		}, random(rng, dtypes.Float32))
	}
}

func TestConvertAgainstSimpleGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	all := append(allNumbers, dtypes.Bool)
	for _, from := range all {
		for _, to := range append(all, dtypes.BFloat16) {
			if from == to || from.IsFloat() && to.IsUnsigned() || from.IsInt() && !from.IsUnsigned() && to.IsUnsigned() {
				continue // what becomes of negative numbers is not defined
			}
			compareWithSimpleGo(t, from.String()+"/"+to.String(), each(func(x *Node) *Node { return ConvertDType(x, to) }), random(rng, from, 3000))
		}
	}
	compareWithSimpleGo(t, "bfloat16", each(func(x *Node) *Node {
		h := ConvertDType(x, dtypes.BFloat16)
		return Add(Mul(h, h), Exp(h))
	}), random(rng, dtypes.Float32, 100))
}

// Numbers that no float32 is are rounded to half precision once, not to float32 on the way.
func TestHalfPrecisionIsRoundedOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	var floats []float64
	var signed []int64
	var unsigned []uint64
	var signed32 []int32
	var unsigned32 []uint32
	for range 3000 {
		// Near the middle between two numbers of half precision, and from there a little to either side.
		middle := float64(1+2*rng.IntN(1<<12)) * math.Ldexp(1, rng.IntN(4)-12)
		floats = append(floats, middle, -middle, middle*(1+0x1p-40), -middle*(1-0x1p-40), middle*(1+0x1p-30), rng.NormFloat64())
		whole := uint64(1+2*rng.IntN(1<<12)) << rng.IntN(51)
		for _, v := range []uint64{whole, whole + 1, whole - 1, rng.Uint64()} {
			unsigned = append(unsigned, v)
			signed = append(signed, int64(v), -int64(v))
		}
		short := uint32(1+2*rng.IntN(1<<8)) << rng.IntN(23)
		for _, v := range []uint32{short, short + 1, short - 1, rng.Uint32()} {
			unsigned32 = append(unsigned32, v)
			signed32 = append(signed32, int32(v), -int32(v))
		}
	}
	for _, c := range []struct {
		dtype     dtypes.DType
		precision uint
	}{{dtypes.BFloat16, 8}, {dtypes.Float16, 11}} {
		got := run(t, newBackend(t, ""), func(in []*Node) (out []*Node) {
			for _, x := range in {
				out = append(out, ConvertDType(ConvertDType(x, c.dtype), dtypes.Float32))
			}
			return out
		}, tensors.FromValue(floats), tensors.FromValue(signed), tensors.FromValue(unsigned), tensors.FromValue(signed32), tensors.FromValue(unsigned32))
		check := func(from any, got float64, exact *big.Float) {
			t.Helper()
			want, _ := new(big.Float).SetPrec(c.precision).Set(exact).Float64()
			if c.dtype == dtypes.Float16 && (math.Abs(want) > 65504 || math.Abs(want) < 0x1p-14) {
				return // beyond its range, or with fewer digits
			}
			require.Equal(t, want, got, "%s of %v", c.dtype, from)
		}
		for i, v := range values(t, got[0]) {
			check(floats[i], v, big.NewFloat(floats[i]))
		}
		for i, v := range values(t, got[1]) {
			check(signed[i], v, new(big.Float).SetInt64(signed[i]))
		}
		for i, v := range values(t, got[2]) {
			check(unsigned[i], v, new(big.Float).SetUint64(unsigned[i]))
		}
		for i, v := range values(t, got[3]) {
			check(signed32[i], v, big.NewFloat(float64(signed32[i])))
		}
		for i, v := range values(t, got[4]) {
			check(unsigned32[i], v, big.NewFloat(float64(unsigned32[i])))
		}
	}
}

func TestReduceAgainstSimpleGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, dtype := range allNumbers {
		var fns []func(x *Node) *Node
		for _, axes := range [][]int{{}, {0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {0, 1, 2}} {
			fns = append(fns, func(x *Node) *Node { return ReduceSum(x, axes...) })
			if dtype != dtypes.Int8 && dtype != dtypes.Uint8 { // GoMLX v0.26 does not know their limits
				fns = append(fns,
					func(x *Node) *Node { return ReduceMax(x, axes...) },
					func(x *Node) *Node { return ReduceMin(x, axes...) })
			}
			if dtype.IsFloat() {
				fns = append(fns, func(x *Node) *Node { return ReduceMultiply(x, axes...) })
			}
		}
		compareWithSimpleGo(t, dtype.String(), each(fns...), random(rng, dtype, 4, 3, 5))
		compareWithSimpleGo(t, dtype.String()+"/arg", each(
			func(x *Node) *Node { return ArgMax(x, 0) }, func(x *Node) *Node { return ArgMax(x, 1) },
			func(x *Node) *Node { return ArgMin(x, 2) }, func(x *Node) *Node { return ArgMin(x, 2, dtypes.Uint8) }), random(rng, dtype, 4, 3, 5))
	}
	compareWithSimpleGo(t, "large", each(func(x *Node) *Node { return ReduceSum(x, 0, 1, 2) }, func(x *Node) *Node { return ReduceMean(x, 1, 2) },
		func(x *Node) *Node { return ReduceMax(x, 3) }, func(x *Node) *Node { return ReduceAllSum(x) }), random(rng, dtypes.Float32, 3, 33, 31, 17))
	compareWithSimpleGo(t, "logical", each(func(x *Node) *Node { return ReduceLogicalAnd(x, 0) }, func(x *Node) *Node { return ReduceLogicalOr(x, 1) }),
		random(rng, dtypes.Bool, 4, 3))
}

func TestDotAgainstSimpleGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, dtype := range []dtypes.DType{dtypes.Float32, dtypes.Float64, dtypes.Int32, dtypes.Int64} {
		for i, c := range []struct {
			l, r           []int
			lc, lb, rc, rb []int
		}{
			{[]int{5, 7}, []int{7, 3}, []int{1}, nil, []int{0}, nil},
			{[]int{7, 5}, []int{7, 3}, []int{0}, nil, []int{0}, nil},
			{[]int{5, 7}, []int{3, 7}, []int{1}, nil, []int{1}, nil},
			{[]int{7, 5}, []int{3, 7}, []int{0}, nil, []int{1}, nil},
			{[]int{65, 130}, []int{130, 47}, []int{1}, nil, []int{0}, nil},
			{[]int{1, 300}, []int{300, 1}, []int{1}, nil, []int{0}, nil},
			{[]int{2, 5, 7}, []int{2, 7, 3}, []int{2}, []int{0}, []int{1}, []int{0}},
			{[]int{5, 2, 7}, []int{7, 3, 2}, []int{2}, []int{1}, []int{0}, []int{2}},
			{[]int{2, 3, 4, 5}, []int{5, 3, 6}, []int{1, 3}, nil, []int{1, 0}, nil},
			{[]int{4}, []int{4}, []int{0}, nil, []int{0}, nil},
			{[]int{4, 3}, []int{5}, nil, nil, nil, nil},
		} {
			compareWithSimpleGo(t, fmt.Sprintf("%s/%d", dtype, i), pairs(func(a, b *Node) *Node {
				return DotGeneral(a, c.lc, c.lb, b, c.rc, c.rb)
			}), random(rng, dtype, c.l...), random(rng, dtype, c.r...))
		}
	}
}

func TestGatherScatterAgainstSimpleGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for _, dtype := range allNumbers {
		indices := tensors.FromValue([][]int32{{3, 0}, {1, 2}, {0, 1}, {3, 0}})
		compareWithSimpleGo(t, "gather/"+dtype.String(), pairs(
			func(x, i *Node) *Node { return Gather(x, i) },
			func(x, i *Node) *Node { return GatherSlices(x, []int{0, 2}, i, []int{1, 3}, true) },
		), random(rng, dtype, 4, 3, 5), indices)
		compareWithSimpleGo(t, "scatter/"+dtype.String(), func(in []*Node) []*Node {
			zeros := Zeros(in[0].Graph(), shapes.Make(dtype, 4, 3, 5))
			return []*Node{ScatterSum(zeros, in[1], in[0], false, false), ScatterMax(zeros, in[1], in[0], false, false), ScatterMin(zeros, in[1], in[0], false, false)}
		}, random(rng, dtype, 4, 5), indices)
	}
}
