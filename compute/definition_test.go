package compute_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// Operations that GoMLX's other Go backend lacks, against their definitions.

// node builds a graph node by the backend's own method, for what package graph does not export.
func TestBatchNormAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for _, dtype := range allFloats {
		for _, c := range []struct {
			dims []int
			axis int
		}{{[]int{4, 5, 3, 7}, 3}, {[]int{4, 7, 3, 5}, 1}, {[]int{33, 17}, 1}, {[]int{64, 9, 9, 64}, 3}, {[]int{3, 8}, 0}} {
			t.Run(fmt.Sprint(dtype, c.dims, c.axis), func(t *testing.T) {
				features := c.dims[c.axis]
				inner := 1
				for _, d := range c.dims[c.axis+1:] {
					inner *= d
				}
				x, dy := random(rng, dtype, c.dims...), random(rng, dtype, c.dims...)
				scale, offset := random(rng, dtype, features), random(rng, dtype, features)
				xs, dys, scales, offsets := values(t, x), values(t, dy), values(t, scale), values(t, offset)
				const epsilon = 1e-3
				feature := func(i int) int { return i / inner % features }
				count := float64(len(xs) / features)
				mean, variance := make([]float64, features), make([]float64, features)
				for i, v := range xs {
					mean[feature(i)] += v / count
				}
				for i, v := range xs {
					variance[feature(i)] += (v - mean[feature(i)]) * (v - mean[feature(i)]) / count
				}
				y, dOffset, dScale, dx := make([]float64, len(xs)), make([]float64, features), make([]float64, features), make([]float64, len(xs))
				hat := func(i int) float64 {
					f := feature(i)
					return (xs[i] - mean[f]) / math.Sqrt(variance[f]+epsilon)
				}
				for i := range xs {
					f := feature(i)
					y[i] = scales[f]*hat(i) + offsets[f]
					dOffset[f] += dys[i]
					dScale[f] += dys[i] * hat(i)
				}
				for i := range xs {
					f := feature(i)
					dx[i] = scales[f] / math.Sqrt(variance[f]+epsilon) * (dys[i] - dOffset[f]/count - hat(i)*dScale[f]/count)
				}
				got := run(t, newBackend(t, ""), func(in []*Node) []*Node {
					y, mean, variance := InternalBatchNormForTraining(in[0], in[1], in[2], epsilon, c.axis)
					grads := Gradient(ReduceAllSum(Mul(y, in[3])), in[0], in[1], in[2])
					inference := InternalBatchNormForInference(in[0], in[1], in[2], StopGradient(mean), StopGradient(variance), epsilon, c.axis)
					return append([]*Node{y, mean, variance, inference}, grads...)
				}, x, scale, offset, dy)
				for i, want := range [][]float64{y, mean, variance, y, dx, dScale, dOffset} {
					requireClose(t, want, values(t, got[i]), 1e-5, "output %d", i)
				}
			})
		}
	}
}

// TestBatchNormFarFromZero checks statistics where a sum of squares would lose every digit: a mean a thousand
// times the deviation, drifting from block to block.
func TestBatchNormFarFromZero(t *testing.T) {
	rng := rand.New(rand.NewPCG(37, 38))
	const rows, channels = 20_000, 24
	x := make([]float32, rows*channels)
	var mean, variance [channels]float64
	for i := range x {
		x[i] = 1000 + float32(rng.NormFloat64()) + float32(i)/rows/channels
		mean[i%channels] += float64(x[i]) / rows
	}
	for i, v := range x {
		d := float64(v) - mean[i%channels]
		variance[i%channels] += d * d / rows
	}
	one, zero := make([]float32, channels), make([]float32, channels)
	for i := range one {
		one[i] = 1
	}
	got := run(t, newBackend(t, "threads=2"), func(in []*Node) []*Node {
		y, mean, variance := InternalBatchNormForTraining(in[0], in[1], in[2], 1e-5, 1)
		return []*Node{y, mean, variance}
	}, tensors.FromFlatDataAndDimensions(x, rows, channels), tensors.FromValue(one), tensors.FromValue(zero))
	for c, v := range values(t, got[1]) {
		require.InEpsilon(t, mean[c], v, 1e-6)
	}
	for c, v := range values(t, got[2]) {
		require.InEpsilon(t, variance[c], v, 1e-3)
	}
	for i, v := range values(t, got[0]) {
		require.InDelta(t, (float64(x[i])-mean[i%channels])/math.Sqrt(variance[i%channels]+1e-5), v, 2e-3)
	}
}

