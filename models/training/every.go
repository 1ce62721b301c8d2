package training

import (
	"sync"
	"time"
)

// every lets something through once a period.
type every struct {
	period time.Duration
	mu     sync.Mutex
	last   time.Time
}

func (e *every) now() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Since(e.last) < e.period {
		return false
	}
	e.last = time.Now()
	return true
}
