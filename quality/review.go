// Package quality is the web app in which people see what a model says of labelled photos, and correct the labels: Review
// for programs, Server over HTTP with a page. What they say is kept beside the dataset (datasets.JudgementsFile), and every
// training reads it.
package quality

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
)

// Options say what is reviewed.
type Options struct {
	Dataset string   // a folder or manifest on this machine, as datasets.Open reads it; a manifest may have no labels yet
	Facets  []string // those that are wanted; all that can be told as such by default
	// Predictions is a table of what a model says of the photos (evaluation.ReadPredictions); "" for labels alone.
	Predictions string
	Progress    func(done, total int) // of the dataset's photos
}

// Review is a dataset with what people and a model say of it. It is safe for concurrent use.
type Review struct {
	name     string
	examples []datasets.Example // as they were imported
	bad      []datasets.Bad
	alone    []bool         // whether the photo of each has no other example
	at       map[string]int // examples by their ids
	facets   []catalog.Facet
	said     []map[string]prediction // of each example, by facet
	apart    bool                    // some predictions are of photos that the model has not learned from
	log      *datasets.JudgementLog  // nil where nothing can be written
	readOnly error                   // why not

	mu         sync.RWMutex
	judgements datasets.Judgements
	overviews  map[string]FacetOverview // by facet, until somebody judges it
}

// prediction is what a model says of a facet.
type prediction struct {
	label         string
	probability   float32
	probabilities map[string]float32
	set           evaluation.Set
}

// Open reads a dataset and opens its judgements, which no other program may add to until Close. Where they cannot be
// written to, the review can be looked at alone.
func Open(ctx context.Context, options Options) (*Review, error) {
	r := &Review{at: map[string]int{}, overviews: map[string]FacetOverview{}}
	all, err := r.open(options.Dataset) // first, since photos take their time
	if err != nil {
		return nil, err
	}
	if err := r.read(ctx, options, all); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// open opens the judgements.
func (r *Review) open(dataset string) ([]datasets.Judgement, error) {
	log, all, err := datasets.OpenJudgements(dataset)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		r.readOnly = err
		return datasets.ReadJudgements(dataset)
	}
	r.log = log
	return all, err
}

func (r *Review) read(ctx context.Context, options Options, all []datasets.Judgement) error {
	predicted, err := predictedFacets(options.Predictions) // first, since photos take their time
	if err != nil {
		return err
	}
	var known []string
	for _, f := range datasets.Facets() {
		known = append(known, f.Name)
	}
	d, err := datasets.Open(ctx, options.Dataset, datasets.OpenOptions{Facets: options.Facets, Known: known, Imported: true, Unlabelled: true, Progress: options.Progress})
	if err != nil {
		return err
	}
	if len(d.Examples) == 0 {
		return fmt.Errorf("none of the %d photos can be read; the first: %s: %s", len(d.Bad), d.Bad[0].Photo, d.Bad[0].Reason)
	}
	r.name, r.examples, r.bad = d.Name, d.Examples, d.Bad
	r.alone, r.said = make([]bool, len(d.Examples)), make([]map[string]prediction, len(d.Examples))
	photos := map[string]int{}
	for _, e := range d.Examples {
		photos[e.PhotoID]++
	}
	for i := range d.Examples {
		r.alone[i] = photos[d.Examples[i].PhotoID] == 1
		r.at[idOf(&d.Examples[i])] = i
	}
	all = datasets.Standing(all) // a label that was written wrongly and taken back is none
	r.facets = facetsOf(d, predicted, all, options.Facets)
	for i := range r.examples {
		labels := map[string]string{}
		for facet, label := range r.examples[i].Labels {
			labels[facet] = r.spelled(facet, label)
		}
		r.examples[i].Labels = labels
	}
	for _, j := range all {
		j.Label = r.spelled(j.Facet, j.Label)
		r.judgements.Add(j)
	}
	r.judgements.Match(r.examples)
	return r.predict(options.Predictions)
}

