package evaluation

import (
	"context"

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
	Facet    string        `json:"facet"`
	Photos   int           `json:"photos"`
	Accuracy float64       `json:"accuracy"`
	MacroF1  float64       `json:"macro_f1"` // mean over the labels that count
	Labels   []LabelReport `json:"labels"`
}

// MinCount is how many photos a label needs to count towards a macro F1.
const MinCount = 10

// Facets measures the facets on labelled examples, on their true boxes or on found ones. Photos whose
// true label does not count (fewer than minCount photos) are left out; any other answer to a label
// that counts is wrong.
func Facets(ctx context.Context, e Embedder, facets []catalog.Facet, examples []datasets.Example, trueBoxes bool, minCount int) ([]FacetReport, error) {
	var dresses []datasets.Example
	for _, example := range examples {
		if len(example.Labels) > 0 && !example.NoDress {
			dresses = append(dresses, example)
		}
	}
	photos, err := embed(ctx, e, dresses, trueBoxes)
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
	right, predicted, r := map[string]int{}, map[string]int{}, FacetReport{Facet: facet.Name}
	for i, e := range examples {
		truth := e.Labels[facet.Name]
		if truth == "" || count[truth] < minCount {
			continue
		}
		r.Photos++
		answer := ""
		for _, p := range photos[i].Facets {
			if p.Name == facet.Name {
				answer = p.Label
			}
		}
		predicted[answer]++
		if answer == truth {
			right[truth]++
			r.Accuracy++
		}
	}
	for _, label := range facet.Labels {
		if count[label] < minCount {
			continue
		}
		l := LabelReport{Label: label, Count: count[label], Recall: float64(right[label]) / float64(count[label])}
		if predicted[label] > 0 {
			l.Precision = float64(right[label]) / float64(predicted[label])
		}
		if l.Precision+l.Recall > 0 {
			l.F1 = 2 * l.Precision * l.Recall / (l.Precision + l.Recall)
		}
		r.MacroF1 += l.F1
		r.Labels = append(r.Labels, l)
	}
	r.MacroF1 /= float64(max(len(r.Labels), 1))
	r.Accuracy /= float64(max(r.Photos, 1))
	return r
}
