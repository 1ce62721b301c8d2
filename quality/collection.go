package quality

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/photo"
)

// collection is photos with what was said of them before anybody judged them here: those of a dataset, by its labels and a
// table of predictions, or those of an index, by its rows. Nobody changes it, but that facets get labels.
type collection struct {
	name    string // for people
	run     string // of the index; "" is a dataset
	made    time.Time
	model   string // fingerprint of what predicted; "" where nobody says
	dresses []dress
	at      map[string]int // dresses by their ids
	facets  []facet
	bad     []datasets.Bad // photos that cannot be read, and rows that make no sense, of a dataset
	badRows int            // rows of an index of photos that cannot be read
	apart   bool           // some predictions are of photos that the model has not learned from
	// read gives the bytes of a dress's photo, or of a small copy of it. It may be called by several at once.
	read func(ctx context.Context, d *dress) ([]byte, error)
}

// dress is a photo, or one of several dresses in it.
type dress struct {
	photoID       string
	box           *photo.Box // nil where it is not known
	name, product string
	path          string // of the file, in a dataset
	title, link   string // in an index: for people, and where they see more of it; "" where there is none
	width         int    // of the photo in pixels, where what is read may be a small copy; 0 where it is not
	alone         bool   // its photo has no other
	noDress       bool   // it is known to be none
}

// id is what a dress shows, not where it stands, so that a page of before a restart judges no other one.
func (d *dress) id() string {
	if d.alone || d.box == nil {
		return d.photoID
	}
	return fmt.Sprintf("%s.%d-%d-%d-%d", d.photoID, d.box.XMin, d.box.YMin, d.box.XMax, d.box.YMax)
}

// example is the dress as judgements know it.
func (d *dress) example() datasets.Example {
	return datasets.Example{PhotoID: d.photoID, Box: d.box}
}

// facet has the labels of each dress in a slice, by its place in the collection: there may be some hundred thousand.
type facet struct {
	catalog.Facet
	given       []number // what was imported into a dataset, or what people say in an index
	predicted   []number
	probability []float32 // of the label that is predicted
	// What a table of predictions says more, nil without one: of all labels, in their order, and what the photo was for.
	probabilities [][]float32
	sets          []evaluation.Set
}

// number is that of a label in its facet, from 1; 0 is none.
type number int32

// newFacet makes one of which nothing is known of some dresses, with room for more.
func newFacet(f catalog.Facet, dresses, room int) facet {
	f.Labels = slices.Clone(f.Labels) // of its own, since there may come more
	return facet{Facet: f, given: make([]number, dresses, room), predicted: make([]number, dresses, room), probability: make([]float32, dresses, room)}
}

// numberOf is the number of a label, however it is spelled, 0 where the facet does not have it.
func (f *facet) numberOf(label string) number {
	if known, ok := sameLabel(f.Labels, label); ok && label != "" {
		return number(slices.Index(f.Labels, known) + 1)
	}
	return 0
}

func (f *facet) label(n number) string {
	if n == 0 {
		return ""
	}
	return f.Labels[n-1]
}

// probabilitiesOf are those that are known of a dress's labels: of the most likely one alone in an index.
func (f *facet) probabilitiesOf(at int) map[string]float32 {
	switch {
	case f.predicted[at] == 0:
		return nil
	case f.probabilities == nil:
		return map[string]float32{f.label(f.predicted[at]): f.probability[at]}
	}
	all := map[string]float32{}
	for i, p := range f.probabilities[at] {
		all[f.Labels[i]] = p
	}
	return all
}

// facet returns one by its name, nil if there is none.
func (c *collection) facet(name string) *facet {
	i := slices.IndexFunc(c.facets, func(f facet) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &c.facets[i]
}

// spelled is a label as its facet has it, which gets it where it does not. What was taken back, or cannot be seen, is none.
func (c *collection) spelled(name, label string) string {
	f := c.facet(name)
	if f == nil || label == "" || label == datasets.Unseen {
		return label
	}
	label, known := sameLabel(f.Labels, label)
	if !known {
		f.Labels = append(f.Labels, label)
	}
	return label
}

// judged are what people say of the dresses, in the spelling of the facets, and of how many photos they say something that
// is of none of them.
func (c *collection) judged(all []datasets.Judgement) (js datasets.Judgements, strays int) {
	var examples []datasets.Example // of what was judged
	ofPhoto, elsewhere := map[string]bool{}, map[string]bool{}
	for _, j := range all {
		if c.isElsewhere(j) {
			elsewhere[j.PhotoID] = true
			continue
		}
		ofPhoto[j.PhotoID] = true
		j.Label = c.spelled(j.Facet, j.Label)
		js.Add(j)
	}
	for i := range c.dresses {
		if ofPhoto[c.dresses[i].photoID] {
			examples = append(examples, c.dresses[i].example())
		}
	}
	js.Match(examples)
	return js, js.Strays(examples) + len(elsewhere)
}

// isElsewhere says whether a judgement is of another dress of a photo than the one that an index has of it, so that kleid
// index --judgements leaves it out. What was said of a dataset's only box in a photo is of that, wherever it is now.
func (c *collection) isElsewhere(j datasets.Judgement) bool {
	at, ok := c.at[j.PhotoID]
	return c.run != "" && ok && c.dresses[at].box != nil && !j.IsOf(*c.dresses[at].box)
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
