package evaluation

import (
	"math"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
)

// MeasureFacets is Facets of examples that are embedded already: photos[i] is what was seen in examples[i].
func MeasureFacets(facets []catalog.Facet, examples []datasets.Example, photos []embedding.Photo, counting Counting) []FacetReport {
	reports := []FacetReport{}
	for _, facet := range facets {
		if r := measure(facet, examples, photos, counting); r.Photos > 0 {
			reports = append(reports, r)
		}
	}
	return reports
}

// Uncalibrated are photos with the probabilities that the facets have before their temperatures: what the heads'
// softmax gives. temperatures are by facet name; labels stay the same.
func Uncalibrated(photos []embedding.Photo, temperatures map[string]float64) []embedding.Photo {
	raw := make([]embedding.Photo, len(photos))
	for i, p := range photos {
		raw[i].Status = p.Status
		for _, f := range p.Facets {
			q := embedding.Prediction{Name: f.Name, Label: f.Label, Probabilities: make([]float32, len(f.Probabilities))}
			sum := 0.0
			for _, v := range f.Probabilities {
				sum += math.Pow(float64(v), temperatures[f.Name])
			}
			for l, v := range f.Probabilities {
				q.Probabilities[l] = float32(math.Pow(float64(v), temperatures[f.Name]) / sum)
			}
			q.Probability = float32(math.Pow(float64(f.Probability), temperatures[f.Name]) / sum)
			raw[i].Facets = append(raw[i].Facets, q)
		}
	}
	return raw
}
