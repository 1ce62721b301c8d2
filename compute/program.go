package compute

import (
	"sync"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
)

// program is a fused chain of element-wise operations. It passes over its output in blocks: each
// instruction works on a block of registers that stays in L1. Booleans are 0 and 1 in registers.
type program struct {
	shape   shapes.Shape
	code    []instruction
	inputs  []programInput
	outputs []dtypes.DType
	slots   []int // the register of each instruction; -1 where it writes an output directly
	count   int   // registers
	states  sync.Pool
}

// instruction computes one block. Its arguments are numbers of inputs, then of instructions.
type instruction struct {
	args   []int
	run    func(dst, a, b, c []float32)
	output int // the output that it makes, or -1
}

// programBlock is the number of elements of a block.
const programBlock = 1024

// programInput is how an input is read for a block of the output.
type programInput struct {
	kind   inputKind
	dtype  dtypes.DType
	period int   // of a periodic input
	loop   *loop // of a strided input
	size   int
}

type inputKind int

const (
	fullInput     inputKind = iota // element i of the input for element i of the output
	scalarInput                    // the same element for all
	periodicInput                  // element i modulo the period: a bias for each channel
	stridedInput                   // any other broadcast
)

// prepare finds out how the inputs are read, and gives registers to the instructions.
func (p *program) prepare(n *node) {
	for _, in := range n.inputs {
		input := programInput{dtype: in.dtype(), size: in.shape.Size()}
		l := newLoop(p.shape, in)
		last := len(l.dims) - 1
		switch {
		case input.size == p.shape.Size():
			input.kind = fullInput
		case input.size == 1:
			input.kind = scalarInput
		case last == 1 && l.strides[0][0] == 0 && l.strides[0][1] == 1:
			input.kind, input.period = periodicInput, l.dims[1]
		default:
			input.kind, input.loop = stridedInput, l
		}
		p.inputs = append(p.inputs, input)
	}
	for _, out := range n.outputs {
		p.outputs = append(p.outputs, out.dtype())
	}
	// The last instruction that reads each result frees its register.
	last := make([]int, len(p.inputs)+len(p.code))
	for i, code := range p.code {
		for _, arg := range code.args {
			last[arg] = i
		}
	}
	var free []int
	p.slots = make([]int, len(p.code))
	for i, code := range p.code {
		p.slots[i] = -1
		if code.output >= 0 && p.outputs[code.output] == dtypes.Float32 {
			continue
		}
		if len(free) > 0 {
			p.slots[i] = free[len(free)-1]
			free = free[:len(free)-1]
		} else {
			p.slots[i] = p.count
			p.count++
		}
		for j, slot := range p.slots[:i+1] {
			if slot >= 0 && last[len(p.inputs)+j] == i {
				free = append(free, slot)
			}
		}
	}
}

// programState is a worker's memory.
type programState struct {
	values    [][]float32 // of inputs, then of instructions
	registers [][]float32
	loaded    [][]float32 // blocks of the inputs that are not read in place
}

func (p *program) newState() *programState {
	s := &programState{
		values:    make([][]float32, len(p.inputs)+len(p.code)),
		registers: make([][]float32, p.count),
		loaded:    make([][]float32, len(p.inputs)),
	}
	block := min(programBlock, p.shape.Size())
	for i := range s.registers {
		s.registers[i] = make([]float32, block)
	}
	for i, in := range p.inputs {
		if in.kind == fullInput && in.dtype == dtypes.Float32 {
			continue
		}
		size := block
		if in.kind == periodicInput && in.period <= programBlock {
			size += in.period
		}
		s.loaded[i] = make([]float32, size)
	}
	return s
}

func (p *program) kernel(c *call) {
	total := p.shape.Size()
	blocks := (total + programBlock - 1) / programBlock
	inChunks(c, blocks, max(parallelSize/programBlock/max(len(p.code), 1), 1), func(from, to int) {
		s, _ := p.states.Get().(*programState)
		if s == nil {
			s = p.newState()
		}
		for i, in := range p.inputs {
			in.begin(s, i, c.in[i])
		}
		for b := from; b < to; b++ {
			at := b * programBlock
			p.block(c, s, at, min(programBlock, total-at))
		}
		clear(s.values)
		p.states.Put(s)
	})
}

