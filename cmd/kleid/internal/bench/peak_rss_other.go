//go:build !unix

package bench

import "runtime"

// peakRSS returns the memory in bytes that Go has taken from the system in all, which is no less than the
// most that the process has held at once.
func peakRSS() int64 {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.Sys)
}
