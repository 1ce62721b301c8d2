package training

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
	cells := matrix{rows, places * channels, make([]float32, rows*places*channels)}
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
			cells.data[at*channels+c] = float32(sum * math.Pow(10, float64(c%3)))
		}
	}
	basis, err := newChannelBasis(t.Context(), cpu(t), matrix{rows * places, channels, cells.data}, kept)
	require.NoError(t, err)
	reduced := basis.reduce(cells)
	require.Equal(t, []int{rows, places * kept}, []int{reduced.rows, reduced.columns})

	even := make([]float32, rows)
	y := matrix{rows, 1, make([]float32, rows)}
	for i := range rows {
		even[i] = 1
		y.data[i] = 2*cells.row(i)[1] - 30*cells.row(i)[channels]
	}
	_, deviation := weightedMoments(reduced, even)
	for _, v := range deviation {
		require.InDelta(t, deviation[0], v, 0.2*float64(deviation[0]))
	}
	fit, err := ridge(t.Context(), cpu(t), reduced, y, even, 1e-9, nil)
	require.NoError(t, err)
	expanded := ridgeFit{basis.expand(fit.weight), fit.bias}
	require.Equal(t, []int{1, places * channels}, expanded.weight.Shape)
	for i := range rows {
		require.InDelta(t, y.data[i], fit.of(reduced.row(i))[0], 0.5, "nothing is lost")
		require.InDelta(t, fit.of(reduced.row(i))[0], expanded.of(cells.row(i))[0], 0.5)
	}
}

func TestNoChannelBasis(t *testing.T) {
	var none *channelBasis
	cells := matrix{1, 2, []float32{1, 2}}
	require.Equal(t, cells, none.reduce(cells))
	layer := models.NewTensor(1, 2)
	require.Same(t, layer, none.expand(layer))
}

// TestChannelBasisOfSilentChannels: what is never seen to change is not read.
func TestChannelBasisOfSilentChannels(t *testing.T) {
	const rows, channels, silent, kept = 100, 12, 9, 4
	rng := rand.New(rand.NewPCG(3, 4))
	places := matrix{rows, channels, make([]float32, rows*channels)}
	for i := range places.data {
		if i%channels >= silent {
			places.data[i] = float32(rng.NormFloat64())
		}
	}
	basis, err := newChannelBasis(t.Context(), cpu(t), places, kept)
	require.NoError(t, err)
	for i, v := range basis.weight.Data {
		if i%channels < silent {
			require.Zero(t, v)
		}
		require.Less(t, math.Abs(float64(v)), 10.0)
	}
}