// visitWindows calls f for each element under each window.
func visitWindows(in, sizes, strides []int, pads [][2]int, f func(window, element int)) []int {
	out := make([]int, len(in))
	count, under := 1, 1
	for i := range in {
		out[i] = (in[i]+pads[i][0]+pads[i][1]-sizes[i])/strides[i] + 1
		count *= out[i]
		under *= sizes[i]
	}
	for w := range count {
		for u := range under {
			offset, stride, inside := 0, 1, true
			restW, restU := w, u
			for i := len(in) - 1; i >= 0; i-- {
				at := restW%out[i]*strides[i] - pads[i][0] + restU%sizes[i]
				restW /= out[i]
				restU /= sizes[i]
				inside = inside && at >= 0 && at < in[i]
				offset += at * stride
				stride *= in[i]
			}
			if inside {
				f(w, offset)
			}
		}
	}
	return out
}

func TestPoolsAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	backend := newBackend(t, "")
	for _, c := range []struct {
		dims, sizes, strides []int
		pads                 [][2]int
	}{
		{[]int{2, 9, 8, 5}, []int{1, 3, 3, 1}, []int{1, 2, 2, 1}, [][2]int{{0, 0}, {1, 1}, {1, 0}, {0, 0}}},
		{[]int{2, 6, 6, 64}, []int{1, 2, 2, 1}, []int{1, 2, 2, 1}, [][2]int{{0, 0}, {0, 0}, {0, 0}, {0, 0}}},
		{[]int{3, 7, 5, 17}, []int{1, 3, 3, 1}, []int{1, 1, 1, 1}, [][2]int{{0, 0}, {1, 1}, {1, 1}, {0, 0}}},
		{[]int{2, 3, 9, 8}, []int{1, 1, 3, 2}, []int{1, 1, 2, 2}, [][2]int{{0, 0}, {0, 0}, {1, 1}, {0, 0}}},
		{[]int{11, 13}, []int{4, 3}, []int{3, 2}, [][2]int{{0, 2}, {1, 0}}},
	} {
		for _, dtype := range allFloats {
			t.Run(fmt.Sprint(dtype, c.dims), func(t *testing.T) {
				x := random(rng, dtype, c.dims...)
				xs := values(t, x)
				windows := 1
				out := visitWindows(c.dims, c.sizes, c.strides, c.pads, func(int, int) {})
				for _, d := range out {
					windows *= d
				}
				source := random(rng, dtype, out...)
				dys := values(t, source)
				sum, most, least := make([]float64, windows), make([]float64, windows), make([]float64, windows)
				chosen := make([]int, windows)
				for i := range most {
					most[i], least[i], chosen[i] = math.Inf(-1), math.Inf(1), -1
				}
				dMax, dSum := make([]float64, len(xs)), make([]float64, len(xs))
				visitWindows(c.dims, c.sizes, c.strides, c.pads, func(w, e int) {
					sum[w] += xs[e]
					least[w] = min(least[w], xs[e])
					if xs[e] > most[w] {
						most[w], chosen[w] = xs[e], e
					}
					dSum[e] += dys[w]
				})
				for w, e := range chosen {
					dMax[e] += dys[w]
				}
				got := run(t, backend, func(in []*Node) []*Node {
					pool := func(op backends.ReduceOpType) *Node {
						return BackendReduceWindow(in[0], op, c.sizes, c.strides, nil, nil, c.pads)
					}
					most := pool(backends.ReduceOpMax)
					return []*Node{pool(backends.ReduceOpSum), most, pool(backends.ReduceOpMin), Gradient(ReduceAllSum(Mul(most, in[1])), in[0])[0]}
				}, x, source)
				for i, want := range [][]float64{sum, most, least, dMax} {
					requireClose(t, want, values(t, got[i]), 1e-5, "output %d", i)
				}
			})
		}
	}
}

// Of equal values the first gets the gradient; GoMLX's own choice for Max is another matter.
func TestMaxPoolGradientOfTies(t *testing.T) {
	got := run(t, newBackend(t, ""), func(in []*Node) []*Node {
		return Gradient(ReduceAllSum(MaxPool(in[0]).Window(2).Done()), in[0])
	}, tensors.FromFlatDataAndDimensions(make([]float32, 16), 1, 4, 4, 1))
	require.Equal(t, []float64{1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0}, values(t, got[0]))
}

func TestPadAndReverseAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(35, 36))
	for _, dtype := range append(allNumbers, dtypes.Bool) {
		for _, pads := range [][2]PadAxis{
			{{Start: 1, End: 2}, {}}, {{Start: 1, End: 0, Interior: 2}, {Start: 0, End: 3, Interior: 1}},
			{{Start: -1, End: -1}, {Start: 2, End: -3}}, {{Start: -2, End: 1, Interior: 1}, {Start: -4, End: -1, Interior: 2}},
		} {
			x, fill := random(rng, dtype, 4, 5), random(rng, dtype)
			xs, fillValue := values(t, x), values(t, fill)[0]
			size := func(i, n int) int { return n + pads[i].Start + pads[i].End + (n-1)*pads[i].Interior }
			rows, columns := size(0, 4), size(1, 5)
			want := make([]float64, rows*columns)
			for i := range want {
				want[i] = fillValue
			}
			for i := range 4 {
				for j := range 5 {
					r, c := pads[0].Start+i*(pads[0].Interior+1), pads[1].Start+j*(pads[1].Interior+1)
					if r >= 0 && r < rows && c >= 0 && c < columns {
						want[r*columns+c] = xs[i*5+j]
					}
				}
			}
			got := run(t, newBackend(t, ""), func(in []*Node) []*Node {
				return []*Node{Pad(in[0], in[1], pads[0], pads[1]), Reverse(in[0], 0), Reverse(in[0], 1), Reverse(in[0], 0, 1)}
			}, x, fill)
			requireClose(t, want, values(t, got[0]), 0, "pad %v of %s", pads, dtype)
			for k, flip := range [][2]bool{{true, false}, {false, true}, {true, true}} {
				reversed := make([]float64, len(xs))
				for i := range 4 {
					for j := range 5 {
						r, c := i, j
						if flip[0] {
							r = 3 - i
						}
						if flip[1] {
							c = 4 - j
						}
						reversed[i*5+j] = xs[r*5+c]
					}
				}
				requireClose(t, reversed, values(t, got[1+k]), 0, "reverse %v of %s", flip, dtype)
			}
		}
	}
}

