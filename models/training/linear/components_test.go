package linear

import (
	"context"
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

// TestComponentsOfFewRows are those of the columns' covariance, and orthonormal even where the rows have fewer.
func TestComponentsOfFewRows(t *testing.T) {
	const n, d, count = 60, 150, 12
	rng := rand.New(rand.NewPCG(3, 3))
	x, columns := Matrix{n, d, make([]float32, n*d)}, newBlocks(t.Context(), 0, nil)
	hidden := make([][]float64, n)
	for j := range n {
		hidden[j] = make([]float64, d)
		for k := range d {
			hidden[j][k] = rng.NormFloat64() * math.Pow(0.8, float64(j)) // a falling spectrum, as features have
		}
	}
	for i := range n {
		for j := range n {
			share := rng.NormFloat64()
			for k := range d {
				x.Row(i)[k] += float32(share * hidden[j][k])
			}
		}
	}
	want, _, err := principalOfGram(cpu(t), x, n, count, columns)
	require.NoError(t, err)
	values, vectors, err := componentsOf(t.Context(), cpu(t), x, count, nil)
	require.NoError(t, err)
	for o := range count {
		require.InEpsilon(t, want[o], values[o], 1e-3, "variance %d", o)
		var said float64 // the variance of the rows in the direction
		for i := range n {
			var along float64
			for k, v := range x.Row(i) {
				along += float64(v) * vectors.At(k, o)
			}
			said += along * along / n
		}
		require.InEpsilon(t, want[o], said, 1e-2, "direction %d", o)
	}

	_, all, err := componentsOf(t.Context(), cpu(t), Matrix{2, d, append(append([]float32(nil), x.Row(0)...), x.Row(0)...)}, 2, nil)
	require.NoError(t, err)
	var products mat.Dense
	products.Mul(all.T(), all)
	require.True(t, mat.EqualApprox(&products, mat.NewDiagDense(2, []float64{1, 1}), 1e-9))
}

// TestPrincipalComponents have mean 0, know nothing of each other and vary alike where they are whitened.
func TestPrincipalComponents(t *testing.T) {
	const n, d, size = 50, 6, 3
	x := Matrix{n, d, make([]float32, n*d)}
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range x.Data {
		x.Data[i] = float32(3 + float64(1+i%d)*rng.NormFloat64())
	}
	layer, err := PrincipalComponents(t.Context(), cpu(t), x, size, 1, nil)
	require.NoError(t, err)
	y := layer.Apply(x)
	for a := range size {
		for b := range a + 1 {
			var mean, product float64
			for i := range n {
				mean += float64(y.Row(i)[a]) / n
				product += float64(y.Row(i)[a]) * float64(y.Row(i)[b]) / n
			}
			require.InDelta(t, 0, mean, 1e-4)
			require.InDelta(t, map[bool]float64{true: 1}[a == b], product, 1e-2, "%d and %d", a, b)
		}
	}
}

// TestFewRowsTakeFewBlocks: the covariance of a large trunk's cells takes gigabytes and minutes.
func TestFewRowsTakeFewBlocks(t *testing.T) {
	const n, d = 40, 4 * blockSize
	x := Matrix{n, d, make([]float32, n*d)}
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	ctx := &countedContext{Context: t.Context()}
	_, _, err := componentsOf(ctx, cpu(t), x, 8, nil)
	require.NoError(t, err)
	require.Equal(t, subspaceRounds+2+4, ctx.asked, "a block for the rows in each round, and those of the directions")
}

// countedContext counts how often it is asked whether it was cancelled, as it is before each block.
type countedContext struct {
	context.Context
	asked int
}

func (c *countedContext) Err() error {
	c.asked++
	return c.Context.Err()
}