// spelled is a label as its facet has it. What was taken back, or cannot be seen, is none.
func (r *Review) spelled(facet, label string) string {
	if f := r.facet(facet); f != nil && label != "" && label != datasets.Unseen {
		label, _ = sameLabel(f.Labels, label)
	}
	return label
}

// idOf is an example's id: what it shows, not where it stands, so that a page of before a restart judges no other photo.
func idOf(e *datasets.Example) string {
	if e.Box == nil {
		return e.PhotoID
	}
	return fmt.Sprintf("%s.%d-%d-%d-%d", e.PhotoID, e.Box.XMin, e.Box.YMin, e.Box.XMax, e.Box.YMax)
}

// Close lets others add judgements.
func (r *Review) Close() error {
	if r.log == nil {
		return nil
	}
	return r.log.Close()
}

// File is where judgements are kept; the error says why they cannot be.
func (r *Review) File() (string, error) {
	if r.log == nil {
		return "", r.readOnly
	}
	return r.log.Path(), nil
}

// Bad are the photos that cannot be read, and the rows that make no sense or contradict others.
func (r *Review) Bad() []datasets.Bad { return r.bad }

// facetsOf are the facets of dataset, predictions and judgements, or those that are wanted, or the default ones; each with
// its labels: in the order that somebody gave, else in the model's, else in the default one, else by name.
func facetsOf(d *datasets.Dataset, predicted []catalog.Facet, all []datasets.Judgement, wanted []string) []catalog.Facet {
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
			if _, there := sameLabel(facets[i].Labels, label); !there {
				facets[i].Labels = append(facets[i].Labels, label)
			}
		}
	}
	for _, f := range d.Facets {
		add(f.Name, d.Order[f.Name]...)
	}
	for _, f := range predicted {
		add(f.Name, f.Labels...)
	}
	for _, name := range wanted {
		add(name)
	}
	var judged []catalog.Facet
	for _, j := range all {
		if j.Facet != datasets.DressFacet && j.Label != "" && j.Label != datasets.Unseen {
			judged = append(judged, catalog.Facet{Name: j.Facet, Labels: []string{j.Label}})
		}
	}
	for _, f := range judged {
		add(f.Name)
	}
	own := append(slices.Clone(d.Facets), judged...)
	for _, f := range datasets.Facets() {
		i := slices.IndexFunc(facets, func(g catalog.Facet) bool { return g.Name == f.Name })
		if i >= 0 && isOf(f.Labels, facets[i].Labels) && !slices.ContainsFunc(own, func(g catalog.Facet) bool { return g.Name == f.Name && !isOf(f.Labels, g.Labels) }) {
			add(f.Name, f.Labels...) // whose labels are the default ones, as far as there are some
		}
	}
	if len(facets) == 0 { // nothing is labelled yet
		return datasets.Facets()
	}
	for _, f := range own {
		add(f.Name, f.Labels...)
	}
	return facets
}

// isOf says whether all labels are among others.
func isOf(all, labels []string) bool {
	return !slices.ContainsFunc(labels, func(label string) bool { _, there := sameLabel(all, label); return !there })
}

// sameLabel finds the label that a person means, however it is spelled.
func sameLabel(labels []string, label string) (string, bool) {
	if slices.Contains(labels, label) {
		return label, true
	}
	for _, known := range labels {
		if datasets.LooseLabel(known) == datasets.LooseLabel(label) {
			return known, true
		}
	}
	return label, false
}

// predictedFacets are those of a table of predictions, with their labels in its order.
func predictedFacets(file string) (facets []catalog.Facet, err error) {
	if file == "" {
		return nil, nil
	}
	for row, err := range evaluation.ReadPredictions(file) {
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(facets, func(f catalog.Facet) bool { return f.Name == row.Facet })
		if i < 0 {
			i, facets = len(facets), append(facets, catalog.Facet{Name: row.Facet})
		}
		if !slices.Contains(facets[i].Labels, row.Label) {
			facets[i].Labels = append(facets[i].Labels, row.Label)
		}
	}
	return facets, nil
}

