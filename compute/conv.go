package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// conv2D computes a float32 convolution of one or two spatial axes, or one of its gradients, by the
// kernels for NHWC images and HWIO filters. Tensors in another order are brought into this one.
type conv2D struct {
	op      backends.OpType
	spec    kernels.Conv
	fused   fusedConvAttrs
	weights *constant // the filters, where they are constant
	x, w, y *ordering // nil where the tensor is in order
}

// ordering brings a tensor into the order of the kernels, or back.
type ordering struct {
	in, out *mover
	size    int // bytes
	order   axisOrder
}

// axisOrder is the order of the axes of images or filters, as part of a key.
type axisOrder [4]int

// newOrdering returns nil where the axes are in order already.
func newOrdering(v *value, order []int) *ordering {
	if onlyMovesOnes(v.dims(), order) {
		return nil
	}
	dims, own := make([]int, len(order)), make([]int, len(order))
	strides := rowMajor(v.dims())
	for i, axis := range order {
		dims[i], own[i] = v.dims()[axis], strides[axis]
	}
	ordered := rowMajor(dims)
	size := v.dtype().Size()
	o := &ordering{in: newMover(size, dims, ordered, own), out: newMover(size, dims, own, ordered), size: byteSize(v.shape)}
	copy(o.order[:], order)
	return o
}

func (o *ordering) load(c *call, data []byte) []float32 {
	if o == nil {
		return view[float32](data)
	}
	ordered := newBlock(o.size)
	o.in.run(c, ordered, 0, data, 0)
	return view[float32](ordered)
}

// target is where to compute a tensor that goes to data, and what to do then.
func (o *ordering) target(c *call, data []byte) (dst []float32, done func()) {
	if o == nil {
		return view[float32](data), func() {}
	}
	ordered := newBlock(o.size)
	return view[float32](ordered), func() { o.out.run(c, data, 0, ordered, 0) }
}

// newConv2D returns nil where the node is not such a convolution.
func newConv2D(n *node) *conv2D {
	fused, isFused := n.attrs.(fusedConvAttrs)
	attrs := fused.convAttrs
	if !isFused {
		attrs = n.attrs.(convAttrs)
	}
	axes := attrs.Axes
	spatial := len(axes.InputSpatial)
	if n.out().dtype() != dtypes.Float32 || spatial > 2 || attrs.BatchGroups != 1 || !allOnes(attrs.InputDilations) || n.out().shape.Size() == 0 {
		return nil
	}
	var x, w, y *value
	switch n.op {
	case opConvGradInput:
		x, w, y = n.out(), n.inputs[1], n.inputs[0]
	case opConvGradFilter:
		x, w, y = n.inputs[0], n.out(), n.inputs[1]
	default:
		x, w, y = n.inputs[0], n.inputs[1], n.out()
	}
	s := kernels.Conv{
		N: x.dims()[axes.InputBatch], C: x.dims()[axes.InputChannels], O: w.dims()[axes.KernelOutputChannels],
		H: 1, W: 1, OH: 1, OW: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1,
		Groups: attrs.ChannelGroups,
	}
	for i := range spatial {
		if attrs.Paddings[i][0] < 0 {
			return nil
		}
		size, out, taps := x.dims()[axes.InputSpatial[i]], y.dims()[axes.OutputSpatial[i]], w.dims()[axes.KernelSpatial[i]]
		if i == spatial-1 {
			s.W, s.OW, s.KW = size, out, taps
			s.StrideW, s.DilationW, s.PadLeft = attrs.Strides[i], attrs.Dilations[i], attrs.Paddings[i][0]
		} else {
			s.H, s.OH, s.KH = size, out, taps
			s.StrideH, s.DilationH, s.PadTop = attrs.Strides[i], attrs.Dilations[i], attrs.Paddings[i][0]
		}
	}
	image := func(batch int, spatial []int, channels int) []int {
		return slices.Concat([]int{batch}, spatial, []int{channels})
	}
	return &conv2D{
		op: n.op, spec: s, fused: fused, weights: w.constant,
		x: newOrdering(x, image(axes.InputBatch, axes.InputSpatial, axes.InputChannels)),
		w: newOrdering(w, slices.Concat(axes.KernelSpatial, []int{axes.KernelInputChannels, axes.KernelOutputChannels})),
		y: newOrdering(y, image(axes.OutputBatch, axes.OutputSpatial, axes.OutputChannels)),
	}
}

