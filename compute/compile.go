package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
)

// compile turns a graph into an executable: what the outputs do not need is dropped, what depends on
// constants alone is computed now, patterns are replaced by faster nodes, and memory is planned.
func compile(b *Builder, outputs []*value) (*Executable, error) {
	g := &graph{builder: b, nodes: b.nodes, outputs: outputs}
	g.dropUnused()
	if b.backend.options.Unfused {
		g.foldConstants(foldable)
	} else if err := g.optimise(); err != nil {
		return nil, err
	}
	e := &Executable{backend: b.backend, name: b.name, parameters: make([]shapes.Shape, len(b.parameters)), names: b.names}
	for i, v := range b.parameters {
		e.parameters[i] = v.shape
	}
	for _, v := range outputs {
		e.outputs = append(e.outputs, v.shape)
	}
	for _, n := range g.nodes {
		if n.prepare != nil {
			n.prepare()
		}
	}
	e.plan.Store(newPlan(g))
	return e, nil
}

// optimise applies the rewrites, in order.
func (g *graph) optimise() error {
	for _, rewrite := range []func(g *graph) error{
		foldScales,
		recogniseQuantisation,
		commuteQuantisation,
		fuseInt8,      // before int8 weights become float32 ones
		foldConstants, // what is left of them, and everything else that is constant
		simplify,
		lowerBatchNorm,
		recogniseConvGradients,
		joinGroupedGradients,
		fuseConvolutions,
		fuseBFloat16,
		fuseElementwise,
		joinConvolutions, // the last: it puts nodes in the order in which they run
	} {
		if err := rewrite(g); err != nil {
			return err
		}
		g.dropUnused()
	}
	return nil
}

// graph is what the optimiser works on.
type graph struct {
	builder *Builder
	nodes   []*node // in topological order
	outputs []*value
}

// dropUnused keeps the nodes that the outputs depend on.
func (g *graph) dropUnused() {
	needed := make(map[*node]bool)
	for _, v := range g.outputs {
		if v.node != nil {
			needed[v.node] = true
		}
	}
	kept := make([]*node, 0, len(g.nodes))
	for _, n := range slices.Backward(g.nodes) {
		if !needed[n] {
			continue
		}
		kept = append(kept, n)
		for _, in := range n.inputs {
			if in.node != nil {
				needed[in.node] = true
			}
		}
	}
	slices.Reverse(kept)
	for i, n := range kept {
		n.id = i
	}
	g.nodes = kept
}

// uses are the nodes that read each value; an output of the graph counts as a use by nil.
func (g *graph) uses() map[*value][]*node {
	uses := make(map[*value][]*node)
	for _, n := range g.nodes {
		for _, in := range n.inputs {
			uses[in] = append(uses[in], n)
		}
	}
	for _, v := range g.outputs {
		uses[v] = append(uses[v], nil)
	}
	return uses
}

// foldLimit is the size in bytes up to which a constant is made from smaller ones: a broadcast of a
// scalar over a large tensor stays a broadcast.
const foldLimit = 1 << 12

// foldScales folds what is constant but for int8 filters, which are to be seen as such first.
func foldScales(g *graph) error {
	g.foldConstants(func(n *node) bool {
		return foldable(n) && (n.op != backends.OpTypeConvertDType || n.inputs[0].dtype() != dtypes.Int8)
	})
	return nil
}

func foldConstants(g *graph) error {
	g.foldConstants(foldable)
	return nil
}

// foldConstants computes the nodes that may be folded.
func (g *graph) foldConstants(may func(*node) bool) {
	for _, n := range g.nodes {
		if !may(n) {
			continue
		}
		c := &call{parallel: g.builder.backend.pool}
		for _, in := range n.inputs {
			c.in = append(c.in, in.constant.data)
		}
		for _, out := range n.outputs {
			c.out = append(c.out, newBlock(byteSize(out.shape)))
		}
		n.kernel(c)
		for i, out := range n.outputs {
			out.constant = g.builder.backend.constants.intern(out.dtype(), c.out[i], true)
			out.node = nil
		}
	}
	g.dropUnused()
}

// foldable is whether the inputs of a node are all constant, and its outputs not much larger than these.
func foldable(n *node) bool {
	if n.op == backends.OpTypeRNGBitGenerator {
		return false
	}
	in, out := 0, 0
	for _, v := range n.inputs {
		if v.constant == nil {
			return false
		}
		in += byteSize(v.shape)
	}
	for _, v := range n.outputs {
		out += byteSize(v.shape)
	}
	return out <= max(4*in, foldLimit)
}
