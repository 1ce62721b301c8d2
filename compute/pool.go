package compute

import (
	"sync"
	"sync/atomic"
)

// goroutines is a kernels.Parallel that starts goroutines for each loop.
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
