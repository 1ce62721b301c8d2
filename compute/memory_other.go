//go:build !linux

package compute

// machineMemory is not known.
func machineMemory() int64 { return mostMemory }