// predict takes a model's predictions, of which there may be many of other photos. Of a photo with several dresses nobody
// knows which one a row is of.
func (r *Review) predict(file string) error {
	if file == "" {
		return nil
	}
	at := map[string]int{}
	for i, e := range r.examples {
		at[e.PhotoID] = i
	}
	some, met := false, false
	for row, err := range evaluation.ReadPredictions(file) {
		if err != nil {
			return err
		}
		i, ok := at[row.PhotoID]
		some, met = true, met || ok
		if !ok || !r.alone[i] {
			continue
		}
		r.apart = r.apart || row.Set == evaluation.Apart
		if r.said[i] == nil {
			r.said[i] = map[string]prediction{}
		}
		p, ok := r.said[i][row.Facet]
		if !ok {
			p = prediction{probabilities: map[string]float32{}, set: row.Set}
		}
		label := r.spelled(row.Facet, row.Label)
		p.probabilities[label] = row.Probability
		if row.Predicted {
			p.label, p.probability = label, row.Probability
		}
		r.said[i][row.Facet] = p
	}
	if some && !met {
		return fmt.Errorf("none of the photos of %s is in the dataset: they are compared by their bytes (photo_id)", file)
	}
	return nil
}

// Said is what a person says of a dress.
type Said struct {
	Judge string `json:"judge"`
	ID    string `json:"id"` // Item.ID
	Facet string `json:"facet"`
	Label string `json:"label"` // "" takes back what the judge said
	// New allows a label that the facet does not have yet.
	New bool `json:"new,omitempty"`
}

// Errors of what a client asks for wrongly, and of a dress that is not in the dataset.
var (
	ErrInvalid  = errors.New("invalid")
	ErrNotFound = errors.New("the dataset has no such photo, or not any more: load the page again")
	ErrReadOnly = errors.New("judgements cannot be kept")
)

// Judge keeps what a person says.
func (r *Review) Judge(said Said) error {
	id, ok := r.at[said.ID]
	if !ok {
		return ErrNotFound
	}
	if r.log == nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, r.readOnly)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	label, isNew := strings.Join(strings.Fields(said.Label), " "), false
	f := r.facet(said.Facet)
	if said.Facet != datasets.DressFacet {
		if f == nil {
			return fmt.Errorf("%w: there is no facet %q", ErrInvalid, said.Facet)
		}
		known := label == "" || label == datasets.Unseen
		if !known {
			if label, known = sameLabel(f.Labels, label); !known && !said.New {
				return fmt.Errorf("%w: %s has no label %.60q", ErrInvalid, said.Facet, label)
			}
		}
		if isNew = !known; isNew {
			if err := datasets.CheckNewLabel(label); err != nil {
				return fmt.Errorf("%w: %w", ErrInvalid, err)
			}
		}
	}
	e := &r.examples[id]
	j := datasets.Judgement{Time: time.Now().UTC().Truncate(time.Second), Judge: datasets.JudgeName(said.Judge), PhotoID: e.PhotoID, Box: e.Box, Facet: said.Facet, Label: label}
	if err := j.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := r.log.Append(j); err != nil { // which is on the disk before anybody sees it
		return err
	}
	_, wasNone, wasAtOdds := r.dress(id)
	r.judgements.Add(j)
	if isNew {
		f.Labels = append(f.Labels, label)
	}
	if _, none, atOdds := r.dress(id); none != wasNone || atOdds != wasAtOdds {
		clear(r.overviews) // of all facets
	}
	delete(r.overviews, said.Facet)
	return nil
}

// facet returns one by its name, nil if there is none.
func (r *Review) facet(name string) *catalog.Facet {
	i := slices.IndexFunc(r.facets, func(f catalog.Facet) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &r.facets[i]
}
