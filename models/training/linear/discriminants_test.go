package linear

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDiscriminants: groups differ along one direction, in which rows of a group hardly do, while rows differ much more along
// others. Outputs are in deviations within groups.
func TestDiscriminants(t *testing.T) {
	const groups, each, d = 400, 5, 6
	rng := rand.New(rand.NewPCG(1, 1))
	x := Matrix{groups * each, d, make([]float32, groups*each*d)}
	for g := range groups {
		telling := 2 * rng.NormFloat64()
		for i := range each {
			row := x.Row(g*each + i)
			noise := 50 * rng.NormFloat64()
			for j := range row {
				row[j] = float32(7 + rng.NormFloat64())
			}
			row[0] += float32(telling + noise) // what tells is in the difference of both
			row[1] += float32(noise - telling)
		}
	}
	layer, err := Discriminants(x, each, 2, 0)
	require.NoError(t, err)
	w := layer.Weight.Data[:d]
	require.InDelta(t, -1, w[0]/w[1], 0.05)
	for _, other := range w[2:] {
		require.Less(t, math.Abs(float64(other)), 0.1*math.Abs(float64(w[0])))
	}
	var within, mean float64
	for g := range groups {
		var outs [each]float64
		var middle float64
		for i := range each {
			outs[i] = float64(layer.Of(x.Row(g*each + i))[0])
			middle += outs[i] / each
			mean += outs[i] / (groups * each)
		}
		for _, v := range outs {
			within += (v - middle) * (v - middle) / (groups * each)
		}
	}
	require.InDelta(t, 1, within, 0.01)
	require.InDelta(t, 0, mean, 1e-3)

	shrunken, err := Discriminants(x, each, 2, 1)
	require.NoError(t, err)
	require.Less(t, math.Abs(float64(shrunken.Weight.Data[0])), math.Abs(float64(w[0])), "what is uncertain counts less")
}

func TestDiscriminantsOfWrongRows(t *testing.T) {
	for name, c := range map[string]struct{ rows, each, size int }{"none": {0, 1, 1}, "a part of a group": {7, 2, 1}, "too many": {8, 2, 4}, "no group": {8, 0, 1}} {
		_, err := Discriminants(Matrix{c.rows, 3, make([]float32, 3*c.rows)}, c.each, c.size, 0.1)
		require.ErrorContains(t, err, "whole groups", name)
	}
}

// TestDiscriminantsOfAConstant: a column in which nothing differs does no harm.
func TestDiscriminantsOfAConstant(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	x := Matrix{60, 3, make([]float32, 180)}
	for i := range 60 {
		x.Row(i)[0], x.Row(i)[1], x.Row(i)[2] = float32(rng.NormFloat64()), 4, float32(rng.NormFloat64())
	}
	layer, err := Discriminants(x, 3, 2, 0.1)
	require.NoError(t, err)
	for _, v := range append(layer.Weight.Data, layer.Bias.Data...) {
		require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0))
	}
}
