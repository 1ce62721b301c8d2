package embedded

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

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
	matrix, size := x.unsupervised, x.manifest.Metadata.UnsupervisedSize
	if q.Embedding == vectors.DeepRank {
		matrix, size = x.deepRank, x.manifest.Metadata.DeepRankSize
	}
	rows := x.candidates(q)
	similarities, err := scan(ctx, matrix, size, vectors.Unit(q.Vector), rows)
	if err != nil {
		return vectors.Result{}, err
	}
	hits := hitList{rows, similarities}
	total := rows.len()
	var picked []hit
	if q.OnePerProduct {
		picked, total = hits.nearestOfEach(x.rowProducts, x.manifest.Products, q.Offset, q.K)
	} else {
		picked = hits.nearest(q.Offset, q.K)
	}
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
				for _, wanted := range labels {
					if wanted == label {
						allowed.Or(x.bitmaps[first+i])
						break
					}
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

// blockRows is how many rows a goroutine takes at a time: enough that taking is free, few enough that
// all finish together and a cancelled search stops soon.
const blockRows = 1024

// scan returns the cosine between the unit vector and each selected row of the matrix [rows, size].
// A row's cosine does not depend on which others are selected.
func scan(ctx context.Context, matrix []float32, size int, unit []float32, rows selection) ([]float32, error) {
	similarities := make([]float32, rows.len())
	blocks := (len(similarities) + blockRows - 1) / blockRows
	var next atomic.Int64
	work := func() {
		for ctx.Err() == nil {
			block := int(next.Add(1)) - 1
			if block >= blocks {
				return
			}
			start, end := block*blockRows, min((block+1)*blockRows, len(similarities))
			for i := start; i < end; i++ {
				// Rounding may carry the product of two unit vectors a little beyond 1.
				similarities[i] = min(max(dot(vectorAt(matrix, size, rows.at(i)), unit), -1), 1)
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return similarities, ctx.Err()
}
