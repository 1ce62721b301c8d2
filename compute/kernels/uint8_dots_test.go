package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestDotsUint8 compares products of rows of all lengths around a vector's with a plain loop, at the ends of the range.
func TestDotsUint8(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		for n := range 150 {
			for _, count := range []int{0, 1, 3} {
				rows, v := make([]uint8, count*n), make([]int16, n)
				for i := range rows {
					rows[i] = uint8(rng.Uint32())
				}
				for i := range v {
					v[i] = int16(rng.Uint32())
				}
				if n > 0 && count > 0 {
					rows[0], v[0] = 255, math.MinInt16
				}
				const guard = 12345
				dst := make([]int32, count+1)
				for i := range dst {
					dst[i] = guard
				}
				DotsUint8(dst[:count], rows, v)
				for i := range count {
					want := int32(0)
					for j := range n {
						want += int32(rows[i*n+j]) * int32(v[j])
					}
					if dst[i] != want {
						t.Fatalf("%d rows of %d: product %d is %d, not %d", count, n, i, dst[i], want)
					}
				}
				numbers := make([]uint32, 11*min(count, 1))
				for i := range numbers {
					numbers[i] = uint32(rng.IntN(count))
				}
				at := make([]int32, len(numbers))
				DotsUint8At(at, rows, numbers, v)
				for i, row := range numbers {
					if at[i] != dst[row] {
						t.Fatalf("%d rows of %d: row %d by its number is %d, not %d", count, n, row, at[i], dst[row])
					}
				}
				if dst[count] != guard {
					t.Fatalf("%d rows of %d: wrote past the end", count, n)
				}
			}
		}
	})
}

func BenchmarkDotsUint8(b *testing.B) {
	const rows, size = 1000, 512
	dst, codes, v := make([]int32, rows), make([]uint8, rows*size), make([]int16, size)
	b.SetBytes(rows * size)
	for b.Loop() {
		DotsUint8(dst, codes, v)
	}
}
