// Package quality is the web app in which people see what a model says of photos, and correct the labels: Review for
// programs, Server over HTTP with a page. The photos are a dataset's, and what people say is kept beside it
// (datasets.JudgementsFile), where every training reads it; or an index's, whose next night takes it (kleid index
// --judgements).
package quality

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kleid-search/kleid/datasets"
)

// Options say what is reviewed: a dataset or an index.
type Options struct {
	Dataset string // a folder or manifest on this machine, as datasets.Open reads it; a manifest may have no labels yet
	// Predictions is a table of what a model says of the photos (evaluation.ReadPredictions); "" for labels alone.
	Predictions string
	// Index is one whose labels are reviewed; nil for a dataset. Judgements is the file of this machine that then keeps what
	// people say; what is said of a dataset is kept beside it.
	Index      Index
	Judgements string
	Facets     []string              // those that are wanted; all that can be told as such by default
	Progress   func(done, total int) // of the photos
}

// Review is photos with what people and a model say of them. It is safe for concurrent use.
type Review struct {
	options  Options
	log      *datasets.JudgementLog // nil where nothing can be written
	readOnly error                  // why not

	mu         sync.RWMutex
	said       []datasets.Judgement // all that people said, in its order
	collection *collection          // of which the next run of an index takes the place
	judgements datasets.Judgements  // what was said of it
	strays     int
	overviews  map[string]FacetOverview // by facet, until somebody judges it
}

// Open reads a dataset or an index and opens its judgements, which no other program may add to until Close. Where they cannot
// be written to, the review can be looked at alone.
func Open(ctx context.Context, options Options) (*Review, error) {
	r := &Review{options: options}
	if err := r.open(); err != nil { // first, since photos take their time
		return nil, err
	}
	c, err := r.read(ctx)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.take(c)
	r.options.Progress = nil // which is of the start alone
	return r, nil
}

// open opens the judgements.
func (r *Review) open() (err error) {
	path := r.options.Judgements
	if r.options.Index == nil {
		if path, err = datasets.JudgementsPath(r.options.Dataset); err != nil {
			return err
		}
	}
	if r.log, r.said, err = datasets.OpenJudgements(path); errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		r.readOnly = err
		r.said, err = datasets.ReadJudgements(path)
	}
	return err
}

func (r *Review) read(ctx context.Context) (*collection, error) {
	if r.options.Index != nil {
		return readIndex(ctx, r.options)
	}
	return readDataset(ctx, r.options, r.said)
}

// take makes a collection what is reviewed.
func (r *Review) take(c *collection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collection, r.overviews = c, map[string]FacetOverview{}
	r.judgements, r.strays = c.judged(datasets.Standing(r.said)) // a label that was written wrongly and taken back is none
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

// Bad are the photos of a dataset that cannot be read, and its rows that make no sense or contradict others.
func (r *Review) Bad() []datasets.Bad {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.collection.bad
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

// Errors of what a client asks for wrongly, and of a photo that is not there.
var (
	ErrInvalid  = errors.New("invalid")
	ErrNotFound = errors.New("there is no such photo, or not any more: load the page again")
	ErrReadOnly = errors.New("judgements cannot be kept")
)

// Judge keeps what a person says.
func (r *Review) Judge(said Said) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.collection.at[said.ID]
	if !ok {
		return ErrNotFound
	}
	if r.log == nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, r.readOnly)
	}
	label, err := r.sayable(said)
	if err != nil {
		return err
	}
	d := &r.collection.dresses[at]
	j := datasets.Judgement{Time: time.Now().UTC().Truncate(time.Second), Judge: datasets.JudgeName(said.Judge), PhotoID: d.photoID, Box: d.box, Facet: said.Facet, Label: label}
	if err := j.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := r.log.Append(j); err != nil { // which is on the disk before anybody sees it
		return err
	}
	_, wasNone, wasAtOdds := r.dress(at)
	r.said = append(r.said, j)
	j.Label = r.collection.spelled(j.Facet, j.Label)
	r.judgements.Add(j)
	if _, none, atOdds := r.dress(at); none != wasNone || atOdds != wasAtOdds {
		clear(r.overviews) // of all facets
	}
	delete(r.overviews, said.Facet)
	return nil
}

// sayable is the label that a person says, as the facet spells it.
func (r *Review) sayable(said Said) (string, error) {
	label := strings.Join(strings.Fields(said.Label), " ")
	if said.Facet == datasets.DressFacet || label == "" || label == datasets.Unseen {
		return label, r.hasFacet(said.Facet)
	}
	if err := r.hasFacet(said.Facet); err != nil {
		return "", err
	}
	label, known := sameLabel(r.collection.facet(said.Facet).Labels, label)
	switch err := datasets.CheckNewLabel(label); {
	case known:
		return label, nil
	case !said.New:
		return "", fmt.Errorf("%w: %s has no label %.60q", ErrInvalid, said.Facet, label)
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return label, nil
}

func (r *Review) hasFacet(name string) error {
	if name != datasets.DressFacet && r.collection.facet(name) == nil {
		return fmt.Errorf("%w: there is no facet %q", ErrInvalid, name)
	}
	return nil
}
