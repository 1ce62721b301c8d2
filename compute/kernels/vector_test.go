package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// awkward are numbers at which vector instructions and Go differ, if anywhere.
var awkward = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
}

func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// TestElementwise compares each operation, bit for bit, with Go's own, over all pairs of awkward numbers,
// all lengths around a vector's, and in place.
func TestElementwise(t *testing.T) {
	operations := map[string]struct {
		run  func(dst, a, b []float32)
		want func(a, b float32) float32
	}{
		"add":         {Add, func(a, b float32) float32 { return a + b }},
		"sub":         {Sub, func(a, b float32) float32 { return a - b }},
		"mul":         {Mul, func(a, b float32) float32 { return a * b }},
		"div":         {Div, func(a, b float32) float32 { return a / b }},
		"max":         {Max, func(a, b float32) float32 { return max(a, b) }},
		"min":         {Min, func(a, b float32) float32 { return min(a, b) }},
		"at most":     {func(dst, a, _ []float32) { atMost(dst, a, 0.25) }, func(a, _ float32) float32 { return min(a, 0.25) }},
		"square root": {func(dst, a, _ []float32) { Sqrt(dst, a) }, func(a, _ float32) float32 { return float32(math.Sqrt(float64(a))) }},
		"not negative": {func(dst, a, _ []float32) { NotNegative(dst, a) }, func(a, _ float32) float32 {
			if a != a {
				return a
			}
			if a < 0 {
				return 0
			}
			return 1
		}},
	}
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 1))
		for name, op := range operations {
			for n := range 70 {
				a, b := random(rng, n), random(rng, n)
				checkElementwise(t, name, op.run, op.want, a, b)
			}
			var a, b []float32
			for _, x := range awkward {
				for _, y := range awkward {
					a, b = append(a, x), append(b, y)
				}
			}
			checkElementwise(t, name, op.run, op.want, a, b)
		}
	})
}

func checkElementwise(t *testing.T, name string, run func(dst, a, b []float32), want func(a, b float32) float32, a, b []float32) {
	t.Helper()
	const guard = 12345
	dst := append(make([]float32, len(a)), guard)
	run(dst[:len(a)], a, b)
	inPlace := append([]float32(nil), a...)
	run(inPlace, inPlace, b)
	for i := range a {
		w := want(a[i], b[i])
		if !same(dst[i], w) || !same(inPlace[i], w) {
			t.Fatalf("%s of %v and %v, %d of %d: got %v (in place %v), want %v", name, a[i], b[i], i, len(a), dst[i], inPlace[i], w)
		}
	}
	if dst[len(a)] != guard {
		t.Fatalf("%s of %d wrote past the end", name, len(a))
	}
}

func TestColumns(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(8, 1))
		for range 300 {
			rows, n := rng.IntN(40), 1+rng.IntN(70)
			what := fmt.Sprintf("%d rows of %d", rows, n)
			x, dy := random(rng, rows*n), random(rng, rows*n)
			a, k, shifts := random(rng, n), random(rng, n), random(rng, n)
			sums, squares, products := random(rng, n), random(rng, n), random(rng, n)
			wantSums, wantSquares, wantProducts := wide(sums), wide(squares), wide(products)
			wantScaled, wantCombined := make([]float64, rows*n), make([]float64, rows*n)
			for i, v := range wide(x) {
				j, g := i%n, float64(dy[i])
				wantSums[j] += g
				wantSquares[j] += (v - float64(k[j])) * (v - float64(k[j]))
				wantProducts[j] += g * (v - float64(k[j]))
				wantScaled[i] = v*float64(a[j]) + float64(shifts[j])
				wantCombined[i] = float64(a[j])*g + float64(k[j])*v + float64(shifts[j])
			}
			alone := append([]float32(nil), sums...)
			ColumnSums(alone, dy)
			near(t, "sums of "+what, alone, wantSums, rows)
			ColumnSquares(squares, x, k)
			near(t, "squares of "+what, squares, wantSquares, 4*rows)
			ColumnProducts(sums, products, x, dy, k)
			near(t, "sums of "+what, sums, wantSums, rows)
			near(t, "products of "+what, products, wantProducts, 4*rows)
			dst := random(rng, rows*n+1)
			end := dst[rows*n]
			ScaleColumns(dst, x, a, shifts)
			near(t, "scaled "+what, dst, wantScaled, 4)
			CombineColumns(dst, x, dy, a, k, shifts)
			near(t, "combined "+what, dst, wantCombined, 4)
			if dst[rows*n] != end {
				t.Fatalf("%s: wrote past the end", what)
			}
		}
	})
}

func wide(s []float32) []float64 {
	w := make([]float64, len(s))
	for i, v := range s {
		w[i] = float64(v)
	}
	return w
}
