package models

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// ClassWeighting makes rare labels count for more in a loss.
type ClassWeighting struct {
	Scheme WeightingScheme
	// Given are weights by hand, by label; they take the place of the scheme's for these labels.
	Given map[string]float64
}

// WeightingScheme is how a label's weight follows from how often it occurs.
type WeightingScheme string

// The schemes.
const (
	Unweighted WeightingScheme = "none"
	// InverseFrequency is 1/n: all labels count for the same.
	InverseFrequency WeightingScheme = "inverse"
	// EffectiveNumber is (1-β)/(1-βⁿ), with β 0.999, between the two (https://arxiv.org/abs/1901.05555).
	EffectiveNumber WeightingScheme = "effective"
)

// effectiveBeta is the β of EffectiveNumber: what is beyond a thousand examples adds little.
const effectiveBeta = 0.999

// WeightingSchemes lists the schemes.
func WeightingSchemes() []WeightingScheme {
	return []WeightingScheme{Unweighted, InverseFrequency, EffectiveNumber}
}

// Weights returns a weight for each label, of which counts[i] examples have label i, so that the mean over
// the examples is 1, before what is given by hand. A label without examples gets 1.
func (w ClassWeighting) Weights(labels []string, counts []int) ([]float64, error) {
	if w.Scheme != "" && !slices.Contains(WeightingSchemes(), w.Scheme) {
		return nil, fmt.Errorf("class weights: %q is none of %v", w.Scheme, WeightingSchemes())
	}
	for label, weight := range w.Given {
		if !slices.Contains(labels, label) {
			return nil, fmt.Errorf("class weights: there is no label %q; there are %s", label, strings.Join(labels, ", "))
		}
		if !(weight > 0) || math.IsInf(weight, 0) {
			return nil, fmt.Errorf("class weights: the weight of %q is %v, but must be more than 0", label, weight)
		}
	}
	weights := make([]float64, len(labels))
	total, examples := 0.0, 0
	for i, n := range counts {
		weights[i] = 1
		if n == 0 {
			continue
		}
		switch w.Scheme {
		case InverseFrequency:
			weights[i] = 1 / float64(n)
		case EffectiveNumber:
			weights[i] = (1 - effectiveBeta) / (1 - math.Pow(effectiveBeta, float64(n)))
		}
		total += weights[i] * float64(n)
		examples += n
	}
	for i, label := range labels {
		if counts[i] > 0 {
			weights[i] *= float64(examples) / total
		}
		if given, ok := w.Given[label]; ok {
			weights[i] = given
		}
	}
	return weights, nil
}
