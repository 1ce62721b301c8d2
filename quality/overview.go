package quality

import (
	"slices"
	"time"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
)

// Overview is how a dataset or an index and a model stand.
type Overview struct {
	Dataset  string          `json:"dataset"`               // or the index
	Index    *IndexOverview  `json:"index,omitempty"`       // nil of a dataset
	Model    string          `json:"facet_model,omitempty"` // fingerprint of what predicted, where it is known
	Photos   int             `json:"photos"`
	Bad      int             `json:"bad"`       // photos and rows that cannot be used
	Strays   int             `json:"strays"`    // photos that people judged, which are not here, or without the box that was judged
	ReadOnly string          `json:"read_only"` // why judgements cannot be kept, "" where they can
	Facets   []FacetOverview `json:"facets"`
	// Apart says that figures are of photos that the model has not learned from, of which the predictions tell.
	Apart bool `json:"apart"`
}

// IndexOverview says which index it is.
type IndexOverview struct {
	Run  string    `json:"run"`
	Made time.Time `json:"made"`
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
	// Predicted are what the model says of photos that nobody has labelled, as far as it says something.
	Predicted []PredictedLabel `json:"predicted"`
}

// PredictedLabel are the photos that the model takes for one label.
type PredictedLabel struct {
	Label string `json:"label"`
	Count int    `json:"count"`
	// Right is the share of them that is to be right: the mean of their probabilities, which are calibrated.
	Right float64 `json:"right"`
}

// Overview counts and measures. What nobody has judged since is remembered: of many photos it takes a while.
func (r *Review) Overview() Overview {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.collection
	o := Overview{Dataset: c.name, Model: c.model, Photos: len(c.dresses), Bad: len(c.bad) + c.badRows, Strays: r.strays, Apart: c.apart}
	if c.run != "" {
		o.Index = &IndexOverview{c.run, c.made}
	}
	if r.readOnly != nil {
		o.ReadOnly = r.readOnly.Error()
	}
	for i := range c.facets {
		f := &c.facets[i]
		known, ok := r.overviews[f.Name]
		if !ok {
			known = r.overview(f)
			r.overviews[f.Name] = known
		}
		o.Facets = append(o.Facets, known)
	}
	return o
}

func (r *Review) overview(facet *facet) FacetOverview {
	f := FacetOverview{Facet: facet.Name, Labels: append([]string{}, facet.Labels...), Counts: map[string]int{}, Show: map[Show]int{}, Reports: []evaluation.LabelReport{}}
	judges := map[string]bool{}
	used := map[string]bool{}
	predicted := map[string]PredictedLabel{}
	type answer struct{ truth, predicted string }
	var measured []answer
	for at := range r.collection.dresses {
		i := r.item(at, facet)
		for judge := range i.Votes {
			judges[datasets.JudgeKey(judge)] = true
		}
		for _, show := range []Show{ShowAll, ShowDisagree, ShowUnlabelled, ShowLabelled, ShowAtOdds, ShowNoDress, ShowMissed} {
			if (&Query{Show: show}).wants(&i) {
				f.Show[show]++
			}
		}
		switch {
		case i.Label != "":
			f.Counts[i.Label]++
		case i.Predicted != "" && (&Query{Show: ShowUnlabelled}).wants(&i):
			p := predicted[i.Predicted]
			predicted[i.Predicted] = PredictedLabel{i.Predicted, p.Count + 1, p.Right + float64(i.Probability)}
		}
		if r.isMeasured(&i) {
			used[i.Label], used[i.Predicted] = true, true
			measured = append(measured, answer{i.Label, i.Predicted})
		}
	}
	f.Predicted = []PredictedLabel{}
	for _, label := range f.Labels {
		if p := predicted[label]; p.Count > 0 {
			f.Predicted = append(f.Predicted, PredictedLabel{label, p.Count, p.Right / float64(p.Count)})
		}
	}
	f.Judges, f.Measured = len(judges), len(measured)
	f.Confusion = evaluation.NewConfusion(slices.DeleteFunc(slices.Clone(f.Labels), func(label string) bool { return !used[label] }))
	for _, i := range measured {
		f.Confusion.Add(i.truth, i.predicted)
		if i.truth == i.predicted {
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

// isMeasured says whether a photo counts in figures of the model. Of an index none does: those that people have labelled
// since last night are the ones of which it was least sure, and of those before what it said is not there any more.
func (r *Review) isMeasured(i *Item) bool {
	return r.collection.run == "" && i.Label != "" && i.Predicted != "" && (!r.collection.apart || i.Set == evaluation.Apart)
}
