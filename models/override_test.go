package models

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOverride(t *testing.T) {
	m := &Model{Config: Config{EmbeddingSize: 4}, Weights: Weights{
		OverrideName("deeprank", "neckline"):     {Shape: []int{2, 4}, Data: []float32{1, 0, 0, 0, 0.6, 0.8, 0, 0}},
		OverrideName("deeprank", "sleeve"):       {Shape: []int{2, 4}, Data: []float32{0, 1, 0, 0, 0, 0, 1, 0}},
		OverrideName("unsupervised", "neckline"): {Shape: []int{1, 3}, Data: []float32{1, 0, 0}},
	}}
	basis, known, err := m.Override("deeprank", []string{"neckline", "fit", "sleeve"})
	require.NoError(t, err)
	require.Equal(t, []string{"neckline", "sleeve"}, known)
	require.Len(t, basis, 3, "the sleeve's first direction is within the neckline's")
	for i, a := range basis {
		for j, b := range basis {
			want := 0.0
			if i == j {
				want = 1
			}
			require.InDelta(t, want, inner(a, b), 1e-9)
		}
	}
	q, x := []float32{0.5, -0.5, 0.5, 0.5}, []float32{0.1, 0.7, -0.3, 0.6}
	got := Without(q, basis)
	require.InDeltaSlice(t, []float32{0, 0, 0, 0.5}, got, 1e-6)
	for _, part := range [][]float32{x, Without(x, basis)} {
		var sum float64
		for i, v := range part {
			sum += float64(v) * float64(got[i])
		}
		require.InDelta(t, 0.3, sum, 1e-6, "stored vectors need not be projected")
	}

	basis, known, err = m.Override("deeprank", []string{"length"})
	require.NoError(t, err)
	require.Empty(t, basis)
	require.Empty(t, known)
	require.Equal(t, q, Without(q, basis))
	_, _, err = m.Override("unsupervised", []string{"neckline"})
	require.ErrorContains(t, err, "run kleid train override")
	require.Empty(t, m.Weights.WithoutOverrides())

	before := m.EmbeddingModel()
	m.Weights = m.Weights.WithoutOverrides()
	require.Equal(t, before, m.EmbeddingModel(), "an index stays valid")
}
