package training

import (
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
)

// judgedLogits are what heads say of photos whose labels are known: for each facet, by photo.
type judgedLogits struct {
	logits [][][]float64
	truth  [][]int
}

func newJudgedLogits(pool *Pool) *judgedLogits {
	return &judgedLogits{make([][][]float64, len(pool.Facets)), make([][]int, len(pool.Facets))}
}

// measuring are the first looks at the photos of a calibration fold.
func (s facetSamples) measuring(pool *Pool, fold int) []int {
	var first []int
	last := -1
	for i, crop := range s.crops {
		if crop != last && pool.Crops[crop].Fold == fold {
			first = append(first, i)
		}
		last = crop
	}
	return first
}

// realIfAny are those of some samples that are real, or all of them where none is.
func (s facetSamples) realIfAny(samples []int) []int {
	real := slices.DeleteFunc(slices.Clone(samples), func(i int) bool { return !s.real[i] })
	if len(real) == 0 {
		return samples
	}
	return real
}

// only are some of the samples.
func (s facetSamples) only(samples []int) facetSamples {
	some := facetSamples{cells: linear.Matrix{Columns: s.cells.Columns}, crop: s.crop}
	for _, i := range samples {
		some.cells.Data, some.cells.Rows = append(some.cells.Data, s.cells.Row(i)...), some.cells.Rows+1
		some.labels, some.real, some.crops = append(some.labels, s.labels[i]), append(some.real, s.real[i]), append(some.crops, s.crops[i])
	}
	return some
}

// addFold adds what heads say of the first look at each photo of a calibration fold; of the painted ones, where no
// other has a label of the facet.
func (j *judgedLogits) addFold(pool *Pool, samples facetSamples, weights models.Weights, fold int) {
	real := make([]bool, len(pool.Facets))
	for i, labels := range samples.labels {
		for f, label := range labels {
			real[f] = real[f] || samples.real[i] && label >= 0
		}
	}
	for _, i := range samples.measuring(pool, fold) {
		for f := range pool.Facets {
			if samples.real[i] == real[f] {
				j.addFacet(pool, samples, weights, i, f)
			}
		}
	}
}

// add adds what heads say of a sample.
func (j *judgedLogits) add(pool *Pool, samples facetSamples, weights models.Weights, sample int) {
	for f := range pool.Facets {
		j.addFacet(pool, samples, weights, sample, f)
	}
}

// addFacet adds what a head says of a sample, where that has a label.
func (j *judgedLogits) addFacet(pool *Pool, samples facetSamples, weights models.Weights, sample, facet int) {
	if label := samples.labels[sample][facet]; label >= 0 {
		j.logits[facet] = append(j.logits[facet], facetLogits(weights, pool.Facets[facet].Name, samples.cells.Row(sample)))
		j.truth[facet] = append(j.truth[facet], int(label))
	}
}

// accuracy is the share of labels that heads give right, as the mean over the facets that there are photos of.
func (j *judgedLogits) accuracy() float64 {
	var sum, facets float64
	for f, all := range j.logits {
		right := 0
		for i, logits := range all {
			if floats.MaxIdx(logits) == j.truth[f][i] {
				right++
			}
		}
		if len(all) > 0 {
			sum += float64(right) / float64(len(all))
			facets++
		}
	}
	return sum / max(facets, 1)
}

// unsure is a temperature above which calibrated probabilities of labels differ little.
const unsure = 8

// leastJudged is how many photos a temperature needs.
const leastJudged = 20

// calibrate fits temperatures and thresholds; roots says whether the heads read them (models.FacetConfig.Roots).
func (j *judgedLogits) calibrate(pool *Pool, precision float64, roots bool) []models.FacetConfig {
	var configs []models.FacetConfig
	for f, facet := range pool.Facets {
		c := models.FacetConfig{Facet: facet, Temperature: 1, Threshold: 0.6, Roots: roots}
		if len(j.truth[f]) >= leastJudged {
			c.Temperature = models.FitTemperature(j.logits[f], j.truth[f])
			c.Threshold = models.FitThreshold(j.logits[f], j.truth[f], c.Temperature, precision)
		}
		configs = append(configs, c)
	}
	return configs
}
