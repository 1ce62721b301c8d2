package evaluation

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
)

func TestConfusion(t *testing.T) {
	c := NewConfusion([]string{"short", "long", "cap"})
	for _, a := range [][2]string{{"short", "short"}, {"short", "long"}, {"long", "long"}, {"long", ""}, {"long", "none of them"}, {"cap", "short"}} {
		c.Add(a[0], a[1])
	}
	require.Equal(t, [][]int{{1, 1, 0, 0}, {0, 1, 0, 2}, {1, 0, 0, 0}}, c.Counts)
	r := c.Report()
	require.Equal(t, LabelReport{Label: "short", Count: 2, Precision: 0.5, Recall: 0.5, F1: 0.5}, r[0])
	require.InDelta(t, 1./3, r[1].Recall, 1e-12)
	require.Equal(t, LabelReport{Label: "cap", Count: 1}, r[2])
	macro, weighted := Means(r)
	require.InDelta(t, (0.5+0.4)/3, macro, 1e-12)
	require.InDelta(t, (2*0.5+3*0.4)/6, weighted, 1e-12)
}

func TestMacroInterval(t *testing.T) {
	labels := []string{"a", "b"}
	var certain, mixed []answer
	for i := range 60 {
		truth := labels[i%2]
		certain = append(certain, answer{truth: truth, label: truth})
		mixed = append(mixed, answer{truth: truth, label: labels[i/4%2]})
	}
	reportOf := func(labels []string, answers []answer) []LabelReport {
		c := NewConfusion(labels)
		for _, a := range answers {
			c.Add(a.truth, a.label)
		}
		return c.Report()
	}
	require.Equal(t, [2]float64{1, 1}, macroInterval(labels, reportOf(labels, certain), certain))
	all := reportOf(labels, mixed)
	macro, _ := Means(all)
	interval := macroInterval(labels, all, mixed)
	require.Less(t, interval[0], macro)
	require.Greater(t, interval[1], macro)
	// The standard error of a share of one half over 60 photos is 0.065.
	require.InDelta(t, 4*0.065, interval[1]-interval[0], 0.06)
	require.Equal(t, interval, macroInterval(labels, all, mixed), "the same each time")
	require.Equal(t, [2]float64{}, macroInterval(labels, nil, nil))

	// Of ten labels with one photo each, a draw holds six.
	var rare []answer
	var names []string
	for i := range 10 {
		names = append(names, string(rune('a'+i)))
		rare = append(rare, answer{truth: names[i], label: names[i]})
	}
	require.Equal(t, [2]float64{1, 1}, macroInterval(names, reportOf(names, rare), rare), "all are answered rightly")
}

// TestIntervalOfProducts: eight photos of each dress, answered alike, say as much as one.
func TestIntervalOfProducts(t *testing.T) {
	facet := catalog.Facet{Name: "sleeve", Labels: []string{"short", "long"}}
	report := func(each int) FacetReport {
		var examples []datasets.Example
		var photos []embedding.Photo
		for i := range 40 * each {
			dress := i / each
			e := datasets.Example{Labels: map[string]string{"sleeve": facet.Labels[dress%2]}}
			if each > 1 {
				e.Product = fmt.Sprint(dress)
			}
			examples = append(examples, e)
			photos = append(photos, embedding.Photo{Facets: []embedding.Prediction{{Name: "sleeve", Label: facet.Labels[dress/4%2]}}})
		}
		return measure(facet, examples, photos, Counting{Least: 1})
	}
	one, eight := report(1), report(8)
	require.InDeltaSlice(t, one.MacroInterval[:], eight.MacroInterval[:], 1e-9)
	single, mean := Mean([]FacetReport{one}), Mean([]FacetReport{eight})
	require.InDelta(t, single.MacroF1, mean.MacroF1, 1e-9)
	require.InDeltaSlice(t, single.Interval[:], mean.Interval[:], 1e-9)
}

