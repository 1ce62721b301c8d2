package models

import (
	"cmp"
	"math"
	"slices"
)

// Probabilities are the softmax of logits divided by a temperature.
func Probabilities(logits []float64, temperature float64) []float64 {
	top := slices.Max(logits)
	p := make([]float64, len(logits))
	var sum float64
	for i, l := range logits {
		p[i] = math.Exp((l - top) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// FitTemperature finds the temperature that makes the truth most likely, by golden-section search of
// its logarithm: the likelihood has one maximum.
func FitTemperature(logits [][]float64, truth []int) float64 {
	loss := func(logT float64) float64 {
		var sum float64
		for i, row := range logits {
			sum -= math.Log(max(Probabilities(row, math.Exp(logT))[truth[i]], 1e-12))
		}
		return sum
	}
	const ratio = 0.6180339887498949
	low, high := math.Log(0.05), math.Log(20)
	a, b := high-ratio*(high-low), low+ratio*(high-low)
	fa, fb := loss(a), loss(b)
	for range 40 {
		if fa < fb {
			high, b, fb = b, a, fa
			a = high - ratio*(high-low)
			fa = loss(a)
		} else {
			low, a, fa = a, b, fb
			b = low + ratio*(high-low)
			fb = loss(b)
		}
	}
	return math.Exp((low + high) / 2)
}

// FitThreshold returns the lowest probability from which at least precision of the predictions are
// right; 1 where there is none.
func FitThreshold(logits [][]float64, truth []int, temperature, precision float64) float64 {
	type answer struct {
		probability float64
		right       bool
	}
	answers := make([]answer, len(truth))
	for i, row := range logits {
		p := Probabilities(row, temperature)
		best := argMax(p)
		answers[i] = answer{p[best], best == truth[i]}
	}
	slices.SortFunc(answers, func(a, b answer) int { return cmp.Compare(b.probability, a.probability) })
	threshold, right := 1.0, 0
	for i, a := range answers {
		if a.right {
			right++
		}
		if float64(right) >= precision*float64(i+1) {
			threshold = a.probability
		}
	}
	return threshold
}

func argMax(p []float64) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}
