package compute_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// randomInt8 builds networks in int8 whose scales are powers of two, so that float32 computes them without
// rounding a single sum: what is fused must give the very bits of what is not. Its filters are none that
// a float convolution takes fewer multiplications for.
type randomInt8 struct {
	rng     *rand.Rand
	bytes   []*Node // uint8, each standing for (q - zero)·2^-scale
	scales  []int
	zeros   []float32
	floats  []*Node // multiples of 2^-20, of a size that float32 holds
	outputs []*Node
}

func power(exponent int) float32 { return float32(math.Ldexp(1, exponent)) }

func (r *randomInt8) dequantised(i int) *Node {
	return dequantise(r.bytes[i], power(-r.scales[i]), r.zeros[i])
}

// quantise adds the bytes of x, with steps of its own or those of an earlier one.
func (r *randomInt8) quantise(x *Node) {
	scale, zero := r.rng.IntN(7), float32([]int{0, 0, 3, 128, 255}[r.rng.IntN(5)])
	if r.rng.IntN(3) == 0 {
		i := r.rng.IntN(len(r.bytes))
		scale, zero = r.scales[i], r.zeros[i]
	}
	r.bytes, r.scales, r.zeros = append(r.bytes, quantise(x, power(scale), zero)), append(r.scales, scale), append(r.zeros, zero)
}

// conv is a convolution with some of what may follow it.
func (r *randomInt8) conv() {
	from := r.rng.IntN(len(r.bytes))
	x := r.dequantised(from)
	g, in, out := x.Graph(), x.Shape().Dimensions[3], 1+r.rng.IntN(20)
	s := [][4]int{{1, 1, 1, 0}, {1, 1, 2, 0}, {3, 3, 2, 1}, {2, 2, 1, 1}, {5, 1, 1, 2}}[r.rng.IntN(5)] // height, width, stride, padding
	if in*s[0]*s[1] > 256 || x.Shape().Dimensions[1] < 3 || x.Shape().Dimensions[2] < 3 {
		return
	}
	weights := make([]int8, s[0]*s[1]*in*out)
	for i := range weights {
		weights[i] = int8(r.rng.IntN(255) - 127)
	}
	factors, shifts := make([]float32, out), make([]float32, out)
	for i := range factors {
		factors[i], shifts[i] = power(-10-r.rng.IntN(4)), float32(r.rng.IntN(1<<14)-1<<13)*power(-12)
	}
	w := Mul(ConvertDType(ConstTensor(g, tensors.FromFlatDataAndDimensions(weights, s[0], s[1], in, out)), dtypes.Float32),
		ExpandLeftToRank(Const(g, factors), 4))
	y := Convolve(x, w).Strides(s[2]).PaddingPerDim([][2]int{{s[3], s[3]}, {s[3], s[3]}}).Done()
	if r.rng.IntN(4) > 0 {
		y = Add(y, ExpandLeftToRank(Const(g, shifts), 4))
	}
	like := func(x *Node) bool { return slices.Equal(x.Shape().Dimensions, y.Shape().Dimensions) }
	if i := slices.IndexFunc(r.bytes, like); i >= 0 && r.rng.IntN(2) == 0 {
		y = Add(y, r.dequantised(i))
	} else if i := slices.IndexFunc(r.floats, like); i >= 0 && r.rng.IntN(2) == 0 {
		y = Add(r.floats[i], y)
	}
	if r.rng.IntN(2) == 0 {
		y = Max(y, ScalarZero(g, dtypes.Float32))
	}
	if r.rng.IntN(4) == 0 { // which is not in the pattern
		y = Add(y, ExpandLeftToRank(Const(g, shifts), 4))
	}
	if r.rng.IntN(4) == 0 {
		r.outputs = append(r.outputs, y)
	}
	if r.rng.IntN(4) == 0 {
		r.floats = append(r.floats, y)
	}
	r.quantise(y)
}

// move is something that only moves bytes about.
func (r *randomInt8) move() {
	from := r.rng.IntN(len(r.bytes))
	x := r.dequantised(from)
	if len(r.floats) > 0 && r.rng.IntN(2) == 0 {
		x = r.floats[r.rng.IntN(len(r.floats))]
	}
	dims := x.Shape().Dimensions
	switch {
	case r.rng.IntN(3) > 0 && dims[1] > 2 && dims[2] > 2:
		x = MaxPool(x).Window(3).Strides(1 + r.rng.IntN(2)).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	case dims[3] < 40:
		others := []*Node{x, x}
		for i, other := range r.bytes {
			if d := other.Shape().Dimensions; slices.Equal(d[:3], dims[:3]) && d[3] < 40 && r.rng.IntN(2) == 0 {
				others[1] = r.dequantised(i)
			}
		}
		x = Concatenate(others, 3)
	}
	if r.rng.IntN(4) == 0 {
		r.outputs = append(r.outputs, x)
	}
	r.quantise(x)
}

func TestRandomInt8Graphs(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 7))
		dims := []int{1 + rng.IntN(3), 5 + rng.IntN(9), 5 + rng.IntN(9), 1 + rng.IntN(9)}
		pixels := make([]uint8, product(dims))
		for i := range pixels {
			pixels[i] = uint8(rng.IntN(256))
		}
		x := tensors.FromFlatDataAndDimensions(pixels, dims...)
		build := func(in []*Node) []*Node {
			r := &randomInt8{rng: rand.New(rand.NewPCG(seed, 8)), bytes: []*Node{in[0]}, scales: []int{5}, zeros: []float32{100}}
			for range 3 + r.rng.IntN(8) {
				if r.rng.IntN(3) > 0 {
					r.conv()
				} else {
					r.move()
				}
			}
			return append(r.outputs, r.bytes[len(r.bytes)-1], r.bytes[len(r.bytes)/2])
		}
		want := run(t, newBackend(t, "unfused"), build, x)
		for i, got := range run(t, newBackend(t, "threads=2"), build, x) {
			require.Equal(t, values(t, want[i]), values(t, got), "seed %d, output %d", seed, i)
		}
	}
}
