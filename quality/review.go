// Package quality is the web app in which people see what a model says of labelled photos, and correct the labels: Review
// for programs, Server over HTTP with a page. What they say is kept beside the dataset (datasets.JudgementsFile), and every
// training reads it.
package quality

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
)

// Options say what is reviewed.
type Options struct {
	Dataset string   // a folder or manifest on this machine, as datasets.Open reads it
	Facets  []string // those that are wanted; all that can be told as such by default
	// Predictions is a table of what a model says of the photos (evaluation.ReadPredictions); "" for labels alone.
	Predictions string
	Progress    func(done, total int) // of the dataset's photos
}

// Review is a dataset with what people and a model say of it. It is safe for concurrent use.
type Review struct {
	name     string
	examples []datasets.Example // as they were imported
	alone    []bool             // whether the photo of each has no other example
	facets   []catalog.Facet
	said     []map[string]prediction // of each example, by facet
	log      *datasets.JudgementLog

	mu         sync.RWMutex
	judgements datasets.Judgements
}

// prediction is what a model says of a facet.
type prediction struct {
	label         string
	probability   float32
	probabilities map[string]float32
	set           evaluation.Set
}

// Open reads a dataset and opens its judgements, which no other program may add to until Close.
func Open(ctx context.Context, options Options) (*Review, error) {
	var rows []evaluation.LabelProbability
	var err error
	if options.Predictions != "" {
		if rows, err = evaluation.ReadPredictions(options.Predictions); err != nil {
			return nil, err
		}
	}
	known := make([]string, 0, len(datasets.Facets()))
	for _, f := range datasets.Facets() {
		known = append(known, f.Name)
	}
	d, err := datasets.Open(ctx, options.Dataset, datasets.OpenOptions{Facets: options.Facets, Known: known, Imported: true, Progress: options.Progress})
	if err != nil {
		return nil, err
	}
	r := &Review{name: d.Name, examples: d.Examples, alone: make([]bool, len(d.Examples)), said: make([]map[string]prediction, len(d.Examples))}
	photos := map[string]int{}
	for _, e := range d.Examples {
		photos[e.PhotoID]++
	}
	for i, e := range d.Examples {
		r.alone[i] = photos[e.PhotoID] == 1
	}
	r.facets = facetsOf(d, rows, options.Facets)
	if len(r.facets) == 0 {
		return nil, errors.New("there is no facet to review: the dataset has no labels, and there are no predictions")
	}
	if err := r.predict(rows, options.Predictions); err != nil {
		return nil, err
	}
	log, all, err := datasets.OpenJudgements(options.Dataset)
	if err != nil {
		return nil, err
	}
	r.log = log
	for _, j := range all {
		r.judgements.Add(j)
	}
	return r, nil
}

// File is where judgements are kept.
func (r *Review) File() string { return r.log.Path() }

// Close lets others add judgements.
func (r *Review) Close() error { return r.log.Close() }

// facetsOf are the facets of dataset and predictions, each with its labels: in the order that somebody gave, else in the
// model's, else by name.
func facetsOf(d *datasets.Dataset, rows []evaluation.LabelProbability, wanted []string) []catalog.Facet {
	var facets []catalog.Facet
	add := func(name string, labels ...string) {
		if len(wanted) > 0 && !slices.Contains(wanted, name) {
			return
		}
		i := slices.IndexFunc(facets, func(f catalog.Facet) bool { return f.Name == name })
		if i < 0 {
			i, facets = len(facets), append(facets, catalog.Facet{Name: name})
		}
		for _, label := range labels {
			if !slices.Contains(facets[i].Labels, label) {
				facets[i].Labels = append(facets[i].Labels, label)
			}
		}
	}
	for _, f := range d.Facets {
		add(f.Name, d.Order[f.Name]...)
	}
	for _, row := range rows {
		add(row.Facet, row.Label)
	}
	for _, f := range d.Facets {
		add(f.Name, f.Labels...)
	}
	return facets
}

// predict takes a model's predictions. Of a photo with several dresses nobody knows which one a row is of.
func (r *Review) predict(rows []evaluation.LabelProbability, file string) error {
	at := map[string]int{}
	for i, e := range r.examples {
		if r.alone[i] {
			at[e.PhotoID] = i
		}
	}
	met := false
	for _, row := range rows {
		i, ok := at[row.PhotoID]
		if !ok {
			continue
		}
		met = true
		if r.said[i] == nil {
			r.said[i] = map[string]prediction{}
		}
		p, ok := r.said[i][row.Facet]
		if !ok {
			p = prediction{probabilities: map[string]float32{}, set: row.Set}
		}
		p.probabilities[row.Label] = row.Probability
		if row.Predicted {
			p.label, p.probability = row.Label, row.Probability
		}
		r.said[i][row.Facet] = p
	}
	if len(rows) > 0 && !met {
		return fmt.Errorf("none of the photos of %s is in the dataset: they are compared by their bytes (photo_id)", file)
	}
	return nil
}

// Judge keeps what a person says of a dress: a label of a facet, or of datasets.DressFacet; "" takes back what was said.
func (r *Review) Judge(judge string, id int, facet, label string) error {
	if id < 0 || id >= len(r.examples) {
		return fmt.Errorf("%w: there is no photo %d", ErrInvalid, id)
	}
	if facet != datasets.DressFacet && !r.has(facet) {
		return fmt.Errorf("%w: there is no facet %q", ErrInvalid, facet)
	}
	e := &r.examples[id]
	j := datasets.Judgement{Time: time.Now().UTC().Truncate(time.Second), Judge: strings.TrimSpace(judge), PhotoID: e.PhotoID, Facet: facet, Label: strings.TrimSpace(label)}
	if !r.alone[id] {
		j.Box = e.Box
	}
	if err := j.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.log.Append(j); err != nil { // which is on the disk before anybody sees it
		return err
	}
	r.judgements.Add(j)
	return nil
}

