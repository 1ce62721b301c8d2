package searcher

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kleid-search/kleid/photo"
)

// together is how many photos that wait are looked at in one batch: four take a third less time than one by one, of more
// each would wait longer than it gains.
const together = 4

// ask is a photo that somebody waits to be looked at.
type ask struct {
	ctx     context.Context // of who waits
	data    []byte
	box     *photo.Box // nil where the model is to find the dress
	photoID string
	begun   time.Time
	done    chan outcome // takes one outcome, for which nobody may wait any more
}

// outcome is what became of an ask.
type outcome struct {
	seen         seen
	wait, decode float64 // milliseconds
	err          error
}

// lane bounds how many batches of photos are looked at at once, and how many photos wait for that. Photos that come while
// all places are taken are looked at together.
type lane struct {
	look   func([]*ask) // answers each
	places int
	queue  int

	mu      sync.Mutex
	taken   int // places
	waiting []*ask
}

// enter lets a photo be looked at: now, or when it is its turn. It is refused where too many wait.
func (l *lane) enter(a *ask) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.taken < l.places:
		l.taken++
		go l.work([]*ask{a})
	case len(l.waiting) < l.queue:
		l.waiting = append(l.waiting, a)
	default:
		return failure(CodeBusy, "too many photos are being looked at: try again in a moment")
	}
	return nil
}

// leave takes a photo out of those that wait, as nobody waits for it any more.
func (l *lane) leave(a *ask) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(w *ask) bool { return w == a })
}

// work looks at photos, and then at those that wait, until there are none.
func (l *lane) work(batch []*ask) {
	for ; len(batch) > 0; batch = l.next() {
		l.look(batch)
	}
}

// next takes photos that wait, in their order; where there are none it gives the place back.
func (l *lane) next() []*ask {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(together, len(l.waiting))
	if n == 0 {
		l.taken--
	}
	batch := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	return batch
}

// waits is how many photos wait.
func (l *lane) waits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}
