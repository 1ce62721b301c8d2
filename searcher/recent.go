package searcher

import (
	"container/list"
	"sync"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// seen is what the model saw in a query photo. It is shared and never changed.
type seen struct {
	photoID       string
	width, height int
	photo         embedding.Photo
}

// seenKey is a photo, and the box if a person chose one.
type seenKey struct {
	photoID string
	box     photo.Box // empty: the model's own
}

func newSeenKey(photoID string, box *photo.Box) seenKey {
	if box == nil {
		return seenKey{photoID: photoID}
	}
	return seenKey{photoID, *box}
}

// recent remembers the query photos that were seen last. They hold vectors, not pixels: some KiB each.
type recent struct {
	limit int

	mu    sync.Mutex
	order *list.List // of recentEntry, the latest first
	byKey map[seenKey]*list.Element
}

type recentEntry struct {
	key  seenKey
	seen seen
}

func newRecent(limit int) *recent {
	return &recent{limit: limit, order: list.New(), byKey: make(map[seenKey]*list.Element)}
}

func (r *recent) get(key seenKey) (seen, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	element, ok := r.byKey[key]
	if !ok {
		return seen{}, false
	}
	r.order.MoveToFront(element)
	return element.Value.(recentEntry).seen, true
}

func (r *recent) put(key seenKey, s seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if element, ok := r.byKey[key]; ok {
		r.order.MoveToFront(element)
		return
	}
	r.byKey[key] = r.order.PushFront(recentEntry{key, s})
	for r.order.Len() > max(r.limit, 0) {
		delete(r.byKey, r.order.Remove(r.order.Back()).(recentEntry).key)
	}
}
