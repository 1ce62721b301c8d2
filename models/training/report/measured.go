package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kleid-search/kleid/catalog"
)

// MeasuredFacet is how a model predicts a facet of photos that it learned from, and of others.
type MeasuredFacet struct {
	Facet   catalog.Facet `json:"facet"` // whose labels are in order
	Learned FacetFigures  `json:"learned_from"`
	Apart   FacetFigures  `json:"kept_apart"`
}

// FacetFigures are a facet's on some photos; the zero value is of none.
type FacetFigures struct {
	Photos        int            `json:"photos"`
	Accuracy      float64        `json:"accuracy"`
	MacroF1       float64        `json:"macro_f1"`
	MacroInterval [2]float64     `json:"macro_f1_interval"` // 95%
	Labels        []LabelFigures `json:"labels"`
	// Answers counts them: a row for each of Labels, and for each answer a column in their order, with one more, the last,
	// for any other.
	Answers [][]int `json:"answers"`
	// Calibration says how often answers of about a probability are right. The errors are those expected with the model's
	// temperature, and without.
	Calibration            []CalibrationPoint `json:"calibration"`
	CalibrationError       float64            `json:"calibration_error"`
	CalibrationErrorBefore float64            `json:"calibration_error_before"`
}

// LabelFigures are those of a label's photos.
type LabelFigures struct {
	Label     string  `json:"label"`
	Photos    int     `json:"photos"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// CalibrationPoint are answers of about the same probability.
type CalibrationPoint struct {
	Photos      int     `json:"photos"`
	Probability float64 `json:"probability"`
	Right       float64 `json:"right"` // share of them
}

// measuredSection is a facet as the page shows it.
type measuredSection struct {
	Name    string
	Caption string
	Labels  []measuredLabel
	Answers []confusionRow
	Chart   *chart // of the calibration
}

// measuredLabel is a row of the table of labels; the numbers of photos that there are none of are empty.
type measuredLabel struct {
	Name              string
	Learned           int
	LearnedF1         string
	Apart             int
	Precision, Recall string
	F1                string
	Bar               float64 // F1 in per cent
}

// confusionRow are the answers to photos of a label.
type confusionRow struct {
	Label string
	Cells []confusionCell
}

// confusionCell is how many photos of a label got an answer.
type confusionCell struct {
	Count int
	Right bool
	Share float64 // of the label's photos, 0 to 1
	Title string
}

func newMeasuredSection(m MeasuredFacet) measuredSection {
	r := m.Apart
	s := measuredSection{Name: m.Facet.Name, Labels: m.labels()}
	if r.Photos > 0 {
		s.Caption = fmt.Sprintf("macro F1 %.3f (95%% interval %.3f to %.3f), accuracy %.3f of %s photos kept apart", r.MacroF1, r.MacroInterval[0], r.MacroInterval[1], r.Accuracy, Grouped(r.Photos))
	} else {
		s.Caption = "no photo was kept apart to measure with"
	}
	if m.Learned.Photos > 0 {
		s.Caption += fmt.Sprintf("; macro F1 %.3f, accuracy %.3f of %s learned from", m.Learned.MacroF1, m.Learned.Accuracy, Grouped(m.Learned.Photos))
	}
	for i, counts := range r.Answers {
		is := r.Labels[i]
		row := confusionRow{Label: is.Label}
		for j, n := range counts {
			answer := "another"
			if j < len(r.Labels) {
				answer = r.Labels[j].Label
			}
			row.Cells = append(row.Cells, confusionCell{n, i == j, float64(n) / float64(max(is.Photos, 1)), fmt.Sprintf("%d of %d photos of %s are taken for %s", n, is.Photos, is.Label, answer)})
		}
		s.Answers = append(s.Answers, row)
	}
	if len(r.Calibration) > 0 {
		chart := reliability(r)
		s.Chart = &chart
	}
	return s
}

// labels are those that there are photos of.
func (m MeasuredFacet) labels() []measuredLabel {
	figure := func(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }
	var rows []measuredLabel
	for _, label := range m.Facet.Labels {
		row := measuredLabel{Name: label}
		for _, l := range m.Learned.Labels {
			if l.Label == label {
				row.Learned, row.LearnedF1 = l.Photos, figure(l.F1)
			}
		}
		for _, l := range m.Apart.Labels {
			if l.Label == label {
				row.Apart, row.Precision, row.Recall, row.F1, row.Bar = l.Photos, figure(l.Precision), figure(l.Recall), figure(l.F1), 100*l.F1
			}
		}
		if row.Learned+row.Apart > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// reliability draws how often answers are right by how probable they are, as dots whose areas are the numbers of answers:
// calibrated ones lie on the diagonal.
func reliability(f FacetFigures) chart {
	c := chart{
		Name: "right, by probability", Kind: "metric", Caption: fmt.Sprintf("error %.3f, %.3f uncalibrated", f.CalibrationError, f.CalibrationErrorBefore),
		Raw: fmt.Sprintf("M0 %dL%d 0", plotHeight, plotWidth),
	}
	most := 0
	var said []string
	for _, b := range f.Calibration {
		most = max(most, b.Photos)
	}
	for _, b := range f.Calibration {
		said = append(said, fmt.Sprintf("of %s answers of probability %.2f, %.2f are right", Grouped(b.Photos), b.Probability, b.Right))
		c.Dots = append(c.Dots, dot{plotWidth * b.Probability, plotHeight * (1 - b.Right), 1 + 8*math.Sqrt(float64(b.Photos)/float64(most))})
	}
	c.Words = strings.Join(said, "; ")
	for _, at := range ticks(0, 1, 5) {
		c.X = append(c.X, tick{plotX + plotWidth*at.value, at.label})
		c.Y = append(c.Y, tick{plotY + plotHeight*(1-at.value), at.label})
	}
	return c
}