// TestUnseenLabels: a label that no photo has is not one that was answered wrongly.
func TestUnseenLabels(t *testing.T) {
	facet := catalog.Facet{Name: "neckline", Labels: []string{"round", "v-neck", "halter"}}
	var examples []datasets.Example
	var photos []embedding.Photo
	for i := range 20 {
		label := facet.Labels[i%2]
		examples = append(examples, datasets.Example{Labels: map[string]string{"neckline": label}})
		photos = append(photos, embedding.Photo{Status: catalog.StatusOK, Facets: []embedding.Prediction{{Name: "neckline", Label: label, Probability: 1}}})
	}
	r := measure(facet, examples, photos, Counting{Labels: map[string][]string{"neckline": facet.Labels}})
	require.Equal(t, 1.0, r.MacroF1)
	require.Equal(t, [2]float64{1, 1}, r.MacroInterval)
	require.Equal(t, []string{"halter"}, r.Unseen)
	require.Equal(t, 1.0, measure(facet, examples, photos, Counting{}).MacroF1)

	// Of a facet whose labels no photo has there is no figure, which is an error and not one facet less.
	facets := []catalog.Facet{facet, {Name: "sleeve", Labels: []string{"short", "long"}}}
	for want, labels := range map[string]map[string][]string{
		"":                                 {"neckline": {"round", "halter"}},
		"sleeve: no photo has short, long": {"neckline": {"round"}, "sleeve": {"short", "long"}},
		"neckline: no photo has halter":    {"neckline": {"halter"}, "sleeve": {"short"}},
	} {
		counting := Counting{Labels: labels}
		err := counting.Measured(MeasureFacets(facets, examples, photos, counting))
		if want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, want)
		}
	}
}

// TestBootstrap: of draws 0 to 999, the middle 95% and 80%.
func TestBootstrap(t *testing.T) {
	next := -1.0
	draw := func(*rand.Rand) float64 { next++; return next }
	require.Equal(t, [2]float64{25, 974}, bootstrap(0.95, draw))
	next = -1
	require.Equal(t, [2]float64{100, 899}, bootstrap(0.8, draw))
}

// TestMean draws photos with all their facets: where two facets are right and wrong in the same photos, their mean is as
// uncertain as each.
func TestMean(t *testing.T) {
	report := func(right func(i int) bool) FacetReport {
		r := FacetReport{Confusion: NewConfusion([]string{"a", "b"})}
		for i := range 60 {
			a := answer{photo: i, truth: "a", label: "b"}
			if i%2 == 0 {
				a.truth = "b"
			}
			if right(i) {
				a.label = a.truth
			} else if i%2 == 0 {
				a.label = "a"
			}
			r.Confusion.Add(a.truth, a.label)
			r.answers = append(r.answers, a)
		}
		r.MacroF1, _ = Means(r.Confusion.Report())
		r.MacroInterval = macroInterval(r.Confusion.Labels, r.Confusion.Report(), r.answers)
		return r
	}
	width := func(interval [2]float64) float64 { return interval[1] - interval[0] }
	one := report(func(i int) bool { return i%3 == 0 })
	other := report(func(i int) bool { return i%3 != 0 })
	same := Mean([]FacetReport{one, one})
	require.InDelta(t, one.MacroF1, same.MacroF1, 1e-12)
	require.InDelta(t, width(one.MacroInterval), width(same.Interval), 0.03)
	both := Mean([]FacetReport{one, other})
	require.InDelta(t, (one.MacroF1+other.MacroF1)/2, both.MacroF1, 1e-12)
	require.Less(t, width(both.Interval), width(same.Interval)/4, "what one loses the other gains")
	require.Equal(t, both, Mean([]FacetReport{one, other}), "the same each time")
	require.Zero(t, Mean(nil))
}

func TestCalibrationError(t *testing.T) {
	var honest, boastful []answer
	for i := range 100 {
		label := "a"
		if i%4 == 0 {
			label = "b"
		}
		honest = append(honest, answer{truth: "a", label: label, probability: 0.75})
		boastful = append(boastful, answer{truth: "a", label: label, probability: 1})
	}
	require.InDelta(t, 0, calibrationError(honest), 1e-12)
	require.InDelta(t, 0.25, calibrationError(boastful), 1e-12)
	require.InDelta(t, 0.25, calibrationError(append(boastful, make([]answer, 100)...)), 1e-12, "no dress, no probability")
	require.Zero(t, calibrationError(nil))
}
