package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
)

// fusedConvAttrs describe a convolution with what is done to its output before it is stored:
// y = convolution + bias + residual, then max(y, 0), then, where there is a ceiling, min(y, ceiling). The inputs are
// x, kernel, and bias and residual where there are; the residual has the order of axes of the output.
type fusedConvAttrs struct {
	convAttrs
	Bias, Residual, ReLU bool
	Ceiling              float32
}

// fuseConvolutions draws into each float32 convolution what follows it and nobody else sees: factors
// and shifts of each channel (bias, batch normalisation) go into constant weights and a bias, then
// the residual, then ReLU.
func fuseConvolutions(g *graph) error {
	growth := newGrowth(g)
	for _, n := range g.nodes {
		if n.op != backends.OpTypeConvGeneral {
			continue
		}
		attrs := n.attrs.(convAttrs)
		if newConv2D(n) == nil {
			continue
		}
		f := &convFusion{builder: g.builder, x: n.inputs[0], kernel: n.inputs[1], attrs: fusedConvAttrs{convAttrs: attrs}, channels: n.out().dims()[attrs.Axes.OutputChannels]}
		f.finish(growth.of(n, f.draw))
	}
	g.dropUnused()
	return nil
}

// convFusion is a convolution that grows.
type convFusion struct {
	builder         *Builder
	attrs           fusedConvAttrs
	x, kernel       *value
	bias, residual  *value
	channels        int
	weights, shifts []float32 // the constant kernel and bias, once they are changed
}

// draw takes in the node that reads the convolution's output so far, or returns false.
func (f *convFusion) draw(n *node, output *value) bool {
	if len(n.inputs) != 2 || f.attrs.Ceiling != 0 || f.attrs.ReLU && n.op != backends.OpTypeMin || !slices.Equal(n.out().dims(), output.dims()) || n.out().dtype() != output.dtype() {
		return false
	}
	other, first := n.inputs[1], true
	if n.inputs[1] == output {
		other, first = n.inputs[0], false
	}
	if other == output {
		return false
	}
	if n.op == backends.OpTypeMax {
		if other.constant == nil || other.shape.Size() != 1 || view[float32](other.constant.data)[0] != 0 {
			return false
		}
		f.attrs.ReLU = true
		return true
	}
	if f.attrs.ReLU {
		if other.constant == nil || other.shape.Size() != 1 {
			return false
		}
		if ceiling := view[float32](other.constant.data)[0]; ceiling > 0 {
			f.attrs.Ceiling = ceiling
			return true
		}
		return false
	}
	if f.residual != nil {
		return false
	}
	if f.isPerChannel(other, output.shape.Rank()) {
		return f.affine(n.op, other, first)
	}
	if n.op == backends.OpTypeAdd && slices.Equal(other.dims(), output.dims()) {
		f.residual = other
		return true
	}
	return false
}

// isPerChannel is whether the value, which broadcasts to an output of the rank, is one for all, or one for
// each channel.
func (f *convFusion) isPerChannel(v *value, rank int) bool {
	size := v.shape.Size()
	return size == 1 || size == f.channels && v.shape.Rank() == rank && v.dims()[f.attrs.Axes.OutputChannels] == size
}

// isPerChannel is whether the value is one for all, or one for each channel, the last axis.
func isPerChannel(v *value, channels int) bool {
	size := v.shape.Size()
	return size == 1 || size == channels && v.shape.Rank() > 0 && v.dims()[v.shape.Rank()-1] == size
}

// affine takes in a factor or a shift of each channel.
func (f *convFusion) affine(op backends.OpType, v *value, first bool) bool {
	if v.constant == nil || f.kernel.constant == nil {
		if op == backends.OpTypeAdd && f.bias == nil && f.shifts == nil && v.shape.Size() == f.channels {
			f.bias = v
			return true
		}
		return false
	}
	if f.bias != nil || !first && (op == backends.OpTypeSub || op == backends.OpTypeDiv) {
		return false
	}
	each := make([]float32, f.channels)
	for i, values := 0, view[float32](v.constant.data); i < f.channels; i++ {
		each[i] = values[i%len(values)]
	}
	if f.shifts == nil {
		f.shifts = make([]float32, f.channels)
	}
	switch op {
	case backends.OpTypeAdd:
		for i, s := range each {
			f.shifts[i] += s
		}
	case backends.OpTypeSub:
		for i, s := range each {
			f.shifts[i] -= s
		}
	case backends.OpTypeMul, backends.OpTypeDiv:
		if op == backends.OpTypeDiv {
			for i := range each {
				each[i] = 1 / each[i]
			}
		}
		f.scale(each)
	default:
		return false
	}
	return true
}

// scale multiplies each channel's weights and shift.
func (f *convFusion) scale(factors []float32) {
	if f.weights == nil {
		f.weights = slices.Clone(view[float32](f.kernel.constant.data))
	}
	axis := f.attrs.Axes.KernelOutputChannels
	s := featuresOf(f.kernel.dims(), axis)
	for o, factor := range factors {
		f.shifts[o] *= factor
		s.each(o, func(from, to int) {
			for i := from; i < to; i++ {
				f.weights[i] *= factor
			}
		})
	}
}

// finish puts the fused convolution in the place of the last node that it took in.
func (f *convFusion) finish(last *node) {
	if f.weights != nil {
		data, dtype, _, _ := bytesOf(f.weights)
		f.kernel = f.builder.constantValue(f.kernel.shape, f.builder.backend.constants.intern(dtype, data, false))
	}
	if f.shifts != nil {
		data, dtype, _, _ := bytesOf(f.shifts)
		shape := withDType(last.out().shape, dtype)
		shape.Dimensions = []int{f.channels}
		f.bias = f.builder.constantValue(shape, f.builder.backend.constants.intern(dtype, data, false))
	}
	last.inputs = []*value{f.x, f.kernel}
	if f.bias != nil {
		f.attrs.Bias = true
		last.inputs = append(last.inputs, f.bias)
	}
	if f.residual != nil {
		f.attrs.Residual = true
		last.inputs = append(last.inputs, f.residual)
	}
	last.op, last.attrs = opConvFused, f.attrs
	last.kernel = newConv2D(last).kernel(last)
}
