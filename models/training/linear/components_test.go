package linear

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// TestPrincipal compares the leading eigenpairs with those of a whole decomposition.
func TestPrincipal(t *testing.T) {
	const d, count = 120, 20
	rng := rand.New(rand.NewPCG(7, 7))
	factor := mat.NewDense(d, d, nil)
	for i := range d {
		for j := range d {
			factor.Set(i, j, rng.NormFloat64()*math.Pow(0.93, float64(j))) // a falling spectrum, as features have
		}
	}
	a := mat.NewSymDense(d, nil)
	a.SymOuterK(1, factor)
	var whole mat.EigenSym
	require.True(t, whole.Factorize(a, true))
	want := whole.Values(nil)

	values, vectors, err := principal(mat.DenseCopyOf(a), count, newBlocks(t.Context(), 1, nil))
	require.NoError(t, err)
	for o := range count {
		require.InEpsilon(t, want[d-1-o], values[o], 1e-3, "eigenvalue %d", o)
		v := mat.Col(nil, o, vectors)
		var image mat.VecDense
		image.MulVec(a, mat.NewVecDense(d, v))
		var away, norm float64
		for j := range d {
			away += math.Pow(image.AtVec(j)-values[o]*v[j], 2)
			norm += v[j] * v[j]
		}
		require.InDelta(t, 1, norm, 1e-9)
		require.Less(t, math.Sqrt(away), 0.02*values[o], "eigenvector %d", o)
	}
}
