//go:build unix && !linux

package bench

import (
	"runtime"
	"syscall"
)

// peakRSS returns the most memory in bytes that the process has held at once, 0 where the kernel does not
// say.
func peakRSS() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(usage.Maxrss) // the others count in KiB
	}
	return int64(usage.Maxrss) << 10
}
