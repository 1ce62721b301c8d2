package embedded

import (
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/kleid-search/kleid/compute/kernels"
	"github.com/kleid-search/kleid/vectors"
)

func (x *index) Search(ctx context.Context, q vectors.Query) (vectors.Result, error) {
	if err := q.Check(x.manifest.Metadata); err != nil {
		return vectors.Result{}, err
	}
	if q.Price.Restricts() && x.manifest.Currencies == nil {
		return vectors.Result{}, vectors.ErrNoPriceFilter
	}
	release, err := x.use()
	if err != nil {
		return vectors.Result{}, err
	}
	defer release()
	embedding := x.unsupervised
	if q.Embedding == vectors.DeepRank {
		embedding = x.deepRank
	}
	rows, unit := x.candidates(q), vectors.Unit(q.Vector)
	total := rows.len()
	pick := hitList.nearest
	if q.OnePerProduct {
		total = x.countProducts(rows)
		pick = func(h hitList, offset, k int) []hit {
			return h.nearestOfEach(x.rowProducts, x.manifest.Products, offset, k)
		}
	}
	if embedding.codes.bytes != nil && kernels.Active() != kernels.Portable { // in plain Go, floats are quicker
		rows, err = embedding.shortlist(ctx, unit, rows, func(h hitList) []hit { return pick(h, 0, toRank(q.Offset, q.K, total)) })
		if err != nil {
			return vectors.Result{}, err
		}
	}
	similarities, err := embedding.cosines(ctx, unit, rows)
	if err != nil {
		return vectors.Result{}, err
	}
	picked := pick(hitList{rows, similarities}, q.Offset, q.K)
	result := vectors.Result{Matches: make([]vectors.Match, len(picked)), TotalMatches: total, Exact: true}
	for i, h := range picked {
		row, err := x.row(h.row)
		if err != nil {
			return vectors.Result{}, err
		}
		result.Matches[i] = vectors.Match{Row: row, Similarity: h.similarity}
	}
	return result, nil
}

// selection is the rows to look at: all of the first n, or those listed, in order.
type selection struct {
	all    bool
	n      int
	listed []uint32
}

func (s selection) len() int {
	if s.all {
		return s.n
	}
	return len(s.listed)
}

func (s selection) at(i int) uint32 {
	if s.all {
		return uint32(i)
	}
	return s.listed[i]
}

// candidates returns the rows that pass the query's filters.
func (x *index) candidates(q vectors.Query) selection {
	var passing *roaring.Bitmap // nil: all
	first := 0                  // number of the facet's first bitmap
	for _, facet := range x.manifest.Metadata.Facets {
		if labels, ok := q.Where[facet.Name]; ok {
			allowed := roaring.New()
			for i, label := range facet.Labels {
				if slices.Contains(labels, label) {
					allowed.Or(x.bitmaps[first+i])
				}
			}
			if passing == nil {
				passing = allowed
			} else {
				passing.And(allowed)
			}
		}
		first += len(facet.Labels)
	}
	if q.Price.Restricts() {
		within := x.prices.within(q.Price)
		if passing != nil {
			within.And(passing)
		}
		passing = within
	}
	if q.ExcludeProduct != "" {
		if number, ok := x.products.find(vectors.CleanID(q.ExcludeProduct)); ok {
			if passing == nil {
				passing = roaring.New()
				passing.AddRange(0, uint64(x.manifest.Rows))
			}
			for _, row := range x.productRows.of(number) {
				passing.Remove(row)
			}
		}
	}
	if passing == nil {
		return selection{all: true, n: x.manifest.Rows}
	}
	return selection{listed: passing.ToArray()}
}

// countProducts returns how many products the rows are of.
func (x *index) countProducts(rows selection) int {
	if rows.all {
		return x.manifest.Products
	}
	seen := make([]bool, x.manifest.Products)
	n := 0
	for i := range rows.len() {
		if product := x.rowProducts[rows.at(i)]; !seen[product] {
			seen[product] = true
			n++
		}
	}
	return n
}
