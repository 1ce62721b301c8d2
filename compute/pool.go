package compute

import (
	"sync"
	"sync/atomic"
)

// parallel is what package kernels shares work with.
type parallel interface {
	// For calls f(i) for each i in [0, n) and returns when all calls have.
	For(n int, f func(i int))
	// Workers is the number of calls that run at once, at most.
	Workers() int
}

// goroutines is a parallel that starts goroutines for each loop.
type goroutines int

func (g goroutines) Workers() int { return int(g) }

func (g goroutines) For(n int, f func(i int)) {
	workers := min(int(g), n)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var done sync.WaitGroup
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	for range workers - 1 {
		done.Go(work)
	}
	work()
	done.Wait()
}
