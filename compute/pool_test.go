package compute

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPoolCallsEachIndexOnce, for loops one after the other and at once, within each other too.
func TestPoolCallsEachIndexOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 5} {
		p := newPool(workers)
		require.Equal(t, max(workers, 1), p.Workers())
		var callers sync.WaitGroup
		for range 3 {
			callers.Go(func() {
				for n := range 200 {
					counts := make([]int, n) // without atomics: the race detector sees what is not ordered
					var inner atomic.Int64
					p.For(n, func(i int) {
						counts[i]++
						if n%50 == 7 {
							p.For(3, func(int) { inner.Add(1) })
						}
					})
					for i, count := range counts {
						if count != 1 {
							t.Errorf("index %d of %d was called %d times", i, n, count)
						}
					}
					if n%50 == 7 && inner.Load() != int64(3*n) {
						t.Errorf("%d of %d inner calls", inner.Load(), 3*n)
					}
				}
			})
		}
		callers.Wait()
	}
}

// TestPoolPanics where the caller can recover, whichever goroutine met it, when all others are done.
func TestPoolPanics(t *testing.T) {
	for _, workers := range []int{1, 2, 4} {
		p := newPool(workers)
		for at := range 8 {
			var running atomic.Int64
			require.Panics(t, func() {
				p.For(8, func(i int) {
					running.Add(1)
					defer running.Add(-1)
					if i == at {
						panic("odd one out")
					}
				})
			})
			require.Zero(t, running.Load())
		}
		calls := atomic.Int64{}
		p.For(20, func(int) { calls.Add(1) })
		require.EqualValues(t, 20, calls.Load(), "the pool still works")
	}
}
