package kernels

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/klauspost/cpuid/v2"
)

// Level is an instruction set.
type Level int32

// The levels for float32 of x86-64, each faster than the one before, then those that have instructions for
// narrow numbers besides, and those of arm64.
const (
	Portable   Level = iota // plain Go
	AVX2                    // AVX2 and FMA
	AVX512                  // AVX-512 F, VL, BW and DQ
	AVXVNNI                 // AVX2, and AVX_VNNI for int8
	AVX512VNNI              // AVX512, and AVX512_VNNI for int8
	AVX512BF16              // AVX512VNNI, and AVX512_BF16 for bfloat16
	AMX                     // AVX512BF16, and AMX_INT8 and AMX_BF16
	NEON                    // of arm64, for float32
	NEONDot                 // NEON, and Armv8.2's dot products for int8
)

var levelNames = [...]string{"portable", "avx2", "avx512", "avxvnni", "avx512vnni", "avx512bf16", "amx", "neon", "neondot"}

func (l Level) String() string { return levelNames[l] }

// Vector is the level whose float32 kernels l runs.
func (l Level) Vector() Level {
	switch l {
	case AVXVNNI:
		return AVX2
	case AVX512VNNI, AVX512BF16, AMX:
		return AVX512
	case NEONDot:
		return NEON
	}
	return l
}

// Supported says that this program has code for the level and the CPU runs it.
func (l Level) Supported() bool {
	cpu := &cpuid.CPU
	switch l {
	case Portable:
		return true
	case AVX2:
		return runtime.GOARCH == "amd64" && cpu.Supports(cpuid.AVX2, cpuid.FMA3)
	case AVX512:
		return runtime.GOARCH == "amd64" && cpu.Supports(cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.FMA3)
	case AVXVNNI:
		return AVX2.Supported() && cpu.Supports(cpuid.AVXVNNI)
	case AVX512VNNI:
		return AVX512.Supported() && cpu.Supports(cpuid.AVX512VNNI)
	case AVX512BF16:
		return AVX512VNNI.Supported() && cpu.Supports(cpuid.AVX512BF16)
	case AMX:
		return AVX512BF16.Supported() && cpu.Supports(cpuid.AMXTILE, cpuid.AMXINT8, cpuid.AMXBF16) && amxAllowed()
	case NEON:
		return runtime.GOARCH == "arm64" // each has it
	case NEONDot:
		return NEON.Supported() && cpu.Supports(cpuid.ASIMDDP)
	}
	return false
}

// Variable is the environment variable that lowers the level to one of those above.
const Variable = "COMPUTE_ISA"

var active atomic.Int32

// variableErr is what is wrong with the variable.
var variableErr error

// CheckVariable says what is wrong with the environment variable; the best level is in use then.
func CheckVariable() error { return variableErr }

func init() {
	var level Level
	level, variableErr = choose(os.Getenv(Variable))
	active.Store(int32(level))
}

// choose returns the level that the variable names, or else the best one. AMX is asked for only where it may be chosen:
// what has its permission needs larger stacks for signals.
func choose(name string) (Level, error) {
	var err error
	if name != "" {
		var wanted Level
		if wanted, err = parseLevel(name); err == nil {
			if wanted.Supported() {
				return wanted, nil
			}
			err = fmt.Errorf("%s=%s: this CPU or its operating system lacks it", Variable, name)
		}
	}
	level := fastest(AMX, AVX512BF16, AVX512VNNI, AVX512, AVXVNNI, AVX2, NEONDot, NEON)
	if err != nil {
		err = fmt.Errorf("%w; %s runs", err, level)
	}
	return level, err
}

func parseLevel(name string) (Level, error) {
	for l, known := range levelNames {
		if known == name {
			return Level(l), nil
		}
	}
	return Portable, fmt.Errorf("%s=%s: it takes one of %v", Variable, name, levelNames)
}

// fastest returns the first level that is supported.
func fastest(levels ...Level) Level {
	for _, l := range levels {
		if l.Supported() {
			return l
		}
	}
	return Portable
}

// Levels lists all levels that this program has code for and the CPU runs.
func Levels() []Level {
	var levels []Level
	for l := range Level(len(levelNames)) {
		if l.Supported() {
			levels = append(levels, l)
		}
	}
	return levels
}

// VectorLevels lists those of Levels that differ in float32.
func VectorLevels() []Level {
	return slices.DeleteFunc(Levels(), func(l Level) bool { return l != l.Vector() })
}

// Active is the level in use for float32.
func Active() Level { return ActiveNarrow().Vector() }

// ActiveNarrow is the level in use for int8 and bfloat16.
func ActiveNarrow() Level { return Level(active.Load()) }

// SetActive changes the level, for tests, and returns what changes it back. What was packed at one
// level is not used at another.
func SetActive(l Level) (restore func()) {
	old := active.Swap(int32(l))
	return func() { active.Store(old) }
}
