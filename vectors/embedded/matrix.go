package embedded

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// matrix is an embedding's vectors, of unit length, and what they are coded as.
type matrix struct {
	numbers []float32 // [rows, size]
	size    int
	codes   codes
}

func (m matrix) at(row uint32) []float32 {
	start := int(row) * m.size
	return m.numbers[start : start+m.size]
}

// cosine between a unit vector and a row. It does not depend on which other rows are looked at.
func (m matrix) cosine(unit []float32, row uint32) float32 {
	// Rounding may carry the product of two unit vectors a little beyond 1.
	return min(max(dot(m.at(row), unit), -1), 1)
}

// cosines returns that of each selected row.
func (m matrix) cosines(ctx context.Context, unit []float32, rows selection) ([]float32, error) {
	similarities := make([]float32, rows.len())
	err := inBlocks(ctx, len(similarities), func(start, end int) {
		for i := start; i < end; i++ {
			similarities[i] = m.cosine(unit, rows.at(i))
		}
	})
	return similarities, err
}

// shortlist returns the selected rows that may be among the nearest, and all of those for certain. best picks the nearest of
// some hits. The codes of all rows are read, and the numbers of those alone that best picks by them: as many rows as it
// picks are at least as near as the farthest of these, so that a row which is farther, whatever its code is off by, is none of
// the nearest.
func (m matrix) shortlist(ctx context.Context, unit []float32, rows selection, best func(hitList) []hit) (selection, error) {
	q := newCodedQuery(unit)
	likely, err := m.codes.cosines(ctx, q, rows)
	if err != nil {
		return selection{}, err
	}
	least := float32(math.Inf(1))
	for _, h := range best(hitList{rows, likely}) {
		least = min(least, m.cosine(unit, h.row))
	}
	var near []uint32
	for i, similarity := range likely {
		if row := rows.at(i); !(similarity+m.codes.off(q, row) < least) { // what a damaged scale makes of a row says nothing
			near = append(near, row)
		}
	}
	return selection{listed: near}, nil
}

// blockRows is how many rows a goroutine takes at a time: enough that taking is free, few enough that
// all finish together and a cancelled search stops soon.
const blockRows = 1024

// inBlocks runs work for all of n rows, on all processors.
func inBlocks(ctx context.Context, n int, work func(start, end int)) error {
	blocks := (n + blockRows - 1) / blockRows
	var next atomic.Int64
	takeBlocks := func() {
		for ctx.Err() == nil {
			block := int(next.Add(1)) - 1
			if block >= blocks {
				return
			}
			work(block*blockRows, min((block+1)*blockRows, n))
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) - 1 {
		others.Go(takeBlocks)
	}
	takeBlocks()
	others.Wait()
	return ctx.Err()
}
