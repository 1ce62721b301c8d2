package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/pkg/errors"
)

// maxFused is the number of operations in one fused chain, at most: its registers stay in L1.
const maxFused = 48

// fuseElementwise joins element-wise operations over float32 (and booleans) that have the same shape
// into programs that pass over memory once (program.go). A group ends where one of its values is
// needed before the next operation could run.
func fuseElementwise(g *graph) error {
	uses := g.uses()
	groupOf := make(map[*node]*group)
	var groups []*group
	for _, n := range g.nodes {
		if !fusable(n) {
			continue
		}
		joined := &group{members: []*node{n}}
		for _, in := range n.inputs {
			other := groupOf[in.node]
			if in.node == nil || other == nil || slices.Contains(joined.merged, other) ||
				len(other.members)+len(joined.members) > maxFused ||
				!slices.Equal(other.members[0].out().dims(), n.out().dims()) {
				continue
			}
			joined.merged = append(joined.merged, other)
			joined.members = append(joined.members, other.members...)
		}
		if len(joined.merged) > 0 && !joined.closed(uses, n) {
			joined = &group{members: []*node{n}}
			for _, in := range n.inputs { // not all of them: the first that can be joined alone
				other := groupOf[in.node]
				if in.node == nil || other == nil || len(other.members) >= maxFused ||
					!slices.Equal(other.members[0].out().dims(), n.out().dims()) {
					continue
				}
				alone := &group{members: append([]*node{n}, other.members...), merged: []*group{other}}
				if alone.closed(uses, n) {
					joined = alone
					break
				}
			}
		}
		for _, other := range joined.merged {
			other.members = nil
		}
		slices.SortFunc(joined.members, func(a, b *node) int { return a.id - b.id })
		for _, m := range joined.members {
			groupOf[m] = joined
		}
		groups = append(groups, joined)
	}
	for _, joined := range groups {
		if len(joined.members) > 0 {
			joined.replace(uses)
		}
	}
	return g.sort()
}

// group is a set of nodes that become one program.
type group struct {
	members []*node // in topological order, once the group is made
	merged  []*group
}

// closed is whether every use of a member outside the group comes after n, so that the group can run
// at n's place.
func (s *group) closed(uses map[*value][]*node, n *node) bool {
	for _, m := range s.members {
		if m != n && !s.usedAfter(uses, m.out(), n, false) {
			return false
		}
	}
	return true
}

// usedAfter is whether all that reads v outside the group comes after n. A member may read v, but not by
// another name: that is made outside, of what the group computes.
func (s *group) usedAfter(uses map[*value][]*node, v *value, n *node, renamed bool) bool {
	for _, user := range uses[v] {
		switch {
		case user == nil:
		case slices.Contains(s.members, user):
			if renamed {
				return false
			}
		case user.op == backends.OpTypeReshape || user.op == backends.OpTypeBitcast: // another name for the memory
			if !s.usedAfter(uses, user.out(), n, true) {
				return false
			}
		case user.id <= n.id:
			return false
		}
	}
	return true
}

// replace puts a program in the place of the members. What is used outside is an output of it.
func (s *group) replace(uses map[*value][]*node) {
	p := &program{shape: s.members[0].out().shape}
	fused := &node{op: opElementwise, id: s.members[len(s.members)-1].id, attrs: p}
	numbers := make(map[*value]int) // of inputs and of results of instructions
	for _, m := range s.members {
		for _, in := range m.inputs {
			if in.node != nil && slices.Contains(s.members, in.node) {
				continue
			}
			if _, ok := numbers[in]; !ok {
				numbers[in] = len(fused.inputs)
				fused.inputs = append(fused.inputs, in)
			}
		}
	}
	for _, m := range s.members {
		args := make([]int, len(m.inputs))
		for i, in := range m.inputs {
			args[i] = numbers[in]
		}
		number := len(fused.inputs) + len(p.code)
		p.code = append(p.code, instruction{args: args, run: instructionFor(m), output: -1})
		numbers[m.out()] = number
		outside := slices.ContainsFunc(uses[m.out()], func(u *node) bool { return u == nil || !slices.Contains(s.members, u) })
		if outside {
			p.code[len(p.code)-1].output = len(fused.outputs)
			fused.outputs = append(fused.outputs, m.out())
		}
	}
	for i, out := range fused.outputs {
		out.node, out.index = fused, i
	}
	p.prepare(fused)
	fused.kernel = p.kernel
}

// sort rebuilds the list of nodes from the outputs: in topological order, and apart from that in the
// order of their ids. It fails where a node depends on itself, as no rewrite may have it.
func (g *graph) sort() error {
	found := make(map[*node]bool)
	var all []*node
	var find func(n *node)
	find = func(n *node) {
		if n == nil || found[n] {
			return
		}
		found[n] = true
		all = append(all, n)
		for _, in := range n.inputs {
			find(in.node)
		}
	}
	for _, v := range g.outputs {
		find(v.node)
	}
	slices.SortStableFunc(all, func(a, b *node) int { return a.id - b.id })
	g.nodes = g.nodes[:0:0]
	emitted := make(map[*node]bool) // false while what it depends on is emitted
	var emit func(n *node) error
	emit = func(n *node) error {
		if n == nil {
			return nil
		}
		if done, begun := emitted[n]; done {
			return nil
		} else if begun {
			return errors.Errorf("backend %q: graph %q: %s depends on itself", Name, g.builder.name, n)
		}
		emitted[n] = false
		for _, in := range n.inputs {
			if err := emit(in.node); err != nil {
				return err
			}
		}
		emitted[n] = true
		g.nodes = append(g.nodes, n)
		return nil
	}
	for _, n := range all {
		if err := emit(n); err != nil {
			return err
		}
	}
	for i, n := range g.nodes {
		n.id = i
	}
	return nil
}

// fusable is whether the node is element-wise over float32 or booleans.
func fusable(n *node) bool {
	if len(n.outputs) != 1 || len(n.inputs) == 0 || len(n.inputs) > 3 || n.out().shape.Size() == 0 {
		return false
	}
	for _, v := range append(slices.Clone(n.inputs), n.out()) {
		if v.dtype() != dtypes.Float32 && v.dtype() != dtypes.Bool {
			return false
		}
	}
	return instructionFor(n) != nil
}
