package evaluation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	// MacroInterval is the 95% interval of MacroF1, by bootstrap over the products, which photos may share.
	MacroInterval [2]float64 `json:"macro_f1_interval"`
	WeightedF1    float64    `json:"weighted_f1"` // mean over the photos
	// CalibrationError is the expected calibration error of the probabilities, where a dress was found.
	CalibrationError float64       `json:"calibration_error"`
	Labels           []LabelReport `json:"labels"`
	// Unseen are labels that should count and that no photo has.
	Unseen    []string  `json:"labels_without_photos,omitempty"`
	Confusion Confusion `json:"confusion"`
	// MeasuredOn is the fingerprint of the photos with their labels: figures of others are not to be compared with these.
	MeasuredOn string `json:"measured_on,omitempty"`
	answers    []answer
}

// MinCount is how many photos a label needs to count towards a macro F1.
const MinCount = 10

// Counting says which labels count towards a facet's figures.
type Counting struct {
	// Labels that count, by facet name, of those that a photo has.
	Labels map[string][]string
	// Least is how many photos a label needs to count in a facet that Labels does not have.
	Least int
}

// labels of the facet that count, in its order, where so many photos have each.
func (c Counting) labels(facet catalog.Facet, photos map[string]int) []string {
	named, ok := c.Labels[facet.Name]
	var labels []string
	for _, label := range facet.Labels {
		counts := photos[label] >= max(c.Least, 1)
		if ok { // nobody was asked for a label that no photo has
			counts = photos[label] > 0 && slices.Contains(named, label)
		}
		if counts {
			labels = append(labels, label)
		}
	}
	return labels
}

// UncountedLabel is a label whose photos are left out of all figures.
type UncountedLabel struct {
	Facet  string `json:"facet"`
	Label  string `json:"label"`
	Photos int    `json:"photos"` // with this true label
	Reason string `json:"reason"`
}

// Uncounted are the labels that photos have and that do not count, facet by facet in the labels' order.
func (c Counting) Uncounted(facets []catalog.Facet, examples []datasets.Example) []UncountedLabel {
	uncounted := []UncountedLabel{}
	for _, facet := range facets {
		photos := photosOf(facet.Name, examples)
		counted := c.labels(facet, photos)
		reason := fmt.Sprintf("fewer than %d photos", max(c.Least, 1))
		if _, named := c.Labels[facet.Name]; named {
			reason = "not among the labels that were asked for"
		}
		for _, label := range facet.Labels {
			if photos[label] > 0 && !slices.Contains(counted, label) {
				uncounted = append(uncounted, UncountedLabel{facet.Name, label, photos[label], reason})
			}
		}
	}
	return uncounted
}

// photosOf counts the photos of each label of a facet.
func photosOf(facet string, examples []datasets.Example) map[string]int {
	count := map[string]int{}
	for _, e := range examples {
		count[e.Labels[facet]]++
	}
	return count
}

// Check says which of Labels there are not.
func (c Counting) Check(facets []catalog.Facet) error {
	for name, labels := range c.Labels {
		at := slices.IndexFunc(facets, func(f catalog.Facet) bool { return f.Name == name })
		if at < 0 {
			return fmt.Errorf("there is no facet %q", name)
		}
		for _, label := range labels {
			if !slices.Contains(facets[at].Labels, label) {
				return fmt.Errorf("%s has no label %q; there are %s", name, label, strings.Join(facets[at].Labels, ", "))
			}
		}
	}
	return nil
}

// Measured says of which facet of Labels there is no report, since no photo has any of them.
func (c Counting) Measured(reports []FacetReport) error {
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		if !slices.ContainsFunc(reports, func(r FacetReport) bool { return r.Facet == name }) {
			return fmt.Errorf("%s: no photo has %s", name, strings.Join(c.Labels[name], ", "))
		}
	}
	return nil
}

// Facets measures the facets on labelled examples, on their true boxes or on found ones. Photos whose
// true label does not count are left out; any other answer to a label that counts is wrong.
func Facets(ctx context.Context, facets []catalog.Facet, trueBoxes bool, counting Counting, parts ...Part) ([]FacetReport, error) {
	dresses, photos, err := embed(ctx, parts, trueBoxes, func(e datasets.Example) bool { return len(e.Labels) > 0 && !e.NoDress })
	if err != nil {
		return nil, err
	}
	return MeasureFacets(facets, dresses, photos, counting), nil
}

func measure(facet catalog.Facet, examples []datasets.Example, photos []embedding.Photo, counting Counting) FacetReport {
	count := photosOf(facet.Name, examples)
	labels := counting.labels(facet, count)
	r := FacetReport{Facet: facet.Name, Confusion: NewConfusion(labels)}
	for _, label := range counting.Labels[facet.Name] {
		if count[label] == 0 {
			r.Unseen = append(r.Unseen, label)
		}
	}
	var answers []answer
	var known []string
	for i, e := range examples {
		a := answer{photo: i, product: e.Product, truth: e.Labels[facet.Name]}
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
		r.Confusion.Add(a.truth, a.label)
		answers, known = append(answers, a), append(known, e.Identity()+" "+a.truth)
	}
	r.MeasuredOn = datasets.PhotosFingerprint(known)
	r.Photos, r.answers = len(answers), answers
	r.Accuracy /= float64(max(r.Photos, 1))
	r.Labels = r.Confusion.Report()
	r.MacroF1, r.WeightedF1 = Means(r.Labels)
	r.MacroInterval = macroInterval(labels, r.Labels, answers)
	r.CalibrationError = calibrationError(answers)
	return r
}
