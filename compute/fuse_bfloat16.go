package compute

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// opConvBFloat16 is a fused convolution of bfloat16; inputs: image, then the residual where there is one.
const opConvBFloat16 backends.OpType = backends.OpTypeLast + 200

// fuseBFloat16 makes each convolution of bfloat16 with constant filters one operation with what follows it
// and nobody else sees: shifts of each channel, a residual, ReLU, and the conversion to float32. Sums are
// float32, and rounded once, at the end, instead of after each of these.
func fuseBFloat16(g *graph) error {
	growth := newGrowth(g)
	for _, n := range g.nodes {
		f := newBFloat16Fusion(n)
		if f == nil {
			continue
		}
		f.finish(growth.of(n, f.draw))
	}
	return nil
}

// bfloat16Fusion is a convolution that grows.
type bfloat16Fusion struct {
	spec     kernels.Conv
	x        *value
	weights  *constant
	shifts   []float32 // of each channel
	residual *value
	relu     bool
	float    bool // the output is float32
}

// newBFloat16Fusion returns nil where the node is not such a convolution.
func newBFloat16Fusion(n *node) *bfloat16Fusion {
	if n.op != backends.OpTypeConvGeneral || n.out().dtype() != dtypes.BFloat16 || n.inputs[1].constant == nil {
		return nil
	}
	// The convolution of float32 with the same axes says what there is to know about them.
	wide := func(v *value) *value {
		return &value{shape: withDType(v.shape, dtypes.Float32)}
	}
	conv := newConv2D(&node{op: n.op, attrs: n.attrs, inputs: []*value{wide(n.inputs[0]), wide(n.inputs[1])}, outputs: []*value{wide(n.out())}})
	if conv == nil || conv.x != nil || conv.w != nil || conv.y != nil || conv.spec.Groups != 1 || conv.spec.C == 0 {
		return nil
	}
	return &bfloat16Fusion{spec: conv.spec, x: n.inputs[0], weights: n.inputs[1].constant, shifts: make([]float32, conv.spec.O)}
}

// draw takes in the node that reads the convolution's output so far, or returns false.
func (f *bfloat16Fusion) draw(n *node, output *value) bool {
	if f.float {
		return false
	}
	if n.op == backends.OpTypeConvertDType && n.out().dtype() == dtypes.Float32 {
		f.float = true
		return true
	}
	if len(n.inputs) != 2 || f.relu || !n.out().shape.Equal(output.shape) {
		return false
	}
	other := n.inputs[1]
	if other == output {
		other = n.inputs[0]
	}
	switch {
	case other == output:
		return false
	case n.op == backends.OpTypeMax:
		f.relu = other.constant != nil && other.shape.Size() == 1 && widenedBF16(other.constant)[0] == 0
		return f.relu
	case n.op != backends.OpTypeAdd || f.residual != nil:
		return false
	case other.constant != nil && isPerChannel(other, f.spec.O):
		values := widenedBF16(other.constant)
		for i := range f.shifts {
			f.shifts[i] += values[i%len(values)]
		}
		return true
	case other.shape.Equal(output.shape):
		f.residual = other
		return true
	}
	return false
}

// widenedBF16 is a constant of bfloat16 as float32.
func widenedBF16(c *constant) []float32 {
	narrow := view[uint16](c.data)
	wide := make([]float32, len(narrow))
	kernels.WidenBF16(wide, narrow)
	return wide
}

// finish puts the fused convolution in the place of the last node that it took in.
func (f *bfloat16Fusion) finish(last *node) {
	last.op, last.attrs, last.inputs = opConvBFloat16, nil, []*value{f.x}
	if f.residual != nil {
		last.inputs = append(last.inputs, f.residual)
	}
	key := packedConvBFloat16{f.spec.KH, f.spec.KW, f.spec.C, f.spec.O, f.spec.DilationW}
	packed := func() *kernels.PackedConvBF16 {
		return f.weights.prepare(key, func() any { return kernels.PackConvBF16(f.spec, view[uint16](f.weights.data)) }).(*kernels.PackedConvBF16)
	}
	last.prepare = func() { packed() }
	last.kernel = func(c *call) {
		e := kernels.EpilogueBF16{Bias: f.shifts, ReLU: f.relu}
		if f.residual != nil {
			e.Residual = view[uint16](c.in[1])
		}
		if f.float {
			packed().ForwardFloat(c.workers(), f.spec, view[float32](c.out[0]), view[uint16](c.in[0]), e)
			return
		}
		packed().Forward(c.workers(), f.spec, view[uint16](c.out[0]), view[uint16](c.in[0]), e)
	}
}

// packedConvBFloat16 is the key of constant filters in packed form.
type packedConvBFloat16 struct{ height, width, in, out, dilation int }