func (p *program) block(c *call, s *programState, at, n int) {
	for i, in := range p.inputs {
		s.values[i] = in.load(s, i, c.in[i], at, n)
	}
	for i, code := range p.code {
		var dst []float32
		if slot := p.slots[i]; slot >= 0 {
			dst = s.registers[slot][:n]
		} else {
			dst = view[float32](c.out[code.output])[at : at+n]
		}
		s.values[len(p.inputs)+i] = dst
		var args [3][]float32
		for j, arg := range code.args {
			args[j] = s.values[arg]
		}
		code.run(dst, args[0], args[1], args[2])
		if code.output >= 0 && p.outputs[code.output] == dtypes.Bool {
			for j, v := range dst {
				c.out[code.output][at+j] = byte(v)
			}
		}
	}
}

// begin loads what is the same for all blocks.
func (in programInput) begin(s *programState, i int, data []byte) {
	buffer := s.loaded[i]
	switch {
	case in.kind == scalarInput:
		v := in.at(data, 0)
		for j := range buffer {
			buffer[j] = v
		}
	case in.kind == periodicInput && in.period <= programBlock:
		for j := range min(in.period, len(buffer)) {
			buffer[j] = in.at(data, j)
		}
		for done := in.period; done < len(buffer); done *= 2 {
			copy(buffer[done:], buffer[:done])
		}
	}
}

// at is one element of the input.
func (in programInput) at(data []byte, i int) float32 {
	if in.dtype == dtypes.Bool {
		return float32(data[i])
	}
	return view[float32](data)[i]
}

// load gives the input for the output's elements [at, at+n).
func (in programInput) load(s *programState, i int, data []byte, at, n int) []float32 {
	buffer := s.loaded[i]
	switch in.kind {
	case fullInput:
		if in.dtype == dtypes.Float32 {
			return view[float32](data)[at : at+n]
		}
		for j, v := range data[at : at+n] {
			buffer[j] = float32(v)
		}
	case scalarInput:
	case periodicInput:
		start := at % in.period
		if in.period <= programBlock {
			return buffer[start : start+n]
		}
		if start+n <= in.period && in.dtype == dtypes.Float32 {
			return view[float32](data)[start : start+n]
		}
		for j := range n {
			buffer[j] = in.at(data, (start+j)%in.period)
		}
	case stridedInput:
		in.gather(buffer[:n], data, at)
	}
	return buffer[:n]
}

// gather reads a strided input, row by row.
func (in programInput) gather(dst []float32, data []byte, at int) {
	l := in.loop
	strides := l.strides[0]
	last := len(l.dims) - 1
	for len(dst) > 0 {
		offset, rest := 0, at
		for axis := last; axis >= 0; axis-- {
			offset += rest % l.dims[axis] * strides[axis]
			rest /= l.dims[axis]
		}
		n := min(len(dst), l.dims[last]-at%l.dims[last])
		row := dst[:n]
		switch {
		case strides[last] == 0:
			v := in.at(data, offset)
			for j := range row {
				row[j] = v
			}
		case in.dtype == dtypes.Float32 && strides[last] == 1:
			copy(row, view[float32](data)[offset:])
		default:
			for j := range row {
				row[j] = in.at(data, offset+j*strides[last])
			}
		}
		dst = dst[n:]
		at += n
	}
}

// mayOverwrite is whether output number o can take over the memory of input number i: no instruction
// reads the input after the one that writes the output.
func (p *program) mayOverwrite(i, o int) bool {
	if p.inputs[i].kind != fullInput || p.inputs[i].dtype != p.outputs[o] || p.inputs[i].dtype != dtypes.Float32 {
		return false
	}
	writer := len(p.code)
	for j, code := range p.code {
		if code.output == o {
			writer = j
		}
		for _, arg := range code.args {
			if arg == i && j > writer {
				return false
			}
		}
	}
	return true
}
