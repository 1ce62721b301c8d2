package quality

import (
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
)

// Overview is how a dataset and a model stand.
type Overview struct {
	Dataset  string          `json:"dataset"`
	Photos   int             `json:"photos"`
	Bad      int             `json:"bad"`       // photos and rows that cannot be used
	Strays   int             `json:"strays"`    // photos that people judged, which are not here, or without the box that was judged
	ReadOnly string          `json:"read_only"` // why judgements cannot be kept, "" where they can
	Facets   []FacetOverview `json:"facets"`
	// Apart says that figures are of photos that the model has not learned from, of which the predictions tell.
	Apart bool `json:"apart"`
}

// FacetOverview is how one facet stands: the model by the labels that people give now.
type FacetOverview struct {
	Facet    string         `json:"facet"`
	Labels   []string       `json:"labels"`   // all, in their order
	Counts   map[string]int `json:"counts"`   // photos that people label so
	Measured int            `json:"measured"` // photos that the figures are of; 0 without predictions
	Accuracy float64        `json:"accuracy"`
	// MacroF1 is the mean of the labels that evaluation.MinCount photos have.
	MacroF1    float64                  `json:"macro_f1"`
	WeightedF1 float64                  `json:"weighted_f1"`
	Reports    []evaluation.LabelReport `json:"reports"`   // of labels that some measured photo has
	Confusion  evaluation.Confusion     `json:"confusion"` // of labels that some measured photo has, or the model says
	Show       map[Show]int             `json:"show"`      // photos of each choice, but those that depend on the judge
	Judges     int                      `json:"judges"`
}

// Overview counts and measures. What nobody has judged since is remembered: of many photos it takes a while.
func (r *Review) Overview() Overview {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := Overview{Dataset: r.name, Photos: len(r.examples), Bad: len(r.bad), Strays: r.judgements.Strays(r.examples), Apart: r.apart}
	if r.readOnly != nil {
		o.ReadOnly = r.readOnly.Error()
	}
	for _, f := range r.facets {
		known, ok := r.overviews[f.Name]
		if !ok {
			known = r.overview(f.Name, f.Labels)
			r.overviews[f.Name] = known
		}
		o.Facets = append(o.Facets, known)
	}
	return o
}

func (r *Review) overview(facet string, labels []string) FacetOverview {
	f := FacetOverview{Facet: facet, Labels: append([]string{}, labels...), Counts: map[string]int{}, Show: map[Show]int{}, Reports: []evaluation.LabelReport{}}
	judges := map[string]bool{}
	used := map[string]bool{}
	var measured []Item
	for at := range r.examples {
		i := r.item(at, facet)
		for judge := range i.Votes {
			judges[datasets.JudgeKey(judge)] = true
		}
		for _, show := range []Show{ShowAll, ShowDisagree, ShowUnlabelled, ShowAtOdds, ShowNoDress, ShowMissed} {
			if (Query{Show: show}).wants(i) {
				f.Show[show]++
			}
		}
		if i.Label != "" {
			f.Counts[i.Label]++
		}
		if i.Label != "" && i.Predicted != "" && (!r.apart || i.Set == evaluation.Apart) {
			used[i.Label], used[i.Predicted] = true, true
			measured = append(measured, i)
		}
	}
	f.Judges, f.Measured = len(judges), len(measured)
	f.Confusion = evaluation.NewConfusion(slices.DeleteFunc(slices.Clone(f.Labels), func(label string) bool { return !used[label] }))
	for _, i := range measured {
		f.Confusion.Add(i.Label, i.Predicted)
		if i.Label == i.Predicted {
			f.Accuracy += 1 / float64(len(measured))
		}
	}
	var many []evaluation.LabelReport
	for _, l := range f.Confusion.Report() {
		if l.Count > 0 {
			f.Reports = append(f.Reports, l)
		}
		if l.Count >= evaluation.MinCount {
			many = append(many, l)
		}
	}
	f.MacroF1, _ = evaluation.Means(many)
	_, f.WeightedF1 = evaluation.Means(f.Reports)
	return f
}
