package quality

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
)

// Item is a photo as to one facet.
type Item struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Product string `json:"product"`
	Title   string `json:"title,omitempty"` // of an index's photo: what people call it
	Link    string `json:"link,omitempty"`  // likewise, where more of it is seen: http:// or https://
	Facet   string `json:"facet"`
	// Label is what people say, or else what was imported; "" where it is not known, or they are at odds. In an index what
	// people said in nights before counts as imported.
	Label    string            `json:"label"`
	Imported string            `json:"imported,omitempty"`
	Votes    map[string]string `json:"votes,omitempty"`   // by judge
	AtOdds   bool              `json:"at_odds,omitempty"` // as many judges say one thing as another
	Unseen   bool              `json:"unseen,omitempty"`  // people say that it cannot be seen
	// NoDress says that the photo shows no dress, as people say or as was imported.
	NoDress    bool              `json:"no_dress,omitempty"`
	DressVotes map[string]string `json:"dress_votes,omitempty"` // by judge, as datasets.Judgements.DressVotes has them
	// What the model says; "" where it says nothing.
	Predicted     string             `json:"predicted,omitempty"`
	Probability   float32            `json:"probability,omitempty"`
	Probabilities map[string]float32 `json:"probabilities,omitempty"` // of all labels, or of the predicted one alone, as an index has it
	Set           evaluation.Set     `json:"set,omitempty"`

	indexed string // the label in the index, whoever gave it; "" of a dataset
}

// item is a photo as to one facet, but for its probabilities. It needs the lock.
func (r *Review) item(at int, f *facet) Item {
	d := &r.collection.dresses[at]
	e := d.example()
	i := Item{
		ID: d.id(), Name: d.name, Product: d.product, Title: d.title, Link: d.link, Facet: f.Name,
		Imported: f.label(f.given[at]), Predicted: f.label(f.predicted[at]), Probability: f.probability[at],
	}
	if f.sets != nil {
		i.Set = f.sets[at]
	}
	if r.collection.run != "" {
		i.indexed = cmp.Or(i.Predicted, i.Imported)
	}
	i.Label = i.Imported
	if i.Votes = r.judgements.Votes(&e, f.Name, d.alone); len(i.Votes) > 0 {
		label, ok := datasets.Majority(i.Votes)
		i.Label, i.AtOdds, i.Unseen = label, !ok, ok && label == datasets.Unseen
		if !ok || i.Unseen {
			i.Label = ""
		}
	}
	votes, noDress, atOdds := r.dress(at)
	if i.DressVotes, i.NoDress = votes, noDress; noDress {
		i.Label, i.AtOdds = "", false
	}
	i.AtOdds = i.AtOdds || atOdds
	return i
}

// dress is what judges say of whether a photo shows a dress, and what follows. It needs the lock.
func (r *Review) dress(at int) (votes map[string]string, noDress, atOdds bool) {
	d := &r.collection.dresses[at]
	e := d.example()
	votes, counted := r.judgements.DressVotes(&e, d.alone)
	if len(counted) == 0 { // as of nearly all
		return votes, d.noDress, false
	}
	label, ok := datasets.Majority(counted)
	if !ok {
		return votes, d.noDress, true
	}
	return votes, label == datasets.NoDress, false
}

// whole is a photo as to one facet. It needs the lock.
func (r *Review) whole(at int, f *facet) Item {
	i := r.item(at, f)
	i.Probabilities = f.probabilitiesOf(at)
	return i
}

// Item is how a photo stands as to a facet.
func (r *Review) Item(id, name string) (Item, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	at, ok := r.collection.at[id]
	if !ok {
		return Item{}, ErrNotFound
	}
	f := r.collection.facet(name)
	if f == nil {
		return Item{}, fmt.Errorf("%w: there is no facet %q", ErrInvalid, name)
	}
	return r.whole(at, f), nil
}

// Show is which photos are asked for.
type Show string

