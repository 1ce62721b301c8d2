package compute

import (
	"math"
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// commuteQuantisation lets bytes flow where the order of operations does not matter to a single bit: a
// max pool, a concatenation and a reshape come after quantise and before dequantise. What is quantised
// as it was dequantised stays as it is. That is so of all numbers; a NaN has no byte, and where a max pool
// would spread it, it is the least byte of its window instead.
func commuteQuantisation(g *graph) error {
	w := &writer{builder: g.builder}
	replaced := make(map[*value]*value)
	uses := g.uses()
	for _, n := range slices.Backward(g.nodes) {
		if n.op == opQuantise {
			early(w, uses, n)
		}
	}
	if err := g.sort(); err != nil {
		return err
	}
	for _, n := range g.nodes {
		for i, in := range n.inputs {
			if v := replaced[in]; v != nil {
				n.inputs = slices.Clone(n.inputs)
				n.inputs[i] = v
			}
		}
		if n.op == opQuantise {
			if q := unchanged(n); q != nil {
				replaced[n.out()] = q
			}
			continue
		}
		late(w, n)
	}
	for i, v := range g.outputs {
		if q := replaced[v]; q != nil {
			g.outputs[i] = q
		}
	}
	if w.err != nil {
		return w.err
	}
	return g.sort()
}

// unchanged is what the node dequantises only to quantise it as before.
func unchanged(n *node) *value {
	before := n.inputs[0].node
	if before == nil || before.op != opDequantise {
		return nil
	}
	to, from := n.attrs.(quantiseAttrs), before.attrs.(dequantiseAttrs)
	// 255 steps of a little more or less than 1 round to the same.
	if to.Zero != from.Zero || math.Abs(float64(to.Factor)*float64(from.Scale)-1) > 1e-6 {
		return nil
	}
	return before.inputs[0]
}

// early moves a quantise before the operation that it follows, if nobody else reads that one's output.
func early(w *writer, uses map[*value][]*node, n *node) {
	before := n.inputs[0].node
	if before == nil || len(uses[n.inputs[0]]) != 1 || !commutes(before) {
		return
	}
	attrs := n.attrs.(quantiseAttrs)
	inputs := make([]*value, len(before.inputs))
	for i, in := range before.inputs {
		readers := slices.DeleteFunc(slices.Clone(uses[in]), func(u *node) bool { return u == before })
		same := slices.IndexFunc(readers, func(u *node) bool { return u != nil && u.op == opQuantise && u.attrs == attrs })
		if same < 0 {
			q, err := w.builder.add(opQuantise, []shapes.Shape{withDType(in.shape, dtypes.Uint8)}, attrs, in)
			if err != nil {
				w.err = err
				return
			}
			same, readers = len(readers), append(readers, q)
		}
		inputs[i], uses[in] = readers[same].out(), readers
	}
	w.become(n, before, inputs)
	for _, in := range inputs {
		if in.node.op == opQuantise {
			early(w, uses, in.node)
		}
	}
}

// late moves a dequantise behind the operation that follows it, if all inputs have the same one.
func late(w *writer, n *node) {
	if len(n.inputs) == 0 || len(n.outputs) != 1 || !commutes(n) {
		return
	}
	inputs := make([]*value, len(n.inputs))
	for i, in := range n.inputs {
		if in.node == nil || in.node.op != opDequantise || in.node.attrs != n.inputs[0].node.attrs {
			return
		}
		inputs[i] = in.node.inputs[0]
	}
	attrs := n.inputs[0].node.attrs
	moved := &node{op: n.op, attrs: n.attrs, inputs: inputs}
	moved.id = n.id
	moved.outputs = []*value{w.builder.newValue(withDType(n.out().shape, dtypes.Uint8), moved, 0)}
	w.become(moved, n, inputs)
	n.op, n.attrs, n.inputs = opDequantise, attrs, []*value{moved.out()}
	n.kernel = dequantiseKernel(n)
}

// become makes n the operation of another node, over other inputs.
func (w *writer) become(n, like *node, inputs []*value) {
	n.op, n.attrs, n.inputs = like.op, like.attrs, inputs
	var err error
	if n.kernel, err = kernelFor(n); err != nil {
		w.err = err
	}
}

// commutes is whether the operation over float32 gives the same, wherever its values are mapped by a
// function that does not fall.
func commutes(n *node) bool {
	switch n.op {
	case backends.OpTypeReshape, backends.OpTypeConcatenate:
		return true
	case backends.OpTypeReduceWindow:
		attrs := n.attrs.(windowOpAttrs)
		return attrs.Reduction == backends.ReduceOpMax && neverEmpty(n.inputs[0].dims(), n.out().dims(), attrs)
	}
	return false
}

// neverEmpty is whether each window has an element that is not padding: the least number of all is not
// mapped to the least byte.
func neverEmpty(in, out []int, attrs windowOpAttrs) bool {
	if !allOnes(attrs.BaseDilations) || !allOnes(attrs.WindowDilation) {
		return false
	}
	for axis, size := range attrs.Sizes {
		padding := attrs.Paddings[axis][0]
		last := (out[axis]-1)*attrs.Strides[axis] - padding // where the last window begins
		if padding >= size || last >= in[axis] {
			return false
		}
	}
	return true
}

// fuseInt8 makes each convolution of dequantised images with dequantised int8 weights one operation
// over integers, with what follows it and nobody else sees: factors and shifts of each channel, a
// residual, ReLU and quantise.
func fuseInt8(g *graph) error {
	growth := newGrowth(g)
	for _, n := range g.nodes {
		f := newInt8Fusion(n)
		if f == nil {
			continue
		}
		f.finish(growth.of(n, f.draw))
	}
	return nil
}

// int8Fusion is a convolution in int8 that grows.
type int8Fusion struct {
	spec                kernels.Conv
	x                   *value // uint8
	zero                uint8
	weights             *constant // int8
	scales, shifts      []float32 // of each channel
	residual            *value
	residualScale       float32
	residualZero        uint8
	residualBytes, relu bool
	quantise            *quantiseAttrs
}

// newInt8Fusion returns nil where the node is not such a convolution.
func newInt8Fusion(n *node) *int8Fusion {
	if n.op != backends.OpTypeConvGeneral || n.out().dtype() != dtypes.Float32 {
		return nil
	}
	image := n.inputs[0].node
	if image == nil || image.op != opDequantise {
		return nil
	}
	conv := newConv2D(n)
	if conv == nil || conv.x != nil || conv.w != nil || conv.y != nil || conv.spec.Groups != 1 ||
		conv.spec.KH*conv.spec.KW*conv.spec.C > maxInt8Depth || conv.spec.C == 0 {
		return nil
	}
	f := &int8Fusion{spec: conv.spec, x: image.inputs[0]}
	attrs := image.attrs.(dequantiseAttrs)
	f.zero = attrs.Zero
	var scale *constant
	if f.weights, scale = int8Weights(n.inputs[1], f.spec.O); f.weights == nil {
		return nil
	}
	f.scales, f.shifts = make([]float32, f.spec.O), make([]float32, f.spec.O)
	for i, v := 0, view[float32](scale.data); i < f.spec.O; i++ {
		f.scales[i] = v[i%len(v)] * attrs.Scale
	}
	return f
}

// maxInt8Depth is the number of products whose sum fits an int32.
const maxInt8Depth = math.MaxInt32 / (255 * 128)

// int8Weights takes filters apart that are int8 times one scale, or one for each output channel.
func int8Weights(v *value, channels int) (weights, scale *constant) {
	if v.node == nil || v.node.op != backends.OpTypeMul {
		return nil, nil
	}
	for i, w := range v.node.inputs {
		s := v.node.inputs[1-i]
		if w.node == nil || w.node.op != backends.OpTypeConvertDType || s.constant == nil || !w.shape.Equal(v.shape) {
			continue
		}
		if of := w.node.inputs[0]; of.constant != nil && of.dtype() == dtypes.Int8 && isPerChannel(s, channels) {
			return of.constant, s.constant
		}
	}
	return nil, nil
}

// draw takes in the node that reads the convolution's output so far, or returns false.
func (f *int8Fusion) draw(n *node, output *value) bool {
	if f.quantise != nil {
		return false
	}
	if n.op == opQuantise {
		attrs := n.attrs.(quantiseAttrs)
		f.quantise = &attrs
		return true
	}
	if len(n.inputs) != 2 || f.relu || !n.out().shape.Equal(output.shape) {
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
		f.relu = isScalar(other, 0)
		return f.relu
	}
	if f.residual != nil {
		return false
	}
	if other.constant != nil && isPerChannel(other, f.spec.O) {
		return f.affine(n.op, view[float32](other.constant.data), first)
	}
	if n.op != backends.OpTypeAdd || !other.shape.Equal(output.shape) {
		return false
	}
	f.residual = other
	if from := other.node; from != nil && from.op == opDequantise {
		attrs := from.attrs.(dequantiseAttrs)
		f.residual, f.residualScale, f.residualZero, f.residualBytes = from.inputs[0], attrs.Scale, attrs.Zero, true
	}
	return true
}

// affine takes in a factor or a shift of each channel.
func (f *int8Fusion) affine(op backends.OpType, values []float32, first bool) bool {
	if !first && (op == backends.OpTypeSub || op == backends.OpTypeDiv) {
		return false
	}
	for i := range f.shifts {
		v := values[i%len(values)]
		switch op {
		case backends.OpTypeAdd:
			f.shifts[i] += v
		case backends.OpTypeSub:
			f.shifts[i] -= v
		case backends.OpTypeMul:
			f.scales[i] *= v
			f.shifts[i] *= v
		case backends.OpTypeDiv:
			f.scales[i] /= v
			f.shifts[i] /= v
		default:
			return false
		}
	}
	return true
}

// finish puts the fused convolution in the place of the last node that it took in.
func (f *int8Fusion) finish(last *node) {
	last.op, last.attrs, last.inputs = opConvInt8, nil, []*value{f.x}
	if f.residual != nil {
		last.inputs = append(last.inputs, f.residual)
	}
	key := packedConvInt8{f.spec.KH, f.spec.KW, f.spec.C, f.spec.O, f.spec.DilationW, f.zero}
	packed := func() *kernels.PackedConvInt8 {
		return f.weights.prepare(key, func() any { return kernels.PackConvInt8(f.spec, view[int8](f.weights.data), f.zero) }).(*kernels.PackedConvInt8)
	}
	last.prepare = func() { packed().Prepare(f.spec) }
	last.kernel = func(c *call) {
		e := kernels.EpilogueInt8{Scale: f.scales, Bias: f.shifts, ReLU: f.relu}
		switch {
		case f.residual != nil && f.residualBytes:
			e.Residual, e.ResidualScale, e.ResidualZero = c.in[1], f.residualScale, f.residualZero
		case f.residual != nil:
			e.ResidualFloat = view[float32](c.in[1])
		}
		if f.quantise == nil {
			packed().ForwardFloat(c.workers(), f.spec, view[float32](c.out[0]), c.in[0], e)
			return
		}
		e.Factor, e.Zero = f.quantise.Factor, f.quantise.Zero
		packed().Forward(c.workers(), f.spec, c.out[0], c.in[0], e)
	}
}

// packedConvInt8 is the key of constant int8 filters in packed form.
type packedConvInt8 struct {
	height, width, in, out, dilation int
	zero                             uint8
}
