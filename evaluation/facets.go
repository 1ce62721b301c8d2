package evaluation

import (
	"context"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
)

// LabelReport is how one label of a facet is predicted.
type LabelReport struct {
	Label     string  `json:"label"`
	Count     int     `json:"count"` // photos with this true label
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// FacetReport is how one facet is predicted.
type FacetReport struct {
	Facet    string  `json:"facet"`
	Photos   int     `json:"photos"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"` // mean over the labels that count
	// MacroInterval is the 95% interval of MacroF1, by bootstrap over the photos.
	MacroInterval [2]float64 `json:"macro_f1_interval"`
	WeightedF1    float64    `json:"weighted_f1"` // mean over the photos
	// CalibrationError is the expected calibration error of the probabilities.
	CalibrationError float64       `json:"calibration_error"`
	Labels           []LabelReport `json:"labels"`
	Confusion        Confusion     `json:"confusion"`
}

// MinCount is how many photos a label needs to count towards a macro F1.
const MinCount = 10

// Facets measures the facets on labelled examples, on their true boxes or on found ones. Photos whose
// true label does not count (fewer than minCount photos) are left out; any other answer to a label
// that counts is wrong.
func Facets(ctx context.Context, facets []catalog.Facet, trueBoxes bool, minCount int, parts ...Part) ([]FacetReport, error) {
	dresses, photos, err := embed(ctx, parts, trueBoxes, func(e datasets.Example) bool { return len(e.Labels) > 0 && !e.NoDress })
	if err != nil {
		return nil, err
	}
	var reports []FacetReport
	for _, facet := range facets {
		if r := measure(facet, dresses, photos, minCount); r.Photos > 0 {
			reports = append(reports, r)
		}
	}
	return reports, nil
}

func measure(facet catalog.Facet, examples []datasets.Example, photos []embedding.Photo, minCount int) FacetReport {
	count := map[string]int{}
	for _, e := range examples {
		count[e.Labels[facet.Name]]++
	}
	var labels []string
	for _, label := range facet.Labels {
		if count[label] >= minCount {
			labels = append(labels, label)
		}
	}
	r := FacetReport{Facet: facet.Name, Confusion: newConfusion(labels)}
	var answers []answer
	for i, e := range examples {
		a := answer{truth: e.Labels[facet.Name]}
		if !slices.Contains(labels, a.truth) {
			continue
		}
		for _, p := range photos[i].Facets {
			if p.Name == facet.Name {
				a.label, a.probability = p.Label, float64(p.Probability)
			}
		}
		if a.label == a.truth {
			r.Accuracy++
		}
		r.Confusion.add(a.truth, a.label)
		answers = append(answers, a)
	}
	r.Photos = len(answers)
	r.Accuracy /= float64(max(r.Photos, 1))
	r.Labels = r.Confusion.report()
	r.MacroF1, r.WeightedF1 = means(r.Labels)
	r.MacroInterval = macroInterval(labels, answers)
	r.CalibrationError = calibrationError(answers)
	return r
}
