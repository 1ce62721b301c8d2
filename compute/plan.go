package compute

import (
	"cmp"
	"slices"

	"github.com/gomlx/gomlx/backends"
)

// plan is what an executable does: steps over storages. A storage is the memory of one tensor, or of
// several that share it.
type plan struct {
	steps     []step
	storages  []storage // the parameters' first
	arenaSize int
	results   []result
}

// storage says where memory comes from.
type storage struct {
	kind     storageKind
	constant *constant
	size     int // bytes
	offset   int // in the arena
}

type storageKind int

const (
	inParameter storageKind = iota
	inConstant
	inArena
	inOutput // memory that leaves with the execution
)

// result is one output of the graph.
type result struct {
	storage int
	copied  bool // the storage stays: the output is a copy
}

type step struct {
	node    *node
	in, out []int
}

// newPlan lays out the memory of the graph's nodes.
func newPlan(g *graph) *plan {
	p := &plan{}
	of := make(map[*value]int) // the storage of each value
	constants := make(map[*constant]int)
	for i, v := range g.builder.parameters {
		of[v] = i
		p.storages = append(p.storages, storage{kind: inParameter, size: byteSize(v.shape)})
	}
	storageOf := func(v *value) int {
		if v.constant == nil {
			return of[v]
		}
		s, ok := constants[v.constant]
		if !ok {
			s = len(p.storages)
			constants[v.constant] = s
			p.storages = append(p.storages, storage{kind: inConstant, constant: v.constant, size: byteSize(v.shape)})
		}
		return s
	}

	last := lastUses(g)
	for _, n := range g.nodes {
		if n.op == backends.OpTypeReshape || n.op == backends.OpTypeBitcast {
			of[n.out()] = storageOf(n.inputs[0])
			continue
		}
		s := step{node: n}
		for _, in := range n.inputs {
			s.in = append(s.in, storageOf(in))
		}
		for i, out := range n.outputs {
			at := -1
			for _, from := range inPlace(n, i) {
				in := s.in[from]
				if p.storages[in].kind == inArena && last[root(n.inputs[from])] == n.id && !slices.Contains(s.out, in) &&
					p.storages[in].size == byteSize(out.shape) && soleReader(from, s.in) {
					at = in
					break
				}
			}
			if at < 0 {
				at = len(p.storages)
				p.storages = append(p.storages, storage{kind: inArena, size: byteSize(out.shape)})
			}
			of[out] = at
			s.out = append(s.out, at)
		}
		p.steps = append(p.steps, s)
	}

	taken := make(map[int]bool)
	for _, v := range g.outputs {
		s := storageOf(v)
		r := result{storage: s, copied: taken[s] || p.storages[s].kind != inArena}
		if !r.copied {
			taken[s] = true
		}
		p.results = append(p.results, r)
	}
	for s := range taken {
		p.storages[s].kind = inOutput
	}
	p.layOut()
	return p
}

// root is the value whose memory v shares.
func root(v *value) *value {
	for v.node != nil && (v.node.op == backends.OpTypeReshape || v.node.op == backends.OpTypeBitcast) {
		v = v.node.inputs[0]
	}
	return v
}

// lastUses is the id of the last node that reads each value's memory; outputs are read for ever.
func lastUses(g *graph) map[*value]int {
	last := make(map[*value]int)
	for _, n := range g.nodes {
		for _, in := range n.inputs {
			last[root(in)] = n.id
		}
	}
	for _, v := range g.outputs {
		last[root(v)] = len(g.nodes)
	}
	return last
}

// inPlace are the inputs whose memory output number o may take over: the kernel reads an element of
// them last when it writes the same element of the output.
func inPlace(n *node, o int) (inputs []int) {
	switch n.op {
	case opElementwise:
		p := n.attrs.(*program)
		for i := range n.inputs {
			if p.mayOverwrite(i, o) {
				inputs = append(inputs, i)
			}
		}
	case backends.OpTypeScatterSum, backends.OpTypeScatterMax, backends.OpTypeScatterMin, backends.OpTypeDynamicUpdateSlice:
		if !isHalf(n.out().dtype()) {
			inputs = []int{0}
		}
	}
	return inputs
}

// soleReader is whether no other input of the node lies in the same storage.
func soleReader(input int, storages []int) bool {
	for i, s := range storages {
		if i != input && s == storages[input] {
			return false
		}
	}
	return true
}

// layOut gives each storage of the arena its place: those that live at the same time do not overlap.
// The largest are placed first, each at the lowest gap that holds it.
func (p *plan) layOut() {
	type span struct{ storage, from, to int }
	spans := make(map[int]*span)
	touch := func(s, at int) {
		if p.storages[s].kind != inArena {
			return
		}
		if spans[s] == nil {
			spans[s] = &span{s, at, at}
		}
		spans[s].to = at
	}
	for i, st := range p.steps {
		for _, s := range st.in {
			touch(s, i)
		}
		for _, s := range st.out {
			touch(s, i)
		}
	}
	ordered := make([]*span, 0, len(spans))
	for _, s := range spans {
		ordered = append(ordered, s)
	}
	slices.SortFunc(ordered, func(a, b *span) int {
		return cmp.Or(cmp.Compare(p.storages[b.storage].size, p.storages[a.storage].size), cmp.Compare(a.storage, b.storage))
	})
	var placed []*span // by offset
	for _, s := range ordered {
		size := alignUp(p.storages[s.storage].size)
		at := 0
		for _, other := range placed {
			if other.to < s.from || s.to < other.from {
				continue
			}
			o := p.storages[other.storage]
			if at+size <= o.offset {
				break
			}
			at = max(at, o.offset+alignUp(o.size))
		}
		p.storages[s.storage].offset = at
		p.arenaSize = max(p.arenaSize, at+size)
		i, _ := slices.BinarySearchFunc(placed, at, func(o *span, at int) int {
			return cmp.Compare(p.storages[o.storage].offset, at)
		})
		placed = slices.Insert(placed, i, s)
	}
}
