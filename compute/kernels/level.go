package kernels

import (
	"fmt"
	"os"
	"sync/atomic"

	"github.com/klauspost/cpuid/v2"
)

// Level is an instruction set.
type Level int32

// The levels, each faster than the one before.
const (
	Portable Level = iota // plain Go
	AVX2                  // AVX2 and FMA
	AVX512                // AVX-512 F, VL, BW and DQ
)

func (l Level) String() string { return [...]string{"portable", "avx2", "avx512"}[l] }

// Variable is the environment variable that lowers the level: portable, avx2 or avx512.
const Variable = "COMPUTE_ISA"

var active atomic.Int32

func init() {
	best := Best()
	if name := os.Getenv(Variable); name != "" {
		wanted, err := parseLevel(name)
		if err != nil {
			panic(err)
		}
		if wanted > best {
			panic(fmt.Sprintf("%s=%s, but this CPU has %s at most", Variable, name, best))
		}
		best = wanted
	}
	active.Store(int32(best))
}

func parseLevel(name string) (Level, error) {
	for l := Portable; l <= AVX512; l++ {
		if l.String() == name {
			return l, nil
		}
	}
	return Portable, fmt.Errorf("%s=%s: it takes portable, avx2 or avx512", Variable, name)
}

// Best is the highest level that this program has code for and the CPU runs.
func Best() Level {
	switch {
	case !hasAssembly:
		return Portable
	case cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.FMA3):
		return AVX512
	case cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3):
		return AVX2
	}
	return Portable
}

// Active is the level in use.
func Active() Level { return Level(active.Load()) }

// SetActive changes the level, for tests, and returns what changes it back. What was packed at one
// level is not used at another.
func SetActive(l Level) (restore func()) {
	old := active.Swap(int32(l))
	return func() { active.Store(old) }
}
