package models

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// drawAnswers draws logits and truths that are calibrated at a temperature.
func drawAnswers(n int, temperature float64) (logits [][]float64, truth []int) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		row := []float64{3 * rng.NormFloat64(), 3 * rng.NormFloat64(), 3 * rng.NormFloat64()}
		p, u, t := Probabilities(row, temperature), rng.Float64(), 0
		for u > p[t] && t < 2 {
			u -= p[t]
			t++
		}
		logits, truth = append(logits, row), append(truth, t)
	}
	return logits, truth
}

func TestFitTemperature(t *testing.T) {
	for _, want := range []float64{0.5, 1, 2.5} {
		logits, truth := drawAnswers(20000, want)
		got := FitTemperature(logits, truth)
		require.InEpsilon(t, want, got, 0.06)
	}
}

func TestFitThreshold(t *testing.T) {
	logits, truth := drawAnswers(20000, 1)
	threshold := FitThreshold(logits, truth, 1, 0.9)
	var right, all float64
	for i, row := range logits {
		p := Probabilities(row, 1)
		if best := argMax(p); p[best] >= threshold {
			all++
			if best == truth[i] {
				right++
			}
		}
	}
	require.GreaterOrEqual(t, right/all, 0.9)
	require.Less(t, threshold, 0.9, "calibrated answers above the threshold are right more often than it says")
	require.Equal(t, 1.0, FitThreshold([][]float64{{1, 0}}, []int{1}, 1, 0.5), "no probability is good enough")
}

func TestProbabilitiesDoNotOverflow(t *testing.T) {
	p := Probabilities([]float64{1e4, 0}, 1)
	require.Equal(t, 1.0, p[0])
	require.False(t, math.IsNaN(p[1]))
}
