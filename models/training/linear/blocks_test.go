package linear

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// TestBlocksAreTheWhole: products and factors of more than a block are those that are made in one piece.
func TestBlocksAreTheWhole(t *testing.T) {
	const rows, d = 40, 2*blockSize + 30
	rng := rand.New(rand.NewPCG(2, 3))
	x, wide := Matrix{rows, d, make([]float32, rows*d)}, mat.NewDense(rows, d, nil)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
		wide.RawMatrix().Data[i] = float64(x.Data[i])
	}
	work := newBlocks(t.Context(), 0, nil)
	got, err := gram(cpu(t), x, d-5, work)
	require.NoError(t, err)
	require.Equal(t, blockCount(d-5), work.done)
	var want mat.Dense
	want.Mul(wide.T(), wide)
	for i := range d - 5 {
		for j := range d {
			require.InDelta(t, want.At(i, j), got.Row(i)[j], 1e-3)
		}
	}

	symmetric := mat.NewSymDense(d, nil)
	symmetric.SymOuterK(1, wide.T())
	for i := range d {
		symmetric.SetSym(i, i, symmetric.At(i, i)+1)
	}
	factor := mat.DenseCopyOf(symmetric)
	require.NoError(t, cholesky(factor.RawMatrix(), work))
	var whole mat.Cholesky
	require.True(t, whole.Factorize(symmetric))
	var u mat.TriDense
	whole.UTo(&u)
	for i := range d {
		for j := i; j < d; j++ {
			require.InDelta(t, u.At(i, j), factor.At(i, j), 1e-9)
		}
	}
	factor.Set(d-1, d-1, -1e9)
	require.ErrorIs(t, cholesky(factor.RawMatrix(), work), errNotDefinite)

	image, y := mat.NewDense(d, 3, nil), mat.DenseCopyOf(wide.T()).Slice(0, d, 0, 3).(*mat.Dense)
	require.NoError(t, multiply(image.RawMatrix(), mat.DenseCopyOf(symmetric).RawMatrix(), y.RawMatrix(), work))
	want.Reset()
	want.Mul(symmetric, y)
	require.True(t, mat.EqualApprox(&want, image, 1e-9))
}

// TestSolvesAreCancelled: between two blocks of each part, and not after all of them.
func TestSolvesAreCancelled(t *testing.T) {
	const d = 3 * blockSize
	x := Matrix{4, d, make([]float32, 4*d)}
	identity := func() blas64.General {
		all := mat.NewDense(d, d, nil)
		for i := range d {
			all.Set(i, i, 1)
		}
		return all.RawMatrix()
	}
	for name, run := range map[string]func(*blocks) error{
		"gram":     func(b *blocks) error { _, err := gram(cpu(t), x, d, b); return err },
		"multiply": func(b *blocks) error { return multiply(identity(), identity(), identity(), b) },
		"cholesky": func(b *blocks) error { return cholesky(identity(), b) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		work := newBlocks(ctx, 3, func(done, _ int) {
			if done == 1 {
				cancel()
			}
		})
		work.begun = work.begun.Add(-time.Minute) // so that it tells
		require.ErrorIs(t, run(work), context.Canceled, name)
		require.Equal(t, 2, work.done, name)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Ridge(ctx, cpu(t), x, Matrix{4, 1, make([]float32, 4)}, []float32{1, 1, 1, 1}, 1, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = PrincipalComponents(ctx, cpu(t), x, 4, 0, nil)
	require.ErrorIs(t, err, context.Canceled)
}
