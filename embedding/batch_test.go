package embedding

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInParallelPanics where the caller can recover.
func TestInParallelPanics(t *testing.T) {
	for _, n := range []int{1, 2, 9} {
		require.Panics(t, func() {
			inParallel(n, func(i int) {
				if i == n-1 {
					panic("a photo that decodes to nothing")
				}
			})
		})
		var calls atomic.Int64
		inParallel(n, func(int) { calls.Add(1) })
		require.EqualValues(t, n, calls.Load())
	}
}
