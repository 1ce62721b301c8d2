package main

import "github.com/KimMachineGun/automemlimit/memlimit"

// limitMemory lets garbage wait only while the container, or else the machine, has room for it: nine tenths of its memory
// are Go's limit, unless GOMEMLIMIT says another one. Without it a training whose photos take half of the memory would be
// killed before its garbage is collected.
func limitMemory() {
	// Where nobody can tell how much memory there is, Go goes on without a limit.
	_, _ = memlimit.Set(memlimit.WithProvider(memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)))
}
