package searcher

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// SimilarToItem finds what looks like a row of the index. The row's own product is no result, and its
// own labels filter nothing.
func (e *Engine) SimilarToItem(ctx context.Context, rowID string, request Request) (Answer, error) {
	return e.answer(ctx, request, func(p *pin, _ *Timing) (subject, error) {
		row, err := item(ctx, p, rowID)
		if err != nil {
			return subject{}, err
		}
		s := subjectOfRow(row)
		s.exclude = row.ProductID
		return s, nil
	})
}

// SimilarToProduct finds what looks like a product of the index, itself aside. A product is the mean
// direction of its photos, so that a single odd one does not decide; the photo that is nearest to it
// stands for the product in the answer's query, facets and box.
func (e *Engine) SimilarToProduct(ctx context.Context, productID string, request Request) (Answer, error) {
	return e.answer(ctx, request, func(p *pin, _ *Timing) (subject, error) {
		rows, err := p.index.ByProduct(ctx, productID)
		if err != nil {
			return subject{}, err
		}
		if len(rows) == 0 {
			return subject{}, failure(CodeUnknownProduct, "product %q is not in the index", productID)
		}
		var unsupervised, deepRank [][]float32
		for _, row := range rows {
			unsupervised, deepRank = append(unsupervised, row.EmbeddingUnsupervised), append(deepRank, row.EmbeddingDeepRank)
		}
		mean, first := middle(deepRank)
		s := subjectOfRow(rows[first])
		s.deepRank = mean
		s.unsupervised, _ = middle(unsupervised)
		s.exclude = productID
		return s, nil
	})
}

// middle returns the mean of unit vectors of one size and which of them is nearest to it. Where they
// cancel each other out, the mean is the first.
func middle(all [][]float32) (mean []float32, nearest int) {
	sum := make([]float64, len(all[0]))
	for _, v := range all {
		for i, x := range v {
			sum[i] += float64(x)
		}
	}
	best := math.Inf(-1)
	for n, v := range all {
		var product float64
		for i, x := range v {
			product += float64(x) * sum[i]
		}
		if product > best {
			best, nearest = product, n
		}
	}
	var length float64
	mean = make([]float32, len(sum))
	for i, x := range sum {
		mean[i] = float32(x / float64(len(all)))
		length += x * x
	}
	if math.Sqrt(length) < 1e-6*float64(len(all)) {
		return slices.Clone(all[0]), 0
	}
	return mean, nearest
}

// Item returns a row of the index, without embeddings.
func (e *Engine) Item(ctx context.Context, rowID string) (catalog.Row, error) {
	var row catalog.Row
	err := e.on(ctx, func(p *pin) (err error) {
		row, err = item(ctx, p, rowID)
		return err
	})
	return withoutEmbeddings(row), err
}

func item(ctx context.Context, p *pin, rowID string) (catalog.Row, error) {
	rows, err := p.index.Get(ctx, rowID)
	if errors.Is(err, vectors.ErrNotFound) {
		unknown := failure(CodeUnknownItem, "item %s is not in the index", rowID)
		unknown.Err = err
		return catalog.Row{}, unknown
	}
	if err != nil {
		return catalog.Row{}, err
	}
	return rows[0], nil
}

// Description is what an index holds.
type Description struct {
	Facets         []catalog.Facet `json:"facets" nullable:"false" doc:"What can be filtered by; labels in the order in which to show them"`
	Prices         bool            `json:"prices" doc:"Whether dresses can be filtered by price: some have one"`
	Photos         int             `json:"photos" doc:"Rows of the index"`
	EmbeddingModel string          `json:"embedding_model"`
	FacetModel     string          `json:"facet_model"`
	Run            string          `json:"run"`
}

// Describe returns what the current index holds.
func (e *Engine) Describe(ctx context.Context) (Description, error) {
	var d Description
	err := e.on(ctx, func(p *pin) error {
		count, err := p.index.Count(ctx)
		if err != nil {
			return err
		}
		prices, err := p.index.HasPrices(ctx)
		if err != nil {
			return err
		}
		d = Description{p.meta.Facets, prices, count, p.meta.EmbeddingModel, p.meta.FacetModel, p.meta.Run}
		return nil
	})
	return d, err
}

// sampleSize is how many rows Samples knows.
const sampleSize = 24

// Samples returns rows of different products to begin with, at most sampleSize: those of Options.Samples
// that are in the index, otherwise some spread over it, the same for the same index.
func (e *Engine) Samples(ctx context.Context, limit int) ([]catalog.Row, error) {
	var rows []catalog.Row
	err := e.on(ctx, func(p *pin) error {
		if err := inStore(ctx, e.options.StoreTimeout, p.sampling.take); err != nil {
			return err
		}
		defer p.sampling.leave()
		if p.samples == nil {
			samples, err := e.sample(ctx, p)
			if err != nil {
				return err
			}
			p.samples = samples
		}
		rows = p.samples[:max(0, min(limit, len(p.samples)))]
		return nil
	})
	return rows, err
}

// sample picks the rows. The store cannot list, but it can rank: the ranks of all products in an
// arbitrary direction are stepped through by the golden ratio, so that any number of them is spread evenly.
func (e *Engine) sample(ctx context.Context, p *pin) ([]catalog.Row, error) {
	rows := make([]catalog.Row, 0, sampleSize)
	for _, id := range e.options.Samples {
		row, err := item(ctx, p, id)
		var missing *Error
		if errors.As(err, &missing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, withoutEmbeddings(row))
	}
	if len(rows) > 0 {
		return rows[:min(len(rows), sampleSize)], nil
	}
	query := vectors.Query{Vector: direction(p.meta.DeepRankSize), Embedding: vectors.DeepRank, K: 1, OnePerProduct: true}
	taken := make(map[string]bool)
	total := 1
	for i := 0; i < sampleSize && i < total; i++ {
		query.Offset = i
		if total > sampleSize {
			_, share := math.Modf(float64(i) * math.Phi)
			query.Offset = int(share * float64(min(total, MaxK-1)))
		}
		result, err := p.index.Search(ctx, query)
		if err != nil {
			return nil, err
		}
		total = result.TotalMatches
		for _, m := range result.Matches {
			if !taken[m.Row.ProductID] {
				taken[m.Row.ProductID] = true
				rows = append(rows, withoutEmbeddings(m.Row))
			}
		}
	}
	return rows, nil
}