// Item is how a photo stands as to a facet.
func (r *Review) Item(id int, facet string) (Item, error) {
	if id < 0 || id >= len(r.examples) || !r.has(facet) {
		return Item{}, fmt.Errorf("%w: there is no photo %d, or no facet %q", ErrInvalid, id, facet)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.item(id, facet), nil
}

// ErrInvalid is the error of what a client asks for wrongly.
var ErrInvalid = errors.New("invalid")

func (r *Review) has(facet string) bool {
	return slices.ContainsFunc(r.facets, func(f catalog.Facet) bool { return f.Name == facet })
}

// Item is a photo as to one facet.
type Item struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Product string `json:"product"`
	Facet   string `json:"facet"`
	// Label is what people say, or else what was imported; "" where it is not known, or they are at odds.
	Label    string            `json:"label"`
	Imported string            `json:"imported,omitempty"`
	Votes    map[string]string `json:"votes,omitempty"` // by judge
	AtOdds   bool              `json:"at_odds,omitempty"`
	NoDress  bool              `json:"no_dress,omitempty"`
	// What the model says; "" where it says nothing.
	Predicted     string             `json:"predicted,omitempty"`
	Probability   float32            `json:"probability,omitempty"`
	Probabilities map[string]float32 `json:"probabilities,omitempty"`
	Set           evaluation.Set     `json:"set,omitempty"`
}

// item needs the lock.
func (r *Review) item(id int, facet string) Item {
	e := &r.examples[id]
	p := r.said[id][facet]
	i := Item{
		ID: id, Name: e.Name, Product: e.Product, Facet: facet, Imported: e.Labels[facet], Label: e.Labels[facet],
		NoDress: e.NoDress, Predicted: p.label, Probability: p.probability, Probabilities: p.probabilities, Set: p.set,
	}
	i.Votes = r.judgements.Votes(e, facet, r.alone[id])
	if len(i.Votes) > 0 {
		label, ok := datasets.Majority(i.Votes)
		i.Label, i.AtOdds = label, !ok
		if !ok || label == datasets.Unseen {
			i.Label = ""
		}
	}
	if label, ok := datasets.Majority(r.judgements.Votes(e, datasets.DressFacet, r.alone[id])); ok {
		i.NoDress = label == "no"
	}
	if i.NoDress {
		i.Label = ""
	}
	return i
}

// Show is which photos are asked for.
type Show string

// The choices.
const (
	ShowAll        Show = "all"
	ShowDisagree   Show = "disagree"   // the model says another label than people
	ShowUnlabelled Show = "unlabelled" // nobody has said a label
	ShowAtOdds     Show = "at_odds"    // as many judges for one label as for another
	ShowSecond     Show = "second"     // others have judged, this judge has not
	ShowMine       Show = "mine"       // this judge has judged
)

var shows = []Show{ShowAll, ShowDisagree, ShowUnlabelled, ShowAtOdds, ShowSecond, ShowMine}

// Query asks for photos.
type Query struct {
	Facet         string
	Show          Show   // ShowAll by default
	Label         string // of those with this label, "" for any
	Predicted     string // of those of which the model says this, "" for any
	Judge         string
	Set           evaluation.Set // "" for any
	Offset, Limit int
}

// Page is an answer to a query.
type Page struct {
	Total int    `json:"total"`
	Items []Item `json:"items"`
}

// Find answers a query. What the model is surest of, against a label, comes first: there labels are wrong most often
// (https://arxiv.org/abs/1911.00068).
func (r *Review) Find(q Query) (Page, error) {
	if !r.has(q.Facet) {
		return Page{}, fmt.Errorf("%w: there is no facet %q", ErrInvalid, q.Facet)
	}
	if q.Show = cmp.Or(q.Show, ShowAll); !slices.Contains(shows, q.Show) {
		return Page{}, fmt.Errorf("%w: show is %q, but must be one of %v", ErrInvalid, q.Show, shows)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []Item
	for id := range r.examples {
		if i := r.item(id, q.Facet); q.wants(i) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b Item) int { return cmp.Compare(b.doubt(), a.doubt()) })
	page := Page{Total: len(found), Items: []Item{}}
	begin := min(max(q.Offset, 0), len(found))
	page.Items = append(page.Items, found[begin:min(begin+max(q.Limit, 0), len(found))]...)
	return page, nil
}

func (q Query) wants(i Item) bool {
	_, mine := i.Votes[q.Judge]
	var wanted bool
	switch q.Show {
	case ShowAll:
		wanted = true
	case ShowDisagree:
		wanted = i.Label != "" && i.Predicted != "" && i.Label != i.Predicted
	case ShowUnlabelled:
		wanted = i.Label == "" && len(i.Votes) == 0 && !i.NoDress
	case ShowAtOdds:
		wanted = i.AtOdds
	case ShowSecond:
		wanted = len(i.Votes) > 0 && !mine
	case ShowMine:
		wanted = mine
	}
	return wanted && (q.Label == "" || i.Label == q.Label) && (q.Predicted == "" || i.Predicted == q.Predicted) && (q.Set == "" || i.Set == q.Set)
}

// doubt is how sure the model is that the label is another one, -1 where it is not.
func (i Item) doubt() float32 {
	if i.Label != "" && i.Predicted != "" && i.Label != i.Predicted {
		return i.Probability
	}
	return -1
}
