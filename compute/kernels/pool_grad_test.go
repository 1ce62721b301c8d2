package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPoolGrad(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 1))
		for range 300 {
			n, rows, columns := 1+rng.IntN(70), 1+rng.IntN(4), 1+rng.IntN(4)
			pitch := (columns + rng.IntN(3)) * n
			size := (rows-1)*pitch + columns*n
			x, dy, dx := make([]float32, size), random(rng, n), random(rng, size)
			for i := range x {
				x[i] = float32(rng.IntN(4)) // many are equal
				if rng.IntN(20) == 0 {
					x[i] = float32(math.NaN())
				}
			}
			least := rng.IntN(3) == 0
			want := append([]float32(nil), dx...)
			for c := range n {
				at := -1
				for i := range rows * columns {
					p := i/columns*pitch + i%columns*n + c
					switch {
					case at < 0,
						math.IsNaN(float64(x[p])) && !math.IsNaN(float64(x[at])),
						!least && x[p] > x[at],
						least && x[p] < x[at]:
						at = p
					}
				}
				want[at] += dy[c]
			}
			PoolGrad(dx, x, dy, rows, columns, pitch, least)
			require.Equal(t, want, dx, "%d channels, %d x %d, least %v", n, rows, columns, least)
		}
	})
}
