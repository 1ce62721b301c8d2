// Package compute is a GoMLX backend for CPUs in pure Go: it compiles a graph into a short plan of
// steps over one arena of memory, fuses what can be fused, and runs the heavy steps in SIMD kernels
// (package compute/kernels) on several threads.
//
// Importing the package registers the backend under the name "cpu":
//
//	import _ "github.com/kleid-search/kleid/compute"
//
//	backend, err := backends.NewWithConfig("cpu:threads=4")
//
// or, without a line of code more, by the environment: GOMLX_BACKEND=cpu.
package compute

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/notimplemented"
	"github.com/pkg/errors"

	"github.com/kleid-search/kleid/compute/kernels"
)

// Name is the name under which the backend is registered with GoMLX.
const Name = "cpu"

func init() {
	backends.Register(Name, New)
}

// Options configure a backend. The zero value is a good default.
type Options struct {
	// Threads is the number of goroutines that share one operation; 0 means GOMAXPROCS.
	// Results of inference do not depend on it.
	Threads int
	// Unfused runs a graph operation by operation, as it was built: slow, and what the fused one is
	// checked against.
	Unfused bool
}

// maxThreads is more than any machine has a use for: a slip of the keyboard must not cost its memory.
const maxThreads = 1024

// ParseOptions reads a configuration string, a comma-separated list: "threads=N" (1 to 1024) and
// "unfused". An empty string gives the defaults.
func ParseOptions(config string) (Options, error) {
	var o Options
	for part := range strings.SplitSeq(config, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(key) {
		case "threads":
			threads, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || threads < 1 || threads > maxThreads {
				return o, errors.Errorf("backend %q: threads must be a number from 1 to %d, got %q", Name, maxThreads, value)
			}
			o.Threads = threads
		case "unfused":
			if value != "" {
				return o, errors.Errorf("backend %q: the option unfused takes no value, got %q", Name, value)
			}
			o.Unfused = true
		default:
			return o, errors.Errorf("backend %q: unknown option %q, valid options are: threads=N, unfused", Name, key)
		}
	}
	return o, nil
}

// Backend implements backends.Backend. It is safe for concurrent use.
type Backend struct {
	options   Options
	pool      kernels.Parallel
	memory    *memoryPool
	arenas    *arenaPool
	constants *constantTable
	finalized atomic.Bool
}

var _ backends.Backend = (*Backend)(nil)

// New is the backend's constructor for GoMLX, see ParseOptions for the format of config.
func New(config string) (backends.Backend, error) {
	options, err := ParseOptions(config)
	if err != nil {
		return nil, err
	}
	if err := kernels.CheckVariable(); err != nil {
		return nil, err
	}
	return NewWithOptions(options), nil
}

// NewWithOptions makes a backend.
func NewWithOptions(options Options) *Backend {
	if options.Threads <= 0 {
		options.Threads = runtime.GOMAXPROCS(0)
	}
	return &Backend{
		options:   options,
		pool:      newPool(options.Threads),
		memory:    newMemoryPool(),
		arenas:    &arenaPool{},
		constants: newConstantTable(),
	}
}

// Name implements backends.Backend.
func (b *Backend) Name() string { return Name }

// String implements backends.Backend.
func (b *Backend) String() string { return Name }

// Description implements backends.Backend.
func (b *Backend) Description() string {
	return fmt.Sprintf("CPU backend in Go (%s, %d threads)", kernels.Active(), b.options.Threads)
}

// NumDevices implements backends.Backend: the CPU is one device.
func (b *Backend) NumDevices() int { return 1 }

// DeviceDescription implements backends.Backend.
func (b *Backend) DeviceDescription(backends.DeviceNum) string { return b.Description() }

// Capabilities implements backends.Backend.
func (b *Backend) Capabilities() backends.Capabilities { return Capabilities().Clone() }

// Builder implements backends.Backend.
func (b *Backend) Builder(name string) backends.Builder {
	builder := &Builder{backend: b, name: name, known: make(map[string]*node)}
	builder.Builder.ErrFn = func(op backends.OpType) error {
		return errors.Wrapf(notimplemented.NotImplementedError, "backend %q does not implement operation %s", Name, op)
	}
	return builder
}

// Finalize implements backends.Backend. Executions that have begun end as they would; later ones fail.
func (b *Backend) Finalize() {
	b.finalized.Store(true)
	b.arenas.clear()
}

// IsFinalized implements backends.Backend.
func (b *Backend) IsFinalized() bool { return b.finalized.Load() }
