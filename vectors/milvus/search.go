package milvus

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/kleid-search/kleid/vectors"
)

// maxHits is how many rows Milvus returns at most.
const maxHits = 16384

func (x *index) Search(ctx context.Context, q vectors.Query) (vectors.Result, error) {
	if err := q.Check(x.metadata); err != nil {
		return vectors.Result{}, err
	}
	if q.Price.Restricts() && !x.priced {
		return vectors.Result{}, vectors.ErrNoPriceFilter
	}
	q.ExcludeProduct = vectors.CleanID(q.ExcludeProduct)
	result := vectors.Result{Matches: []vectors.Match{}, Exact: x.kinds[q.Embedding] == entity.Flat}
	filter, possible := filterExpression(q.Where)
	if !possible {
		return result, nil
	}
	filter = allOf(filter, priceExpression(q.Price))
	var err error
	if result.TotalMatches, err = x.total(ctx, q, filter); err != nil {
		return vectors.Result{}, err
	}
	wanted := result.TotalMatches
	if q.Offset >= wanted || q.K == 0 {
		return result, nil
	}
	wanted = q.Offset + min(q.K, wanted-q.Offset)
	if wanted > maxHits {
		return vectors.Result{}, &vectors.QueryError{Message: fmt.Sprintf("offset and k reach match %d, Milvus gives the first %d: filter more", wanted, maxHits)}
	}
	if q.ExcludeProduct != "" {
		filter = allOf(filter, isNotIn(fieldProductID, []string{q.ExcludeProduct}))
	}
	s := &search{index: x, unit: vectors.Unit(q.Vector), embedding: q.Embedding, filter: filter, rowCount: -1, exact: result.Exact}
	var hits []hit
	if q.OnePerProduct {
		hits, err = s.products(ctx, wanted)
	} else {
		s.rowCount = result.TotalMatches
		hits, err = s.rows(ctx, wanted)
	}
	if err != nil {
		return vectors.Result{}, err
	}
	result.Exact = s.exact
	hits = hits[min(q.Offset, len(hits)):min(wanted, len(hits))]
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = h.rowID
	}
	rows, err := x.withoutEmbeddings(ctx, ids)
	if err != nil {
		return vectors.Result{}, err
	}
	for i, row := range rows {
		result.Matches = append(result.Matches, vectors.Match{Row: row, Similarity: hits[i].similarity})
	}
	return result, nil
}

// hit is a row that was found.
type hit struct {
	rowID, productID string
	similarity       float32
}

func compareHits(a, b hit) int {
	return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(a.rowID, b.rowID))
}

// search is one search, which takes as many requests as it needs.
type search struct {
	*index
	unit      []float32
	embedding vectors.Embedding
	filter    string
	rowCount  int  // how many rows pass the filter; -1 where that is not known yet
	exact     bool // whether what was found is what an exhaustive search finds
}

// graph says whether the server searches through a graph, which may miss rows.
func (s *search) graph() bool { return s.kinds[s.embedding] == entity.HNSW }

// rows returns at least n hits in order, of which there are that many; fewer only where a graph does not find them
// among more than mostRows. The server cuts rows of equal similarity as it likes, so more are asked for until the last
// of them are not needed.
func (s *search) rows(ctx context.Context, n int) ([]hit, error) {
	for limit := min(n+16, maxHits); ; limit = min(4*limit, maxHits) {
		hits, err := s.nearest(ctx, s.filter, limit)
		if err != nil {
			return nil, err
		}
		switch missed := len(hits) < min(limit, s.rowCount); {
		case missed && (s.rowCount <= s.fewRows || len(hits) < n && limit == maxHits && s.rowCount <= s.mostRows):
			return s.exhaustive(ctx)
		case missed && len(hits) < n && limit < maxHits: // the graph is searched more widely for more
		case len(hits) < limit || hits[n-1].similarity > hits[limit-1].similarity:
			return hits, nil
		case limit == maxHits:
			s.exact = false // of rows that are equally near the server chose
			return hits, nil
		}
	}
}