// kernel computes the node, which v was made of.
func (v *conv2D) kernel(n *node) kernel {
	switch v.op {
	case opConvGradInput:
		if v.weights != nil && v.w != nil {
			n.prepare = func() { v.orderedWeights() }
		}
		return func(c *call) {
			dx, done := v.x.target(c, c.out[0])
			kernels.ConvGradInput(c.workers(), v.spec, dx, v.y.load(c, c.in[0]), v.filters(c, c.in[1]))
			done()
		}
	case opConvGradFilter:
		return func(c *call) {
			dw, done := v.w.target(c, c.out[0])
			kernels.ConvGradFilter(c.workers(), v.spec, dw, v.x.load(c, c.in[0]), v.y.load(c, c.in[1]))
			done()
		}
	}
	if v.weights != nil {
		n.prepare = func() { v.packed() }
		return func(c *call) {
			y, done := v.y.target(c, c.out[0])
			v.packed().Forward(c.workers(), v.spec, y, v.x.load(c, c.in[0]), v.epilogue(c, c.in))
			done()
		}
	}
	return func(c *call) {
		y, done := v.y.target(c, c.out[0])
		kernels.ConvForward(c.workers(), v.spec, y, v.x.load(c, c.in[0]), v.w.load(c, c.in[1]), v.epilogue(c, c.in))
		done()
	}
}

// packedConv is the key of constant filters in packed form.
type packedConv struct {
	method kernels.Method
	filterShape
}

// packedAs is how the constant filters are packed.
func (v *conv2D) packedAs() packedConv { return packedConv{v.spec.Method(), v.filterShape()} }

// packed are the constant filters in packed form, once for all executions.
func (v *conv2D) packed() *kernels.PackedConv {
	return v.weights.prepare(v.packedAs(), func() any {
		return kernels.PackConv(v.spec, v.w.load(&call{}, v.weights.data))
	}).(*kernels.PackedConv)
}

// filterShape is the shape of filters, and the order in which their axes are kept.
type filterShape struct {
	height, width, in, out, groups int
	order                          axisOrder // zero where they are in order
}

func (v *conv2D) filterShape() filterShape {
	f := filterShape{height: v.spec.KH, width: v.spec.KW, in: v.spec.C, out: v.spec.O, groups: v.spec.Groups}
	if v.w != nil {
		f.order = v.w.order
	}
	return f
}

// filters are the node's filters in order.
func (v *conv2D) filters(c *call, data []byte) []float32 {
	if v.weights != nil && v.w != nil {
		return v.orderedWeights()
	}
	return v.w.load(c, data)
}

// orderedWeights are constant filters in order, once for all executions.
func (v *conv2D) orderedWeights() []float32 {
	return v.weights.prepare(v.filterShape(), func() any { return v.w.load(&call{}, v.weights.data) }).([]float32)
}

// epilogue finds the inputs of what is fused to the convolution among its own.
func (v *conv2D) epilogue(c *call, inputs [][]byte) kernels.Epilogue {
	e := kernels.Epilogue{ReLU: v.fused.ReLU, Ceiling: v.fused.Ceiling}
	rest := inputs[2:]
	if v.fused.Bias {
		e.Bias, rest = view[float32](rest[0]), rest[1:]
	}
	if v.fused.Residual {
		e.Residual = v.y.load(c, rest[0])
	}
	return e
}