// The choices.
const (
	ShowAll        Show = "all"
	ShowDisagree   Show = "disagree"   // the model says another label than people, or the index has another one
	ShowUnlabelled Show = "unlabelled" // nobody has said which label
	ShowLabelled   Show = "labelled"   // somebody has
	ShowAtOdds     Show = "at_odds"    // as many judges for one label as for another
	ShowNoDress    Show = "no_dress"   // people say that there is none
	ShowMissed     Show = "missed"     // labelled, and the model says nothing: it found no dress, perhaps
	ShowSecond     Show = "second"     // others have judged, this judge has not
	ShowMine       Show = "mine"       // this judge has judged
)

var shows = []Show{ShowAll, ShowDisagree, ShowUnlabelled, ShowLabelled, ShowAtOdds, ShowNoDress, ShowMissed, ShowSecond, ShowMine}

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
// (https://arxiv.org/abs/1911.00068). Labels that people gave come behind those that nobody has looked at, and photos without
// a label last, first those of which the model is least sure. Of an index these are all but those that people gave a label,
// which come last.
func (r *Review) Find(q Query) (Page, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f := r.collection.facet(q.Facet)
	if f == nil {
		return Page{}, fmt.Errorf("%w: there is no facet %q", ErrInvalid, q.Facet)
	}
	if q.Show = cmp.Or(q.Show, ShowAll); !slices.Contains(shows, q.Show) {
		return Page{}, fmt.Errorf("%w: show is %q, but must be one of %v", ErrInvalid, q.Show, shows)
	}
	type place struct {
		at    int
		doubt float32
	}
	var found []place
	for at := range r.collection.dresses {
		if i := r.item(at, f); q.wants(&i) {
			found = append(found, place{at, r.doubt(&i)})
		}
	}
	slices.SortFunc(found, func(a, b place) int { return cmp.Or(cmp.Compare(b.doubt, a.doubt), cmp.Compare(a.at, b.at)) })
	page := Page{Total: len(found), Items: []Item{}}
	begin := min(max(q.Offset, 0), len(found))
	for _, p := range found[begin:min(begin+max(q.Limit, 0), len(found))] {
		page.Items = append(page.Items, r.whole(p.at, f))
	}
	return page, nil
}

func (q *Query) wants(i *Item) bool {
	var wanted bool
	switch q.Show {
	case ShowAll:
		wanted = true
	case ShowDisagree:
		other := cmp.Or(i.indexed, i.Predicted)
		wanted = i.Label != "" && other != "" && i.Label != other
	case ShowUnlabelled:
		wanted = i.Label == "" && len(i.Votes) == 0 && !i.NoDress
	case ShowLabelled:
		wanted = i.Label != ""
	case ShowAtOdds:
		wanted = i.AtOdds
	case ShowNoDress:
		wanted = i.NoDress
	case ShowMissed:
		wanted = i.Label != "" && i.Predicted == ""
	case ShowSecond:
		judged := i.Votes
		if i.NoDress { // which has no label to be judged
			judged = i.DressVotes
		}
		wanted = len(judged) > 0 && of(q.Judge, judged) == "" && of(q.Judge, i.DressVotes) != datasets.NoDress
	case ShowMine:
		wanted = of(q.Judge, i.Votes) != "" || of(q.Judge, i.DressVotes) != ""
	}
	return wanted && (q.Label == "" || i.Label == q.Label) && (q.Predicted == "" || i.Predicted == q.Predicted) && (q.Set == "" || i.Set == q.Set)
}

// of is what a judge voted for, "" where they did not.
func of(judge string, votes map[string]string) string {
	for name, vote := range votes {
		if datasets.SameJudge(name, judge) {
			return vote
		}
	}
	return ""
}

// doubt is how sure the model is that the label is another one, less 1 where people have judged it, and -1 where it is not.
// Where nobody has said one it is less than that, and the more the less sure the model is: what people say of such photos
// teaches most (uncertainty sampling, https://arxiv.org/abs/cmp-lg/9407020).
func (r *Review) doubt(i *Item) float32 {
	answered := len(i.Votes) > 0
	switch {
	case r.collection.run != "" && !i.AtOdds && (i.Label != "" || answered || i.NoDress):
		return -3
	case i.Label == "" && !answered && i.Predicted == "":
		return -2
	case i.Label == "" && !answered:
		return -1 - i.Probability
	case i.Label == "" || i.Predicted == "" || i.Label == i.Predicted:
		return -1
	case answered:
		return i.Probability - 1
	}
	return i.Probability
}