// products is rows for products: it returns the nearest row of each of at least n of them, in order.
// Each request leaves out the products that are found already. Where the graph missed rows, a wider search begins anew:
// what it finds may be nearer than what was found, of any product.
func (s *search) products(ctx context.Context, n int) ([]hit, error) {
	found := make(firsts)
	for limit := min(3*n+16, maxHits); ; limit = min(4*limit, maxHits) {
		filter := s.filter
		if len(found) > 0 {
			filter = allOf(filter, isNotIn(fieldProductID, slices.Sorted(maps.Keys(found))))
		}
		hits, err := s.nearest(ctx, filter, limit)
		if err != nil {
			return nil, err
		}
		if len(hits) == limit {
			if found.add(s.withoutLastTie(hits)); len(found) >= n {
				return found.inOrder(), nil
			}
			continue
		}
		all, err := s.gotAll(ctx, hits, len(found) == 0)
		if err != nil {
			return nil, err
		}
		found.add(hits)
		switch {
		case all:
			return found.inOrder(), nil
		case s.rowCount <= s.fewRows || len(found) < n && limit == maxHits && s.rowCount <= s.mostRows:
			hits, err = s.exhaustive(ctx)
			clear(found)
			found.add(hits)
			return found.inOrder(), err
		case len(found) >= n || limit == maxHits:
			return found.inOrder(), nil
		}
		clear(found)
	}
}

// gotAll says whether fewer hits than were asked for are all there are.
func (s *search) gotAll(ctx context.Context, hits []hit, first bool) (bool, error) {
	if !s.graph() {
		return true, nil
	}
	rows, err := s.passing(ctx)
	return first && len(hits) == rows, err
}

// firsts are the nearest hits that were found of each product.
type firsts map[string]hit

func (f firsts) add(hits []hit) {
	for _, h := range hits {
		if other, ok := f[h.productID]; !ok || compareHits(h, other) < 0 {
			f[h.productID] = h
		}
	}
}

func (f firsts) inOrder() []hit { return slices.SortedFunc(maps.Values(f), compareHits) }

// withoutLastTie leaves out the hits as near as the last one, of which there may be more than were
// returned, unless there would be nothing left.
func (s *search) withoutLastTie(hits []hit) []hit {
	last := hits[len(hits)-1].similarity
	n := len(hits)
	for n > 0 && hits[n-1].similarity == last {
		n--
	}
	if n == 0 && len(hits) == maxHits {
		s.exact = false // the server chose
		return hits
	}
	return hits[:n]
}

// nearest asks the server for the nearest rows, at most limit of them, and puts them in order.
func (s *search) nearest(ctx context.Context, filter string, limit int) (hits []hit, err error) {
	parameters, err := s.parameters(limit)
	if err != nil {
		return nil, err
	}
	err = s.loaded(ctx, func() error {
		results, err := s.client.Search(ctx, s.collection, nil, s.expression(filter), []string{fieldProductID},
			[]entity.Vector{entity.FloatVector(s.unit)}, vectorField(s.embedding), entity.COSINE, limit, parameters)
		if err != nil || len(results) == 0 {
			return err
		}
		result := results[0]
		if result.Err != nil {
			return result.Err
		}
		n := len(result.Scores)
		products, err := texts(result.Fields, fieldProductID, n)
		if err != nil {
			return err
		}
		ids, ok := result.IDs.(*entity.ColumnVarChar)
		if !ok || len(ids.Data()) != n {
			return fmt.Errorf("Milvus: the reply does not have %d row ids", n)
		}
		hits = make([]hit, n)
		for i := range hits {
			hits[i] = hit{ids.Data()[i], products[i], similarity(result.Scores[i])}
		}
		return nil
	})
	slices.SortFunc(hits, compareHits)
	return hits, err
}

// similarity rounds a score to a multiple of 2^-20, so that equal vectors have equal similarities
// whatever the server's order of summation, and keeps it within -1..1.
func similarity(score float32) float32 {
	const steps = 1 << 20
	return min(max(float32(math.Round(float64(score)*steps)/steps), -1), 1)
}

func (s *search) parameters(limit int) (entity.SearchParam, error) {
	if s.graph() {
		return entity.NewIndexHNSWSearchParam(max(limit, min(2*limit, 32768), 128))
	}
	return entity.NewIndexFlatSearchParam()
}
