package evaluation

import (
	"math/rand/v2"
	"slices"

	"github.com/kleid-search/kleid/datasets"
)

// Confusion counts the answers to each true label.
type Confusion struct {
	Labels []string `json:"labels"`
	// Counts has a row for each true label, in the order of Labels, and a column for each answer; one column
	// more, the last, is for answers that are none of Labels, a dress that was not found among them.
	Counts [][]int `json:"counts"`
}

// NewConfusion counts nothing yet.
func NewConfusion(labels []string) Confusion {
	c := Confusion{Labels: labels, Counts: make([][]int, len(labels))}
	for i := range c.Counts {
		c.Counts[i] = make([]int, len(labels)+1)
	}
	return c
}

// Add counts an answer to a true label, which is one of Labels.
func (c Confusion) Add(truth, answer string) {
	column := slices.Index(c.Labels, answer)
	if column < 0 {
		column = len(c.Labels)
	}
	c.Counts[slices.Index(c.Labels, truth)][column]++
}

// Report is precision, recall and F1 of each label. A label that is never answered has precision 0.
func (c Confusion) Report() []LabelReport {
	reports := make([]LabelReport, len(c.Labels))
	for i, label := range c.Labels {
		r := LabelReport{Label: label}
		answered := 0
		for j := range c.Labels {
			answered += c.Counts[j][i]
		}
		for _, n := range c.Counts[i] {
			r.Count += n
		}
		right := c.Counts[i][i]
		if answered > 0 {
			r.Precision = float64(right) / float64(answered)
		}
		if r.Count > 0 {
			r.Recall = float64(right) / float64(r.Count)
		}
		if r.Precision+r.Recall > 0 {
			r.F1 = 2 * r.Precision * r.Recall / (r.Precision + r.Recall)
		}
		reports[i] = r
	}
	return reports
}

// Means are the mean F1 over labels, and over photos.
func Means(labels []LabelReport) (macro, weighted float64) {
	photos := 0
	for _, l := range labels {
		macro += l.F1
		weighted += l.F1 * float64(l.Count)
		photos += l.Count
	}
	return macro / float64(max(len(labels), 1)), weighted / float64(max(photos, 1))
}

// drawnMacroF1 is the macro F1 of a draw. A label that it does not hold has the F1 that it has among all photos: what
// nobody was asked was not answered wrongly.
func drawnMacroF1(drawn Confusion, all []LabelReport) float64 {
	labels := drawn.Report()
	for i := range labels {
		if labels[i].Count == 0 {
			labels[i].F1 = all[i].F1
		}
	}
	macro, _ := Means(labels)
	return macro
}

// answer is what was said of one photo.
type answer struct {
	photo        int    // its number among those that are measured with
	product      string // photos of one are drawn together; empty for a photo that stands alone
	truth, label string
	probability  float64
}

// macroInterval is the 95% interval of the macro F1, by drawing as many products with replacement, each with all its
// photos. labels are those of all answers.
func macroInterval(labels []string, all []LabelReport, answers []answer) [2]float64 {
	if len(answers) == 0 {
		return [2]float64{}
	}
	products := make([]string, len(answers))
	for i, a := range answers {
		products[i] = a.product
	}
	units := together(products)
	return bootstrap(0.95, func(rng *rand.Rand) float64 {
		c := NewConfusion(labels)
		for range units {
			for _, i := range units[rng.IntN(len(units))] {
				c.Add(answers[i].truth, answers[i].label)
			}
		}
		return drawnMacroF1(c, all)
	})
}

// together parts photos by their products, in the order of first ones; a photo without a product stands alone. Products
// are what is drawn for an interval, since photos of one dress are answered alike.
func together(products []string) [][]int {
	var units [][]int
	at := map[string]int{}
	for photo, product := range products {
		i, known := at[product]
		if !known || product == "" {
			i, units = len(units), append(units, nil)
			at[product] = i
		}
		units[i] = append(units[i], photo)
	}
	return units
}

// MeanF1 is the mean of several facets' macro F1.
type MeanF1 struct {
	MacroF1 float64 `json:"macro_f1"`
	// Interval is its 95% interval, by drawing products with all facets of all their photos.
	Interval [2]float64 `json:"macro_f1_interval"`
	// MeasuredOn is the fingerprint of all the facets' photos.
	MeasuredOn string `json:"measured_on,omitempty"`
}

// Mean is that of the facets' macro F1, which are of the same photos.
func Mean(reports []FacetReport) MeanF1 {
	var mean MeanF1
	photos := 0
	byPhoto := make([]map[int]answer, len(reports))
	var measured []string
	for f, r := range reports {
		measured = append(measured, r.Facet+" "+r.MeasuredOn)
		mean.MacroF1 += r.MacroF1 / float64(len(reports))
		byPhoto[f] = map[int]answer{}
		for _, a := range r.answers {
			byPhoto[f][a.photo] = a
			photos = max(photos, a.photo+1)
		}
	}
	if photos == 0 {
		return mean
	}
	mean.MeasuredOn = datasets.PhotosFingerprint(measured)
	products := make([]string, photos)
	for _, answers := range byPhoto {
		for photo, a := range answers {
			products[photo] = a.product
		}
	}
	units := together(products)
	mean.Interval = bootstrap(0.95, func(rng *rand.Rand) (drawn float64) {
		confusions := make([]Confusion, len(reports))
		for f, r := range reports {
			confusions[f] = NewConfusion(r.Confusion.Labels)
		}
		for range units {
			for _, photo := range units[rng.IntN(len(units))] {
				for f, c := range confusions {
					if a, ok := byPhoto[f][photo]; ok {
						c.Add(a.truth, a.label)
					}
				}
			}
		}
		for f, c := range confusions {
			drawn += drawnMacroF1(c, reports[f].Labels) / float64(len(reports))
		}
		return drawn
	})
	return mean
}