func TestOtherOperations(t *testing.T) {
	backend := newBackend(t, "")
	x := tensors.FromFlatDataAndDimensions([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 3, 4)
	for _, c := range []struct {
		name   string
		fn     func(in []*Node) []*Node
		inputs []*tensors.Tensor
		want   [][]float64
	}{
		{"dynamic slices", func(in []*Node) []*Node {
			starts := []*Node{in[1], in[2]}
			return []*Node{DynamicSlice(in[0], starts, []int{2, 2}), DynamicUpdateSlice(in[0], Const(in[0].Graph(), [][]float32{{-1, -2}}), starts)}
		}, []*tensors.Tensor{x, tensors.FromScalar(int32(2)), tensors.FromScalar(int32(-3))},
			[][]float64{{4, 5, 8, 9}, {0, 1, 2, 3, 4, 5, 6, 7, -1, -2, 10, 11}}},
		{"clamp", func(in []*Node) []*Node { return []*Node{ClipScalar(in[0], 2, 7), Clip(in[0], in[1], in[2])} },
			[]*tensors.Tensor{x, tensors.FromScalar(float32(3)), tensors.FromScalar(float32(4))},
			[][]float64{{2, 2, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7}, {3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4}}},
		{"shifts", func(in []*Node) []*Node {
			return []*Node{BitwiseShiftLeft(in[0], in[1]), BitwiseShiftRightArithmetic(in[0], in[1]), BitwiseShiftRightLogical(in[0], in[1])}
		}, []*tensors.Tensor{tensors.FromFlatDataAndDimensions([]int8{-128, -3, 5, 127}, 4), tensors.FromFlatDataAndDimensions([]int8{1})},
			[][]float64{{0, -6, 10, -2}, {-64, -2, 2, 63}, {64, 126, 2, 63}}},
		{"bit cast", func(in []*Node) []*Node {
			return []*Node{Bitcast(in[0], dtypes.Uint16), Bitcast(Bitcast(in[0], dtypes.Uint8), dtypes.Uint32)}
		}, []*tensors.Tensor{tensors.FromValue([]uint32{0xdeadbeef})}, [][]float64{{0xbeef, 0xdead}, {0xdeadbeef}}},
		{"integer division by zero", func(in []*Node) []*Node { return []*Node{Div(in[0], in[1]), Mod(in[0], in[1])} },
			[]*tensors.Tensor{tensors.FromValue([]int32{7, -7}), tensors.FromValue([]int32{0, 2})}, [][]float64{{-1, -3}, {7, -1}}},
		{"not a number", func(in []*Node) []*Node {
			return []*Node{IsNaN(in[0]), IsFinite(in[0]), Max(in[0], ZerosLike(in[0])), ArgMax(in[0], 0)}
		}, []*tensors.Tensor{tensors.FromValue([]float32{1, float32(math.NaN()), float32(math.Inf(1)), -2})},
			[][]float64{{0, 1, 0, 0}, {1, 0, 0, 1}, {1, math.NaN(), math.Inf(1), 0}, {1}}},
		{"float16", func(in []*Node) []*Node {
			h := ConvertDType(in[0], dtypes.Float16)
			return []*Node{ConvertDType(Mul(h, h), dtypes.Float32), ReduceAllSum(h), TransposeAllAxes(h, 1, 0)}
		}, []*tensors.Tensor{x}, [][]float64{{0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121}, {66}, {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}}},
		{"bfloat16 rounds to even", each(func(x *Node) *Node { return ConvertDType(ConvertDType(x, dtypes.BFloat16), dtypes.Float32) }),
			[]*tensors.Tensor{tensors.FromValue([]float32{1 + 1.0/256, 1 + 3.0/256, 1 + 1.1/256})}, [][]float64{{1, 1 + 4.0/256, 1 + 2.0/256}}},
		{"scatter outside", func(in []*Node) []*Node {
			return []*Node{ScatterSum(in[0], in[1], in[2], false, false)}
		}, []*tensors.Tensor{tensors.FromValue([]float32{1, 2, 3}), tensors.FromValue([][]int32{{5}, {1}, {-1}, {1}}), tensors.FromValue([]float32{10, 20, 30, 40})},
			[][]float64{{1, 62, 3}}},
		{"total order", func(in []*Node) []*Node {
			return []*Node{LessThanTotalOrder(in[0], in[1]), EqualTotalOrder(in[0], in[1]), NotEqualTotalOrder(in[0], in[1]), GreaterOrEqualTotalOrder(in[0], in[1])}
		}, []*tensors.Tensor{tensors.FromValue([]float32{float32(math.Copysign(0, -1)), 0, 1}), tensors.FromValue([]float32{0, 0, float32(math.NaN())})},
			[][]float64{{1, 0, 1}, {0, 1, 0}, {1, 0, 1}, {0, 1, 0}}},
		{"outputs that are inputs, constants and the same", func(in []*Node) []*Node {
			y := AddScalar(in[0], 1)
			return []*Node{Identity(in[0]), Const(in[0].Graph(), []float32{5, 6}), y, Reshape(y, 4, 3), AddScalar(in[0], 1), Reshape(in[0], 12)}
		}, []*tensors.Tensor{x}, [][]float64{values(t, x), {5, 6}, plus(values(t, x), 1), plus(values(t, x), 1), plus(values(t, x), 1), values(t, x)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := run(t, backend, c.fn, c.inputs...)
			for i, want := range c.want {
				requireClose(t, want, values(t, got[i]), 0, "output %d", i)
			}
		})
	}
}

// Sums of very many numbers are not off by what each addition rounds away, whichever axes they run over.
func TestLongSums(t *testing.T) {
	const value = 0.1
	x := run(t, newBackend(t, ""), func(in []*Node) []*Node { return []*Node{BroadcastToDims(in[0], 64, 3, 96, 64)} },
		tensors.FromValue(float32(value)))[0]
	for _, axes := range [][]int{{0, 2, 3}, {0, 2}, {0, 3}, {0, 1, 3}, {0, 1, 2, 3}} {
		got := run(t, newBackend(t, "threads=2"), func(in []*Node) []*Node { return []*Node{ReduceMean(in[0], axes...)} }, x)
		for i, v := range values(t, got[0]) {
			require.InDelta(t, value, v, 1e-6, "axes %v, element %d", axes, i)
		}
	}
	// The sums of blocks are many themselves.
	for _, value := range []float32{0.1, 0.3} {
		x := run(t, newBackend(t, ""), func(in []*Node) []*Node { return []*Node{BroadcastToDims(in[0], 1<<23, 2)} }, tensors.FromValue(value))[0]
		got := run(t, newBackend(t, "threads=2"), func(in []*Node) []*Node { return []*Node{ReduceMean(in[0], 0), ReduceAllMean(in[0])} }, x)
		for _, v := range append(values(t, got[0]), values(t, got[1])...) {
			require.InEpsilon(t, value, v, 3e-5)
		}
	}
}

// What is summed within a photo is the same, bit for bit, whatever the batch, and wherever its axis is.
func TestReductionsDoNotDependOnTheBatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 3))
	for _, c := range []struct{ dims, axes []int }{
		{[]int{3, 50, 40}, []int{1, 2}},
		{[]int{50, 3, 40}, []int{0, 2}},
		{[]int{50, 40, 3}, []int{0, 1}},
		{[]int{2000, 3}, []int{0}},
		{[]int{6000, 3}, []int{0}},
		{[]int{7, 1500, 3}, []int{1}},
		{[]int{7, 9, 3}, []int{1}},
		{[]int{50, 3, 1, 40}, []int{0, 3}},
		{[]int{20, 3, 30, 2, 5}, []int{0, 2, 4}},
	} {
		batch := slices.Index(c.dims, 3)
		x := random(rng, dtypes.Float32, c.dims...)
		got := run(t, newBackend(t, "threads=2"), func(in []*Node) []*Node {
			var sums []*Node
			for i := range 3 {
				one := SliceAxis(in[0], batch, AxisRange(i, i+1))
				sums = append(sums, ReduceAndKeep(one, ReduceSum, c.axes...))
			}
			return []*Node{Concatenate(sums, batch), ReduceAndKeep(in[0], ReduceSum, c.axes...)}
		}, x)
		require.Equal(t, values(t, got[1]), values(t, got[0]), "%v", c)
	}
}

