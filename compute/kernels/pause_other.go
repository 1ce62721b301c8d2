//go:build !amd64

package kernels

import "runtime"

// Pause lets a moment pass in a loop that waits for another core.
func Pause() { runtime.Gosched() }
