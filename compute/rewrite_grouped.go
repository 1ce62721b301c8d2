package compute

import (
	"reflect"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// joinGroupedGradients puts together the gradients of a grouped convolution, which GoMLX writes as one
// convolution for each group, over slices of its tensors, and a concatenation of what they give.
func joinGroupedGradients(g *graph) error {
	for _, n := range g.nodes {
		if n.op != backends.OpTypeConcatenate || n.out().dtype() != dtypes.Float32 {
			continue
		}
		found := groupedGradient(n)
		if found == nil {
			continue
		}
		if fast := newConv2D(found); fast != nil {
			n.op, n.attrs, n.inputs, n.kernel = found.op, found.attrs, found.inputs, fast.kernel(n)
		}
	}
	return nil
}

// groupedGradient is the gradient that a concatenation of gradients is; nil where it is none.
func groupedGradient(n *node) *node {
	first := n.inputs[0].node
	if first == nil || first.op != opConvGradInput && first.op != opConvGradFilter {
		return nil
	}
	attrs := first.attrs.(convAttrs)
	axes := attrs.Axes
	// The axes along which the groups lie: of the result, and of the two operands.
	result, operands := axes.InputChannels, [2]int{axes.OutputChannels, axes.KernelOutputChannels}
	if first.op == opConvGradFilter {
		result, operands = axes.KernelOutputChannels, [2]int{axes.InputChannels, axes.OutputChannels}
	}
	if attrs.ChannelGroups != 1 || n.attrs.(axisAttrs).Axis != result {
		return nil
	}
	count := len(n.inputs)
	found := &node{op: first.op, outputs: n.outputs, inputs: make([]*value, 2)}
	for i, in := range n.inputs {
		one := in.node
		if one == nil || one.op != first.op || !reflect.DeepEqual(one.attrs, first.attrs) {
			return nil
		}
		for j, axis := range operands {
			whole := partOf(one.inputs[j], axis, i, count)
			if whole == nil || i > 0 && whole != found.inputs[j] {
				return nil
			}
			found.inputs[j] = whole
		}
	}
	attrs.ChannelGroups = count
	found.attrs = attrs
	return found
}

// partOf is the value of which v is part number i of count along an axis; nil where it is no such part.
func partOf(v *value, axis, i, count int) *value {
	if v.node == nil || v.node.op != backends.OpTypeSlice {
		return nil
	}
	attrs, whole := v.node.attrs.(sliceAttrs), v.node.inputs[0]
	for a, dim := range whole.dims() {
		from, to := 0, dim
		if a == axis {
			if dim%count != 0 {
				return nil
			}
			from, to = i*(dim/count), (i+1)*(dim/count)
		}
		if attrs.Starts[a] != from || attrs.Limits[a] != to || attrs.Strides[a] != 1 {
			return nil
		}
	}
	return whole
}
