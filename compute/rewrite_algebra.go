package compute

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// simplify replaces element-wise operations by cheaper ones that give the same values.
func simplify(g *graph) error {
	replaced := make(map[*value]*value)
	follow := func(v *value) *value {
		for replaced[v] != nil {
			v = replaced[v]
		}
		return v
	}
	for _, n := range g.nodes {
		for i, in := range n.inputs {
			if v := follow(in); v != in {
				n.inputs = append([]*value{}, n.inputs...)
				n.inputs[i] = v
			}
		}
		if v := sameAs(n); v != nil {
			replaced[n.out()] = v
			continue
		}
		// GoMLX writes x >= 0 as sign(sign(x) + 1).
		if n.op != backends.OpTypeSign || n.out().dtype() != dtypes.Float32 {
			continue
		}
		sum := n.inputs[0].node
		if sum == nil || sum.op != backends.OpTypeAdd {
			continue
		}
		for i, one := range sum.inputs {
			sign := sum.inputs[1-i].node
			if isScalar(one, 1) && sign != nil && sign.op == backends.OpTypeSign && sign.out().shape.Equal(n.out().shape) {
				n.op, n.inputs = opNotNegative, []*value{sign.inputs[0]}
				n.kernel = mapUnary(notNegative)
				break
			}
		}
	}
	for i, v := range g.outputs {
		g.outputs[i] = follow(v)
	}
	return nil
}

// sameAs is the operand that the node only copies: x - 0, x * 1 and x / 1 are x, every bit of it.
func sameAs(n *node) *value {
	if len(n.inputs) != 2 || len(n.outputs) != 1 || !n.out().shape.Equal(n.inputs[0].shape) {
		return nil
	}
	switch {
	case n.op == backends.OpTypeSub && isScalar(n.inputs[1], 0),
		n.op == backends.OpTypeMul && isScalar(n.inputs[1], 1),
		n.op == backends.OpTypeDiv && isScalar(n.inputs[1], 1):
		return n.inputs[0]
	}
	return nil
}

// isScalar is whether a float32 is one constant for all elements.
func isScalar(v *value, want float32) bool {
	return v.constant != nil && v.dtype() == dtypes.Float32 && v.shape.Size() == 1 && view[float32](v.constant.data)[0] == want
}

func notNegative(x float32) float32 {
	if x < 0 {
		return 0
	}
	if x != x {
		return x
	}
	return 1
}
