package quality

import (
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
)

// Overview is how a dataset and a model stand.
type Overview struct {
	Dataset string          `json:"dataset"`
	Photos  int             `json:"photos"`
	Facets  []FacetOverview `json:"facets"`
	// Apart says that figures are of photos that the model has not learned from, of which the predictions tell.
	Apart bool `json:"apart"`
}

// FacetOverview is how one facet stands: the model by the labels that people give now.
type FacetOverview struct {
	Facet    string   `json:"facet"`
	Labels   []string `json:"labels"`   // all, in their order
	Measured int      `json:"measured"` // photos that the figures are of; 0 without predictions
	Accuracy float64  `json:"accuracy"`
	// MacroF1 is the mean of the labels that evaluation.MinCount photos have; Counts says which.
	MacroF1    float64                  `json:"macro_f1"`
	WeightedF1 float64                  `json:"weighted_f1"`
	Reports    []evaluation.LabelReport `json:"reports"` // of labels that some photo has
	Confusion  evaluation.Confusion     `json:"confusion"`
	Show       map[Show]int             `json:"show"` // photos of each choice, but those that depend on the judge
	Judges     int                      `json:"judges"`
}

// Overview counts and measures.
func (r *Review) Overview() Overview {
	r.mu.RLock()
	defer r.mu.RUnlock()
	o := Overview{Dataset: r.name, Photos: len(r.examples), Facets: []FacetOverview{}}
	for _, said := range r.said {
		for _, p := range said {
			o.Apart = o.Apart || p.set == evaluation.Apart
		}
	}
	for _, f := range r.facets {
		o.Facets = append(o.Facets, r.overview(f.Name, f.Labels, o.Apart))
	}
	return o
}

func (r *Review) overview(facet string, labels []string, apart bool) FacetOverview {
	f := FacetOverview{Facet: facet, Labels: slices.Clone(labels), Show: map[Show]int{}, Reports: []evaluation.LabelReport{}}
	judges := map[string]bool{}
	counts := map[string]int{}
	var measured []Item
	for id := range r.examples {
		i := r.item(id, facet)
		for judge, label := range i.Votes {
			judges[judge] = true
			if label != datasets.Unseen && !slices.Contains(f.Labels, label) {
				f.Labels = append(f.Labels, label)
			}
		}
		for _, show := range []Show{ShowAll, ShowDisagree, ShowUnlabelled, ShowAtOdds} {
			if (Query{Show: show}).wants(i) {
				f.Show[show]++
			}
		}
		if i.Label != "" && i.Predicted != "" && (!apart || i.Set == evaluation.Apart) {
			counts[i.Label]++
			measured = append(measured, i)
		}
	}
	f.Judges, f.Measured = len(judges), len(measured)
	var present []string
	for _, label := range f.Labels {
		if counts[label] > 0 {
			present = append(present, label)
		}
	}
	f.Confusion = evaluation.NewConfusion(present)
	for _, i := range measured {
		f.Confusion.Add(i.Label, i.Predicted)
		if i.Label == i.Predicted {
			f.Accuracy += 1 / float64(len(measured))
		}
	}
	f.Reports = append(f.Reports, f.Confusion.Report()...)
	var many []evaluation.LabelReport
	for _, l := range f.Reports {
		if l.Count >= evaluation.MinCount {
			many = append(many, l)
		}
	}
	f.MacroF1, _ = evaluation.Means(many)
	_, f.WeightedF1 = evaluation.Means(f.Reports)
	return f
}
