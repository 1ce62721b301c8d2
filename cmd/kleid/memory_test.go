package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGarbageIsLimitedByTheMemoryThereIs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is told in another way here")
	}
	before := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	t.Setenv("GOMEMLIMIT", "") // so that it is there again afterwards
	require.NoError(t, os.Unsetenv("GOMEMLIMIT"))
	limitMemory()
	limit := debug.SetMemoryLimit(-1)
	require.Less(t, limit, int64(math.MaxInt64))
	require.Greater(t, limit, int64(1<<28))

	debug.SetMemoryLimit(math.MaxInt64)
	t.Setenv("GOMEMLIMIT", "5GiB")
	limitMemory()
	require.Equal(t, int64(math.MaxInt64), debug.SetMemoryLimit(-1), "who sets GOMEMLIMIT has set the limit")
}
