package linear

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
)

// TestRidge finds what made the numbers, whatever the scale of a column, and what weights of zero say is not there.
func TestRidge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const rows = 400
	x, y := Matrix{rows, 3, make([]float32, 3*rows)}, Matrix{rows, 2, make([]float32, 2*rows)}
	weights := make([]float32, rows)
	for i := range rows {
		a, b, c := float32(rng.NormFloat64()), float32(rng.NormFloat64()*100+50), float32(rng.NormFloat64()*0.01)
		copy(x.Row(i), []float32{a, b, c})
		copy(y.Row(i), []float32{2*a - 0.1*b + 7, 300*c - 1})
		weights[i] = float32(1 + rng.IntN(3))
		if i%10 == 0 {
			weights[i], y.Row(i)[0] = 0, 1e4
		}
	}
	r, err := Ridge(t.Context(), cpu(t), x, y, weights, 1e-6, nil)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float32{2, -0.1, 0, 0, 0, 300}, r.Weight.Data, 0.01)
	require.InDeltaSlice(t, []float32{7, -1}, r.Bias.Data, 0.01)

	r, err = Ridge(t.Context(), cpu(t), x, y, weights, 1, nil)
	require.NoError(t, err)
	require.InDelta(t, 150, r.Weight.Data[5], 3, "as much penalty as variance halves it")
	mean, _ := weightedMoments(y, weights)
	inputs, _ := weightedMoments(x, weights)
	for o := range 2 {
		at := r.Bias.Data[o]
		for j, v := range inputs {
			at += r.Weight.Data[o*3+j] * v
		}
		require.InDelta(t, mean[o], at, 0.01, "means belong together")
	}

	_, err = Ridge(t.Context(), cpu(t), x, y, make([]float32, rows), 1, nil)
	require.ErrorContains(t, err, "nothing to fit")
}

func cpu(t *testing.T) backends.Backend {
	backend, err := compute.New("")
	require.NoError(t, err)
	return backend
}