// A value and the same memory by another name, read by one operation: the name is made of what is computed,
// so that they cannot be one step.
func TestSameMemoryByAnotherName(t *testing.T) {
	for name, again := range map[string]func(y *Node) *Node{
		"bits and back": func(y *Node) *Node { return Bitcast(Bitcast(y, dtypes.Int32), dtypes.Float32) },
		"its own type":  func(y *Node) *Node { return Bitcast(y, dtypes.Float32) },
	} {
		t.Run(name, func(t *testing.T) {
			fn := func(in []*Node) []*Node { y := Square(in[0]); return []*Node{Add(y, again(y))} }
			x := tensors.FromValue([]float32{1, 2, 3})
			want := values(t, run(t, newBackend(t, "unfused"), fn, x)[0])
			require.Equal(t, want, values(t, run(t, newBackend(t, ""), fn, x)[0]))
		})
	}
	// A scalar among tensors of one element.
	got := run(t, newBackend(t, ""), func(in []*Node) []*Node {
		y := Square(in[0])
		return []*Node{Add(y, Reshape(y))}
	}, tensors.FromValue([][]float32{{3}}))
	require.Equal(t, []float64{18}, values(t, got[0]))
}

func plus(list []float64, v float64) []float64 {
	out := make([]float64, len(list))
	for i := range list {
		out[i] = list[i] + v
	}
	return out
}

func TestRandomNumbers(t *testing.T) {
	fn := func(in []*Node) []*Node {
		state, uniform := RandomUniform(in[0], shapes.Make(dtypes.Float32, 100, 1000))
		state, normal := RandomNormal(state, shapes.Make(dtypes.Float32, 100, 1000))
		return []*Node{uniform, normal, state}
	}
	state, err := RNGStateFromSeed(7)
	require.NoError(t, err)
	var first []float64
	for _, threads := range []string{"threads=1", "threads=3"} {
		got := run(t, newBackend(t, threads), fn, state)
		for i, want := range []struct{ mean, deviation float64 }{{0.5, math.Sqrt(1.0 / 12)}, {0, 1}} {
			v := values(t, got[i])
			var mean, squares float64
			for _, x := range v {
				mean += x / float64(len(v))
			}
			for _, x := range v {
				squares += (x - mean) * (x - mean) / float64(len(v))
			}
			require.InDelta(t, want.mean, mean, 0.01)
			require.InDelta(t, want.deviation, math.Sqrt(squares), 0.01)
		}
		if first == nil {
			first = values(t, got[0])
		}
		require.Equal(t, first, values(t, got[0]))
	}
}
