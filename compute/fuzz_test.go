package compute_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// randomGraph adds random operations over the inputs, all [5, 6, 7] or broadcastable to it, and returns
// a random part of the values: chains that fuse, values that are needed in between, other names for
// the same memory, reductions and broadcasts back.
func randomGraph(seed uint64, in []*Node) []*Node {
	rng := rand.New(rand.NewPCG(seed, 99))
	full := shapes.Make(dtypes.Float32, 5, 6, 7)
	pool := append([]*Node{}, in...)
	pick := func() *Node { return pool[rng.IntN(len(pool))] }
	same := func() *Node { // of the full shape
		x := pick()
		for !x.Shape().Equal(full) {
			x = pick()
		}
		return x
	}
	var outputs []*Node
	for range 5 + rng.IntN(40) {
		var x *Node
		switch rng.IntN(16) {
		case 0:
			x = Add(same(), pick())
		case 1:
			x = Sub(pick(), same())
		case 2:
			x = Mul(same(), pick())
		case 3:
			x = Max(same(), ZerosLike(same()))
		case 4:
			x = Min(pick(), same())
		case 5:
			x = Tanh(pick())
		case 6:
			x = Abs(pick())
		case 7:
			x = Neg(pick())
		case 8:
			x = Sqrt(Abs(same()))
		case 9: // compare inputs alone: computed values may be equal but for rounding
			x = Where(GreaterThan(in[0], in[1]), same(), same())
		case 10:
			x = Div(same(), AddScalar(Square(same()), 1))
		case 11:
			x = Reshape(Tanh(Reshape(same(), 30, 7)), 5, 6, 7)
		case 12:
			x = ReduceAndKeep(same(), ReduceSum, rng.IntN(3))
			x = Tanh(x)
		case 13:
			x = ExpandLeftToRank(Tanh(ReduceMean(same(), 0, 1)), 3)
		case 14:
			x = Tanh(ReduceAllSum(same()))
		case 15:
			x = ConvertDType(LogicalAnd(LessThan(in[0], in[2]), LogicalNot(Equal(in[1], in[2]))), dtypes.Float32)
		}
		pool = append(pool, x)
		if rng.IntN(6) == 0 {
			outputs = append(outputs, x)
		}
	}
	return append(outputs, Tanh(Add(same(), pick())))
}

// Optimised graphs compute what GoMLX's plain backend does.
func FuzzGraphs(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 7))
		inputs := []*tensors.Tensor{random(rng, dtypes.Float32, 5, 6, 7), random(rng, dtypes.Float32, 5, 6, 7), random(rng, dtypes.Float32, 5, 6, 7),
			random(rng, dtypes.Float32, 1, 1, 7), random(rng, dtypes.Float32, 5, 1, 1), random(rng, dtypes.Float32)}
		fn := func(in []*Node) []*Node { return randomGraph(seed, in) }
		reference, err := simplego.New("ops_sequential") // its operations race with each other
		require.NoError(t, err)
		want := run(t, reference, fn, inputs...)
		got := run(t, newBackend(t, "threads=2"), fn, inputs...)
		for i := range want {
			requireClose(t, values(t, want[i]), values(t, got[i]), 1e-3, "seed %d, output %d", seed, i)
		}
	})
}

