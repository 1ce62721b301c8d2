package training

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
)

// TestLogistic draws trials from known odds. Balanced classes move the bias and nothing else.
func TestLogistic(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var trials []trial
	var x [][]float64
	for i := range 6000 {
		a, b := rng.NormFloat64(), rng.NormFloat64()
		found := rng.Float64() < 1/(1+math.Exp(-(2*a-b-1)))
		trials = append(trials, trial{fold: i % 5, kind: homeDress, place: models.Place{}, found: found})
		x = append(x, []float64{a, b})
		if i%5 == 4 {
			x[i][0] = -a // a fold that says the opposite
		}
	}
	w := logistic(x, trials, 4)
	require.InDelta(t, 2, w[1], 0.25)
	require.InDelta(t, -1, w[2], 0.25)
	require.InDelta(t, 0, w[0], 0.6)
	require.Less(t, logistic(x, trials, -1)[1], 1.5, "with that fold too")

	var right, of [2]float64
	for i, trial := range trials {
		if trial.fold == 4 {
			continue
		}
		z := w[0] + w[1]*x[i][0] + w[2]*x[i][1]
		of[class(trial.found)]++
		if (z > 0) == trial.found {
			right[class(trial.found)]++
		}
	}
	require.InDelta(t, right[0]/of[0], right[1]/of[1], 0.03, "both classes are known as well as each other")
}

// TestLogisticOfOneClass has nothing to tell apart, and yet answers with numbers.
func TestLogisticOfOneClass(t *testing.T) {
	trials := []trial{{kind: homeDress, found: true}, {kind: homeDress, found: true}}
	for _, v := range logistic([][]float64{{1}, {2}}, trials, -1) {
		require.False(t, math.IsNaN(v) || math.IsInf(v, 0))
	}
}
