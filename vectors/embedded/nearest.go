package embedded

import (
	"container/heap"
	"slices"
)

// hit is a row and its similarity.
type hit struct {
	row        uint32
	similarity float32
}

// before says whether a comes before b in an answer. Rows are numbered in order of row id.
func (a hit) before(b hit) bool {
	return a.similarity > b.similarity || a.similarity == b.similarity && a.row < b.row
}

func compareHits(a, b hit) int {
	switch {
	case a.before(b):
		return -1
	case b.before(a):
		return 1
	}
	return 0
}

// hitList is selected rows with their similarities.
type hitList struct {
	rows         selection
	similarities []float32
}

// nearest returns k hits after skipping offset, the nearest first.
func (h hitList) nearest(offset, k int) []hit {
	best := newBest(offset, k, h.rows.len())
	for i, similarity := range h.similarities {
		best.offer(hit{h.rows.at(i), similarity})
	}
	return best.after(offset)
}

// nearestOfEach does the same with the nearest row of each product only.
func (h hitList) nearestOfEach(productOf []uint32, products, offset, k int) []hit {
	const none = -1
	nearest := make([]int32, products) // place of the product's nearest row
	for i := range nearest {
		nearest[i] = none
	}
	total := 0
	for i, similarity := range h.similarities {
		at := &nearest[productOf[h.rows.at(i)]]
		if *at == none {
			total++
			*at = int32(i)
		} else if similarity > h.similarities[*at] { // of equals, the first is the lower row id
			*at = int32(i)
		}
	}
	best := newBest(offset, k, total)
	for _, i := range nearest {
		if i != none {
			best.offer(hit{h.rows.at(int(i)), h.similarities[i]})
		}
	}
	return best.after(offset)
}

// best keeps the first hits of those offered, in a heap with the last of them on top.
type best struct {
	hits  hitHeap
	limit int
}

func newBest(offset, k, available int) *best {
	limit := toRank(offset, k, available)
	return &best{make(hitHeap, 0, limit), limit}
}

// toRank is how many of what is available have to be ranked for k after offset.
func toRank(offset, k, available int) int {
	if k <= 0 || offset >= available {
		return 0
	}
	return offset + min(k, available-offset)
}

func (b *best) offer(h hit) {
	switch {
	case len(b.hits) < b.limit:
		heap.Push(&b.hits, h)
	case b.limit > 0 && h.before(b.hits[0]):
		b.hits[0] = h
		heap.Fix(&b.hits, 0)
	}
}

func (b *best) after(offset int) []hit {
	if len(b.hits) <= offset {
		return nil
	}
	slices.SortFunc(b.hits, compareHits)
	return b.hits[offset:]
}

type hitHeap []hit

func (h hitHeap) Len() int           { return len(h) }
func (h hitHeap) Less(i, j int) bool { return h[j].before(h[i]) }
func (h hitHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *hitHeap) Push(x any)        { *h = append(*h, x.(hit)) }
func (h *hitHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
