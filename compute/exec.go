package compute

import (
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"
)

// Executable implements backends.Executable. It is safe for concurrent executions.
type Executable struct {
	backend    *Backend
	name       string
	names      []string
	parameters []shapes.Shape
	outputs    []shapes.Shape
	plan       atomic.Pointer[plan] // nil once it is finalized
	runs       sync.Pool            // of *run: tables of memory for the next executions
}

var _ backends.Executable = (*Executable)(nil)

// run is the memory of one execution.
type run struct {
	memory  [][]byte // of each storage
	call    call
	in, out [][]byte
}

// Finalize implements backends.Executable. Executions that have begun end as they would; later ones fail.
func (e *Executable) Finalize() { e.plan.Store(nil) }

// Inputs implements backends.Executable.
func (e *Executable) Inputs() (names []string, inputShapes []shapes.Shape) {
	return slices.Clone(e.names), slices.Clone(e.parameters)
}

// Outputs implements backends.Executable.
func (e *Executable) Outputs() []shapes.Shape { return slices.Clone(e.outputs) }

// Execute implements backends.Executable. The memory of donated inputs is used for later buffers.
func (e *Executable) Execute(inputs []backends.Buffer, donate []bool, _ backends.DeviceNum) (results []backends.Buffer, err error) {
	p := e.plan.Load()
	if p == nil {
		return nil, errors.Errorf("backend %q: graph %q is finalized", Name, e.name)
	}
	if len(inputs) != len(e.parameters) || len(donate) > 0 && len(donate) != len(inputs) {
		return nil, errors.Errorf("backend %q: graph %q takes %d inputs, got %d (and %d marks of donation)",
			Name, e.name, len(e.parameters), len(inputs), len(donate))
	}
	buffers := make([]*Buffer, len(inputs))
	for i, input := range inputs {
		if buffers[i], err = e.backend.buffer(input); err != nil {
			return nil, errors.WithMessagef(err, "graph %q, input %q", e.name, e.names[i])
		}
		if !buffers[i].shape.Equal(e.parameters[i]) {
			return nil, errors.Errorf("backend %q: graph %q, input %q: shape %s given, compiled for %s",
				Name, e.name, e.names[i], buffers[i].shape, e.parameters[i])
		}
	}

	r, _ := e.runs.Get().(*run)
	if r == nil {
		r = &run{memory: make([][]byte, len(p.storages))}
	}
	arena := e.backend.arenas.get(p.arenaSize)
	defer func() {
		e.backend.arenas.put(arena)
		clear(r.memory)
		e.runs.Put(r)
	}()
	for i, s := range p.storages {
		switch s.kind {
		case inParameter:
			r.memory[i] = buffers[i].data
		case inConstant:
			r.memory[i] = s.constant.data
		case inArena:
			r.memory[i] = arena[s.offset : s.offset+s.size : s.offset+s.size]
		case inOutput:
			r.memory[i] = e.backend.memory.get(s.size)
		}
	}
	if err = e.steps(p, r); err != nil {
		return nil, err
	}

	results = make([]backends.Buffer, len(p.results))
	for i, out := range p.results {
		data := r.memory[out.storage]
		if out.copied {
			data = e.backend.memory.get(len(data))
			copy(data, r.memory[out.storage])
		}
		results[i] = &Buffer{shape: e.outputs[i].Clone(), data: data}
	}
	for i, given := range donate {
		if given && buffers[i].data != nil { // the same buffer may have been given twice
			e.backend.memory.put(buffers[i].data)
			buffers[i].data = nil
		}
	}
	return results, nil
}

// steps runs a plan. A panic of a kernel becomes an error that names the node.
func (e *Executable) steps(p *plan, r *run) (err error) {
	var current *node
	defer func() {
		if cause := recover(); cause != nil {
			err = errors.Errorf("backend %q: graph %q: %s failed: %v\n%s", Name, e.name, current, cause, debug.Stack())
		}
	}()
	c := &r.call
	for _, s := range p.steps {
		current = s.node
		r.in, r.out = r.in[:0], r.out[:0]
		for _, i := range s.in {
			r.in = append(r.in, r.memory[i])
		}
		for _, i := range s.out {
			r.out = append(r.out, r.memory[i])
		}
		c.in, c.out, c.parallel = r.in, r.out, e.backend.pool
		s.node.kernel(c)
	}
	return nil
}
