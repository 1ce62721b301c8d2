package training

import (
	"slices"

	"github.com/kleid-search/kleid/models"
)

// foldStandardisation makes heads of standardised cells heads of the cells as they are.
func foldStandardisation(pool *Pool, heads models.Weights, mean, deviation []float32) {
	for _, facet := range pool.Facets {
		w, b := heads["facets."+facet.Name+".weight"], heads["facets."+facet.Name+".bias"]
		for o := range facet.Labels {
			for j := range mean {
				w.Data[o*len(mean)+j] /= deviation[j]
				b.Data[o] -= w.Data[o*len(mean)+j] * mean[j]
			}
		}
	}
}

// standardised are heads that say of standardised cells what the given ones say of the cells.
func standardised(pool *Pool, heads models.Weights, mean, deviation []float32) models.Weights {
	out := heads.Clone()
	for _, facet := range pool.Facets {
		w, b := out["facets."+facet.Name+".weight"], out["facets."+facet.Name+".bias"]
		for o := range facet.Labels {
			for j := range mean {
				if b != nil {
					b.Data[o] += w.Data[o*len(mean)+j] * mean[j]
				}
				w.Data[o*len(mean)+j] *= deviation[j]
			}
		}
	}
	return out
}

// learnedFrom are the samples of all groups, in order.
func learnedFrom(groups []sampleGroup) []int {
	var samples []int
	for _, g := range groups {
		samples = append(samples, g.samples...)
	}
	slices.Sort(samples)
	return samples
}

// upTo are the numbers below n.
func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}
