package linear

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
)

// TestChannelBasis: of channels that follow from a few, whatever their scales, nothing is lost, no direction is made more of
// than another, and a layer that was fitted to the few reads the trunk itself as it read those.
func TestChannelBasis(t *testing.T) {
	const rows, places, channels, kept = 300, 2, 12, 4
	rng := rand.New(rand.NewPCG(1, 2))
	mix := make([]float64, kept*channels)
	for i := range mix {
		mix[i] = rng.NormFloat64()
	}
	cells := Matrix{rows, places * channels, make([]float32, rows*places*channels)}
	for at := range rows * places {
		var few [kept]float64
		for k := range few {
			few[k] = rng.NormFloat64() * math.Pow(2, -float64(k))
		}
		for c := range channels {
			sum := 5.0
			for k, v := range few {
				sum += v * mix[k*channels+c]
			}
			cells.Data[at*channels+c] = float32(sum * math.Pow(10, float64(c%3)))
		}
	}
	basis, err := NewBasis(t.Context(), cpu(t), Matrix{rows * places, channels, cells.Data}, kept)
	require.NoError(t, err)
	reduced := basis.Reduce(cells)
	require.Equal(t, []int{rows, places * kept}, []int{reduced.Rows, reduced.Columns})

	even := make([]float32, rows)
	y := Matrix{rows, 1, make([]float32, rows)}
	for i := range rows {
		even[i] = 1
		y.Data[i] = 2*cells.Row(i)[1] - 30*cells.Row(i)[channels]
	}
	_, deviation := weightedMoments(reduced, even)
	for _, v := range deviation {
		require.InDelta(t, deviation[0], v, 0.2*float64(deviation[0]))
	}
	fit, err := Ridge(t.Context(), cpu(t), reduced, y, even, 1e-9, nil)
	require.NoError(t, err)
	expanded := Layer{basis.Expand(fit.Weight), fit.Bias}
	require.Equal(t, []int{1, places * channels}, expanded.Weight.Shape)
	for i := range rows {
		require.InDelta(t, y.Data[i], fit.Of(reduced.Row(i))[0], 0.5, "nothing is lost")
		require.InDelta(t, fit.Of(reduced.Row(i))[0], expanded.Of(cells.Row(i))[0], 0.5)
	}
}

func TestNoChannelBasis(t *testing.T) {
	var none *Basis
	cells := Matrix{1, 2, []float32{1, 2}}
	require.Equal(t, cells, none.Reduce(cells))
	layer := models.NewTensor(1, 2)
	require.Same(t, layer, none.Expand(layer))
}

// TestChannelBasisOfSilentChannels: what is never seen to change is not read.
func TestChannelBasisOfSilentChannels(t *testing.T) {
	const rows, channels, silent, kept = 100, 12, 9, 4
	rng := rand.New(rand.NewPCG(3, 4))
	places := Matrix{rows, channels, make([]float32, rows*channels)}
	for i := range places.Data {
		if i%channels >= silent {
			places.Data[i] = float32(rng.NormFloat64())
		}
	}
	basis, err := NewBasis(t.Context(), cpu(t), places, kept)
	require.NoError(t, err)
	for i, v := range basis.weight.Data {
		if i%channels < silent {
			require.Zero(t, v)
		}
		require.Less(t, math.Abs(float64(v)), 10.0)
	}
}
