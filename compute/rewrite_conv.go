package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// recogniseConvGradients replaces the convolutions that GoMLX's automatic differentiation writes for
// the gradients of a convolution by nodes that say so. Both replacements are exact for any such
// convolution, wherever it comes from.
func recogniseConvGradients(g *graph) error {
	for _, n := range g.nodes {
		if n.op != backends.OpTypeConvGeneral || n.inputs[0].dtype() != dtypes.Float32 {
			continue
		}
		attrs := n.attrs.(convAttrs)
		if attrs.ChannelGroups != 1 || attrs.BatchGroups != 1 || len(attrs.Axes.InputSpatial) > 2 {
			continue
		}
		found := &node{outputs: n.outputs}
		if forward, kernel, ok := convOfGradInput(n, attrs); ok {
			found.op, found.attrs, found.inputs = opConvGradInput, forward, []*value{n.inputs[0], kernel}
		} else if forward, ok := convOfGradFilter(attrs); ok {
			found.op, found.attrs, found.inputs = opConvGradFilter, forward, n.inputs
		} else {
			continue
		}
		if fast := newConv2D(found); fast != nil {
			n.op, n.attrs, n.inputs, n.prepare = found.op, found.attrs, found.inputs, nil
			n.kernel = fast.kernel(n)
		}
	}
	return nil
}

func allOnes(list []int) bool {
	return !slices.ContainsFunc(list, func(v int) bool { return v != 1 })
}

// convOfGradInput sees a convolution over a reversed kernel, with the strides as dilation of the
// input, as the gradient of a convolution with respect to its input. It returns that convolution's
// parameters and its kernel.
func convOfGradInput(n *node, attrs convAttrs) (forward convAttrs, kernel *value, ok bool) {
	if !allOnes(attrs.Strides) {
		return forward, nil, false
	}
	kernel = n.inputs[1]
	size := func(i int) int { return kernel.dims()[attrs.Axes.KernelSpatial[i]] }
	var reversed []int
	for i, axis := range attrs.Axes.KernelSpatial {
		if size(i) > 1 {
			reversed = append(reversed, axis)
		}
	}
	slices.Sort(reversed)
	if len(reversed) > 0 {
		if kernel.node == nil || kernel.node.op != backends.OpTypeReverse ||
			!slices.Equal(kernel.node.attrs.(reverseAttrs).Axes, reversed) {
			return forward, nil, false
		}
		kernel = kernel.node.inputs[0]
	} else if allOnes(attrs.InputDilations) &&
		(kernel.constant != nil || attrs.Axes.KernelInputChannels < attrs.Axes.KernelOutputChannels) {
		// A plain convolution with a kernel of one element. Where the kernel is constant, it is one in any order
		// of axes (ONNX has [out, in, ...]): as such it is packed once, and what follows is fused to it.
		return forward, nil, false
	}
	forward = attrs
	forward.Axes = attrs.Axes.Clone()
	forward.Axes.KernelInputChannels, forward.Axes.KernelOutputChannels = attrs.Axes.KernelOutputChannels, attrs.Axes.KernelInputChannels
	forward.Axes.InputBatch, forward.Axes.OutputBatch = attrs.Axes.OutputBatch, attrs.Axes.InputBatch
	forward.Axes.InputChannels, forward.Axes.OutputChannels = attrs.Axes.OutputChannels, attrs.Axes.InputChannels
	forward.Axes.InputSpatial, forward.Axes.OutputSpatial = forward.Axes.OutputSpatial, forward.Axes.InputSpatial
	forward.Strides = attrs.InputDilations
	forward.InputDilations = attrs.Strides
	forward.Paddings = slices.Clone(attrs.Paddings)
	for i := range forward.Paddings {
		start := (size(i)-1)*attrs.Dilations[i] - attrs.Paddings[i][0]
		if start < 0 {
			return forward, nil, false
		}
		forward.Paddings[i] = [2]int{start, 0} // the end follows from the sizes
	}
	return forward, kernel, true
}

// convOfGradFilter sees a convolution that sums over the first axis, with channels as its batch, as
// the gradient of a convolution with respect to its kernel.
func convOfGradFilter(attrs convAttrs) (forward convAttrs, ok bool) {
	axes := attrs.Axes
	if axes.InputChannels >= axes.InputBatch || !allOnes(attrs.InputDilations) {
		return forward, false
	}
	forward = attrs
	forward.Axes = backends.ConvolveAxesConfig{
		InputBatch: axes.InputChannels, InputChannels: axes.InputBatch, InputSpatial: axes.InputSpatial,
		KernelInputChannels: axes.OutputBatch, KernelOutputChannels: axes.OutputChannels, KernelSpatial: axes.OutputSpatial,
		OutputBatch: axes.KernelInputChannels, OutputChannels: axes.KernelOutputChannels, OutputSpatial: axes.KernelSpatial,
	}
	forward.Strides, forward.Dilations = attrs.Dilations, attrs.Strides
	for _, padding := range attrs.Paddings {
		if padding[0] < 0 {
			return forward, false
		}
	}
	return forward, true
}
