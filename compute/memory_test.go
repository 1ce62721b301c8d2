package compute

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/stretchr/testify/require"
)

// TestTensorsBeyondMemory: a graph that asks for more than there is, or for no size, is refused where it is built.
func TestTensorsBeyondMemory(t *testing.T) {
	b := NewWithOptions(Options{Threads: 1}).Builder("large")
	_, err := b.Iota(shapes.Make(dtypes.Float32, int(machineMemory()/4)+1), 0)
	require.ErrorContains(t, err, "takes more memory than there is")
	if runtime.GOOS == "linux" {
		require.Less(t, machineMemory(), int64(mostMemory))
	}
	limit := debug.SetMemoryLimit(1 << 30)
	t.Cleanup(func() { debug.SetMemoryLimit(limit) })
	for _, test := range []struct {
		dims []int
		made bool
	}{{[]int{1 << 28}, true}, {[]int{1<<28 + 1}, false}, {[]int{1 << 40, 1 << 40}, false}, {[]int{1 << 62, 4}, false}, {[]int{0}, true}} {
		_, err := b.Iota(shapes.Make(dtypes.Float32, test.dims...), 0)
		if test.made {
			require.NoError(t, err, test.dims)
		} else {
			require.ErrorContains(t, err, "takes more memory than there is", test.dims)
		}
	}
}
