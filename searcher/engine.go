package searcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

// Engine searches the current index of a store, without HTTP. It is safe for concurrent use. Errors are
// of type *Error where whoever asked can do something about them.
type Engine struct {
	options Options
	model   catalog.Metadata
	pins    pins
	lane    *lane
	recent  *recent
}

// NewEngine opens the store's current index; that there is none yet is no error. It returns an *Error
// with CodeWrongModel when the index was made with another model than the embedder's. Close the engine
// before the store.
func NewEngine(ctx context.Context, options Options) (*Engine, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	e := &Engine{
		options: options,
		model:   options.Embedder.Metadata(),
		pins:    pins{limit: options.StoreTimeout, refreshing: newTurn()},
		recent:  newRecent(options.Recent),
	}
	e.lane = &lane{look: e.look, places: options.Embeds, queue: options.Queue}
	if _, err := e.Refresh(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// Refresh looks for a newly published index and changes over to it. Searches under way finish on the
// one they began with. An index that cannot be served is reported once and leaves the former in place.
func (e *Engine) Refresh(ctx context.Context) (changed bool, err error) {
	changed, err = e.pins.refresh(ctx, e.options.Store, e.model)
	if changed {
		e.warnOfFacets()
		e.warnOfHidden(ctx)
	}
	return changed, err
}

// warnOfFacets says that the labels of the index, by which it is filtered, are not of the model that names a photo's.
func (e *Engine) warnOfFacets() {
	current, release, err := e.pins.acquire()
	if err != nil {
		return // searches say why
	}
	defer release()
	if of := current.meta.FacetModel; of != e.model.FacetModel {
		e.options.Logger.Warn("the index was labelled by other facet heads than those that name the facets of photos: index again with this model, or search with that one",
			"index", of, "model", e.model.FacetModel, "run", current.meta.Run)
	}
}

// lookTimeout is how long Watch looks for a new index, which may be opened meanwhile.
const lookTimeout = 30 * time.Second

// Watch refreshes every Options.Poll until the context is done. A Server does so by itself.
func (e *Engine) Watch(ctx context.Context) {
	ticker := time.NewTicker(e.options.Poll)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		looking, cancel := context.WithTimeout(ctx, lookTimeout)
		changed, err := e.Refresh(looking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && err.Error() != said:
			// A store that is away is reported when it goes, not at every look.
			said = err.Error()
			e.options.Logger.Error("no new index", "error", err)
		case err == nil:
			said = ""
		}
		if changed {
			e.options.Logger.Info("a new index is served", "run", e.Run())
		}
	}
}

// Run names the index that is served, "" if there is none.
func (e *Engine) Run() string {
	current, release, err := e.pins.acquire()
	if err != nil {
		return ""
	}
	defer release()
	return current.meta.Run
}

// Close lets go of the index, once the searches under way are done with it. The store stays open.
func (e *Engine) Close() error { return e.pins.close() }

// on runs f with the current index pinned. A store may drop an index before the searcher has noticed
// the next one: when f fails on an index that is not the published one any more, it runs again on that.
func (e *Engine) on(ctx context.Context, f func(*pin) error) error {
	var tried *pin // nil where there was none
	once := func(again bool) error {
		current, release, err := e.pins.acquire()
		if err != nil {
			return known(err)
		}
		defer release()
		if again && current == tried {
			return errSame
		}
		tried = current
		return known(f(current))
	}
	err := once(false)
	var told *Error
	if err == nil || ctx.Err() != nil || errors.Is(err, errClosed) || (errors.As(err, &told) && told.Code != CodeNoIndex) {
		return err
	}
	// Whether it is this refresh that changes the index or one beside it does not matter.
	refreshErr := inStore(ctx, e.options.StoreTimeout, func(ctx context.Context) error {
		_, err := e.Refresh(ctx)
		return err
	})
	switch {
	case errors.As(refreshErr, &told):
		return refreshErr // the new index is there and cannot be served, or the store is away
	case refreshErr != nil:
		return errors.Join(err, refreshErr)
	}
	if secondErr := once(true); !errors.Is(secondErr, errSame) {
		return secondErr
	}
	return err
}

// errSame says that there is no other index to try.
var errSame = errors.New("the same index")

// SearchPhoto searches with the bytes of a photo file. A photo without a dress is no error: the answer
// has catalog.StatusNoDress and no results.
func (e *Engine) SearchPhoto(ctx context.Context, data []byte, request Request) (Answer, error) {
	return e.answer(ctx, request, func(p *pin, timing *Timing) (subject, error) {
		s, err := e.see(ctx, data, request.Box, timing)
		if err != nil {
			return subject{}, err
		}
		return e.subjectOf(s), nil
	})
}

// SearchPhotoID searches with a photo that was searched with lately or is in the index, by its
// photo.ID. Only the former can have another box.
func (e *Engine) SearchPhotoID(ctx context.Context, photoID string, request Request) (Answer, error) {
	return e.answer(ctx, request, func(p *pin, _ *Timing) (subject, error) {
		if s, ok := e.recent.get(newSeenKey(photoID, request.Box)); ok {
			return e.subjectOf(s), nil
		}
		if request.Box != nil {
			return subject{}, failure(CodeUnknownPhoto, "photo %s was not searched with lately: to search with a box of your own, send the photo", photoID)
		}
		rows, err := p.index.ByPhoto(ctx, photoID)
		if err != nil {
			return subject{}, err
		}
		if len(rows) == 0 {
			return subject{}, failure(CodeUnknownPhoto, "photo %s is not in the index and was not searched with lately: send the photo", photoID)
		}
		s := subjectOfRow(rows[0])
		// The photo is meant, not one of the products that show it.
		s.query.RowID, s.query.ProductID, s.query.Title = "", "", ""
		return s, nil
	})
}

// SearchVector searches with a vector of the size of the request's embedding and of any length but 0.
func (e *Engine) SearchVector(ctx context.Context, vector []float32, request Request) (Answer, error) {
	return e.answer(ctx, request, func(*pin, *Timing) (subject, error) {
		return subject{status: catalog.StatusOK, unsupervised: vector, deepRank: vector}, nil
	})
}

// subject is what is searched with.
type subject struct {
	status       catalog.Status
	query        Queried
	exclude      string // a product
	unsupervised []float32
	deepRank     []float32
	facets       map[string]Facet
	colours      []catalog.Colour
	box          *catalog.Box
	confidence   float32
	candidates   []Candidate
	facetModel   string
}

func (s subject) vector(e vectors.Embedding) []float32 {
	if e == vectors.Unsupervised {
		return s.unsupervised
	}
	return s.deepRank
}

// subjectOf describes a photo as the model saw it.
func (e *Engine) subjectOf(s seen) subject {
	to := subject{
		status:       s.photo.Status,
		query:        Queried{PhotoID: s.photoID, Width: s.width, Height: s.height},
		unsupervised: s.photo.Unsupervised,
		deepRank:     s.photo.DeepRank,
		facetModel:   e.model.FacetModel,
	}
	if s.photo.Status != catalog.StatusOK {
		return to
	}
	to.box, to.confidence = boxOf(s.photo.Box), s.photo.BoxConfidence
	to.colours = s.photo.Colours
	for _, c := range s.photo.Candidates {
		to.candidates = append(to.candidates, Candidate{*boxOf(c.Box), c.Confidence})
	}
	to.facets = make(map[string]Facet, len(s.photo.Facets))
	for _, p := range s.photo.Facets {
		to.facets[p.Name] = e.facetOf(p)
	}
	return to
}

func (e *Engine) facetOf(p embedding.Prediction) Facet {
	f := Facet{Label: p.Label, Probability: p.Probability, Source: catalog.Predicted, Confident: &p.Confident}
	if labels := labelsOf(e.model.Facets, p.Name); len(labels) == len(p.Probabilities) {
		f.Labels, f.Probabilities = labels, make(map[string]float32, len(labels))
		for i, label := range labels {
			f.Probabilities[label] = p.Probabilities[i]
		}
	}
	return f
}

// subjectOfRow describes a row as the index has it. The row's product is not excluded.
func subjectOfRow(row catalog.Row) subject {
	s := subject{
		status: catalog.StatusOK,
		query: Queried{
			PhotoID: row.PhotoID, RowID: row.RowID, ProductID: row.ProductID, Title: row.Title,
			Width: int(row.Width), Height: int(row.Height),
		},
		unsupervised: row.EmbeddingUnsupervised,
		deepRank:     row.EmbeddingDeepRank,
		box:          row.Box,
		confidence:   row.BoxConfidence,
		facetModel:   row.FacetModel,
		colours:      row.Colours,
		facets:       make(map[string]Facet, len(row.Facets)),
	}
	if row.Box != nil {
		s.candidates = []Candidate{{*row.Box, row.BoxConfidence}}
	}
	for name, value := range row.Facets {
		s.facets[name] = Facet{Label: value.Label, Probability: value.Probability, Source: value.Source}
	}
	return s
}

func boxOf(b photo.Box) *catalog.Box {
	return new(embedding.RowBox(b))
}

// answer finds out what is searched with, on a pinned index, and searches that index with it.
func (e *Engine) answer(ctx context.Context, request Request, find func(*pin, *Timing) (subject, error)) (Answer, error) {
	if err := request.complete(); err != nil {
		return Answer{}, err
	}
	begun := time.Now()
	var answer Answer
	err := e.on(ctx, func(p *pin) error {
		// A wrong filter is told before a photo is looked at.
		if err := errors.Join(request.Where.Check(p.meta), facetsCheck(request.Ignore, p.meta)); err != nil {
			return err
		}
		var timing Timing
		s, err := find(p, &timing)
		if err != nil {
			return err
		}
		answer, err = e.search(ctx, p, s, request, timing)
		return err
	})
	answer.Timing.Total = since(begun)
	return answer, err
}

func (e *Engine) search(ctx context.Context, p *pin, s subject, request Request, timing Timing) (Answer, error) {
	a := Answer{
		Status: s.status, Results: []Result{}, Exact: true, Complete: true,
		K: request.K, Offset: request.Offset, OnePerProduct: !request.EveryPhoto,
		Embedding: request.Embedding, Where: request.Where, Price: request.Price,
		Query: s.query, Facets: s.facets, Colours: s.colours, Box: s.box, BoxConfidence: s.confidence, Candidates: s.candidates,
		EmbeddingModel: p.meta.EmbeddingModel, FacetModel: s.facetModel, Run: p.meta.Run, Timing: timing,
	}
	if a.FacetModel == "" {
		a.FacetModel = p.meta.FacetModel
	}
	if s.status != catalog.StatusOK {
		a.Note = "no dress was found in the photo"
		return a, nil
	}
	query := vectors.Query{
		Vector: s.vector(request.Embedding), Embedding: request.Embedding, Where: request.Where, Price: request.Price,
		K: request.K, Offset: request.Offset,
		OnePerProduct: !request.EveryPhoto, ExcludeProduct: s.exclude,
	}
	if err := query.Check(p.meta); err != nil {
		return Answer{}, err
	}
	if ignorer, ok := e.options.Embedder.(Ignorer); ok && len(request.Ignore) > 0 {
		var err error
		if query.Vector, a.Ignored, err = ignorer.Ignore(string(request.Embedding), query.Vector, request.Ignore); err != nil {
			return Answer{}, err
		}
	}
	for _, facet := range request.Ignore {
		if !slices.Contains(a.Ignored, facet) {
			a.NotIgnored = append(a.NotIgnored, facet)
		}
	}
	query.Vector = vectors.Unit(query.Vector)
	begun := time.Now()
	result, err := p.index.Search(ctx, query)
	if err != nil {
		return Answer{}, err
	}
	a.Timing.Search = since(begun)
	for _, m := range result.Matches {
		a.Results = append(a.Results, Result{withoutEmbeddings(m.Row), m.Similarity})
	}
	a.TotalMatches, a.Exact = result.TotalMatches, result.Exact
	a.Complete = request.Offset+len(a.Results) >= result.TotalMatches
	a.Note = note(a)
	return a, nil
}

// facetsCheck returns a *vectors.FilterError for the first of some facets that an index does not have.
func facetsCheck(facets []string, meta catalog.Metadata) error {
	for _, name := range facets {
		if labelsOf(meta.Facets, name) == nil {
			return vectors.Filter{name: nil}.Check(meta)
		}
	}
	return nil
}

// note says in words why there are fewer results than were asked for.
func note(a Answer) string {
	unit := "dresses match"
	switch {
	case !a.OnePerProduct && a.TotalMatches == 1:
		unit = "photo matches"
	case !a.OnePerProduct:
		unit = "photos match"
	case a.TotalMatches == 1:
		unit = "dress matches"
	}
	switch {
	case a.TotalMatches == 0 && (len(a.Where) > 0 || a.Price.Restricts()):
		return "nothing matches: loosen the filter"
	case a.TotalMatches == 0:
		return "there is nothing to compare with in the index"
	case a.Offset >= a.TotalMatches:
		return fmt.Sprintf("only %d %s: the offset of %d is beyond that", a.TotalMatches, unit, a.Offset)
	case a.Offset+a.K > a.TotalMatches:
		return fmt.Sprintf("only %d %s", a.TotalMatches, unit)
	}
	return ""
}

func withoutEmbeddings(row catalog.Row) catalog.Row {
	row.EmbeddingUnsupervised, row.EmbeddingDeepRank = nil, nil
	return row
}