// randomTypesGraph adds random operations over numbers, whole numbers and booleans, all [4, 6, 6], with
// what moves and renames memory between them, and returns a random part of the values. Where whole numbers or
// booleans are made of numbers, these are inputs: computed ones may differ in their last bits.
func randomTypesGraph(seed uint64, in []*Node) []*Node {
	rng := rand.New(rand.NewPCG(seed, 98))
	g := in[0].Graph()
	numbers, whole, truths := []*Node{in[0], in[1]}, []*Node{in[2]}, []*Node{GreaterThan(in[0], in[1])}
	input := func() *Node { return in[rng.IntN(2)] }
	f := func() *Node { return numbers[rng.IntN(len(numbers))] }
	i := func() *Node { return whole[rng.IntN(len(whole))] }
	b := func() *Node { return truths[rng.IntN(len(truths))] }
	number := []func() *Node{
		func() *Node { return Add(f(), f()) },
		func() *Node { return Tanh(Mul(f(), f())) },
		func() *Node { return Max(f(), Neg(f())) },
		func() *Node { return Where(b(), f(), f()) },
		func() *Node { return ConvertDType(b(), dtypes.Float32) },
		func() *Node { return MulScalar(ConvertDType(i(), dtypes.Float32), 0.1) },
		func() *Node { return Transpose(f(), 1, 2) },
		func() *Node { return Reshape(Tanh(Reshape(f(), 24, 6)), 4, 6, 6) },
		func() *Node { x := f(); return Add(x, Bitcast(Bitcast(x, dtypes.Int32), dtypes.Float32)) },
		func() *Node {
			return Bitcast(BitwiseXor(Bitcast(f(), dtypes.Int32), Const(g, int32(0))), dtypes.Float32)
		},
		func() *Node {
			at := []*Node{Const(g, int32(rng.IntN(4)-1)), Const(g, int32(rng.IntN(4))), Const(g, int32(rng.IntN(8)))}
			return DynamicUpdateSlice(f(), Slice(f(), AxisRange(0, 2), AxisRange(1, 3), AxisRange(0, 4)), at)
		},
		func() *Node {
			at := Clip(i(), Const(g, int32(-1)), Const(g, int32(4)))
			at = Reshape(Slice(at, AxisRange(0, 1), AxisRange(0, 1), AxisRange(0, 3)), 3, 1)
			return Tanh(ScatterSum(f(), at, Slice(f(), AxisRange(0, 3)), false, false))
		},
		func() *Node {
			return Gather(f(), Reshape(Slice(i(), AxisRange(0, 1), AxisRange(0, 1), AxisRange(0, 4)), 4, 1))
		},
		func() *Node { return Tanh(Add(f(), ReduceAndKeep(f(), ReduceSum, rng.IntN(3)))) },
		func() *Node { return ConvertDType(ConvertDType(input(), dtypes.BFloat16), dtypes.Float32) },
		func() *Node { return Tanh(Einsum("abc,acd->abd", f(), f())) },
		func() *Node { return Reverse(f(), rng.IntN(3)) },
		func() *Node { return Concatenate([]*Node{Slice(f(), AxisRange(0, 1)), Slice(f(), AxisRange(1))}, 0) },
	}
	var outputs []*Node
	for range 4 + rng.IntN(30) {
		switch kind := rng.IntN(len(number) + 6); kind {
		case 0:
			whole = append(whole, Add(i(), i()))
		case 1:
			whole = append(whole, Where(b(), i(), i()))
		case 2:
			whole = append(whole, ConvertDType(MulScalar(input(), 3), dtypes.Int32))
		case 3:
			truths = append(truths, LessThan(input(), input()))
		case 4:
			truths = append(truths, LogicalXor(b(), b()))
		case 5:
			truths = append(truths, LogicalNot(b()))
		default:
			numbers = append(numbers, number[kind-6]())
		}
		if rng.IntN(4) == 0 {
			outputs = append(outputs, f(), Reshape(f(), 144))
		}
		if rng.IntN(8) == 0 {
			outputs = append(outputs, i(), ConvertDType(b(), dtypes.Uint8))
		}
	}
	return append(outputs, Add(f(), f()))
}

// Optimised graphs compute what they do operation by operation.
func FuzzTypes(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 9))
		inputs := []*tensors.Tensor{random(rng, dtypes.Float32, 4, 6, 6), random(rng, dtypes.Float32, 4, 6, 6), random(rng, dtypes.Int32, 4, 6, 6)}
		fn := func(in []*Node) []*Node { return randomTypesGraph(seed, in) }
		want := run(t, newBackend(t, "unfused"), fn, inputs...)
		got := run(t, newBackend(t, "threads=2"), fn, inputs...)
		for i := range want {
			requireClose(t, values(t, want[i]), values(t, got[i]), 1e-3, "seed %d, output %d", seed, i)
		}
	})
}

// Convolutions of any shape agree with their definition, and so do their gradients.
func FuzzConvolutions(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 8))
		c := randomConv(rng)
		x, w := c.tensors(rng, dtypes.Float32)
		got := run(t, newBackend(t, "threads=2"), func(in []*Node) []*Node {
			wide := []*Node{ConvertDType(in[0], dtypes.Float64), ConvertDType(in[1], dtypes.Float64)}
			return []*Node{c.convolve(in[0], in[1]), c.convolve(wide[0], wide[1])}
		}, x, w)
		requireClose(t, values(t, got[1]), values(t, got[0]), 1e-5, "%v", c)
	})
}
