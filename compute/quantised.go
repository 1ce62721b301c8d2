package compute

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// GoMLX has no quantised operations. Networks in int8 are written with standard ones, as ONNX defines
// QuantizeLinear and DequantizeLinear:
//
//	quantise:    ConvertDType(Clamp(0, Round(x · factor) + zero, 255), Uint8)
//	dequantise:  (ConvertDType(q, Float32) - zero) · scale
//	weights:     ConvertDType(w, Float32) · scale[1, 1, 1, O], with a constant w of Int8
//
// and a convolution in float32 between them. What is recognised becomes these operations.
const (
	opQuantise   backends.OpType = backends.OpTypeLast + 100 + iota // float32 to uint8
	opDequantise                                                    // uint8 to float32
	opConvInt8                                                      // inputs: image (uint8), then the residual where there is one
)

var narrowNames = map[backends.OpType]string{
	opQuantise: "Quantise", opDequantise: "Dequantise", opConvInt8: "ConvInt8", opConvBFloat16: "ConvBFloat16",
}

// quantiseAttrs: q = clamp(round(x · Factor) + Zero).
type quantiseAttrs struct {
	Factor float32
	Zero   uint8
}

// dequantiseAttrs: x = (q - Zero) · Scale.
type dequantiseAttrs struct {
	Scale float32
	Zero  uint8
}

func quantiseKernel(n *node) kernel {
	attrs := n.attrs.(quantiseAttrs)
	return func(c *call) {
		x := view[float32](c.in[0])
		inChunks(c, len(x), parallelSize, func(from, to int) {
			kernels.Quantise(c.out[0][from:to], x[from:to], attrs.Factor, attrs.Zero)
		})
	}
}

func dequantiseKernel(n *node) kernel {
	attrs := n.attrs.(dequantiseAttrs)
	return func(c *call) {
		out := view[float32](c.out[0])
		inChunks(c, len(out), parallelSize, func(from, to int) {
			kernels.Dequantise(out[from:to], c.in[0][from:to], attrs.Scale, attrs.Zero)
		})
	}
}

// recogniseQuantisation finds the chains that quantise and dequantise and makes each one operation.
func recogniseQuantisation(g *graph) error {
	for _, n := range g.nodes {
		if x, attrs, ok := quantisation(n); ok {
			n.op, n.attrs, n.inputs = opQuantise, attrs, []*value{x}
			n.kernel = quantiseKernel(n)
		} else if q, attrs, ok := dequantisation(n); ok {
			n.op, n.attrs, n.inputs = opDequantise, attrs, []*value{q}
			n.kernel = dequantiseKernel(n)
		}
	}
	return nil
}

// quantisation is what the node quantises, if it is the last of such a chain.
func quantisation(n *node) (x *value, attrs quantiseAttrs, ok bool) {
	if n.op != backends.OpTypeConvertDType || n.out().dtype() != dtypes.Uint8 || n.inputs[0].dtype() != dtypes.Float32 {
		return nil, attrs, false
	}
	clamped := n.inputs[0]
	for low, high := false, false; !low || !high; {
		if v, limit, ok := withScalar(clamped, backends.OpTypeMin); ok && limit == 255 && !high {
			clamped, high = v, true
		} else if v, limit, ok := withScalar(clamped, backends.OpTypeMax); ok && limit == 0 && !low {
			clamped, low = v, true
		} else {
			return nil, attrs, false
		}
	}
	if v, zero, ok := withScalar(clamped, backends.OpTypeAdd); ok {
		if attrs.Zero, ok = zeroPoint(zero); !ok {
			return nil, attrs, false
		}
		clamped = v
	}
	if clamped.node == nil || clamped.node.op != backends.OpTypeRound {
		return nil, attrs, false
	}
	x, attrs.Factor, ok = withScalar(clamped.node.inputs[0], backends.OpTypeMul)
	return x, attrs, ok && attrs.Factor > 0
}

// dequantisation is what the node dequantises, if it is the last of such a chain.
func dequantisation(n *node) (q *value, attrs dequantiseAttrs, ok bool) {
	if n.op != backends.OpTypeMul || n.out().dtype() != dtypes.Float32 {
		return nil, attrs, false
	}
	x, scale, ok := withScalar(n.out(), backends.OpTypeMul)
	if !ok || !(scale > 0) {
		return nil, attrs, false
	}
	attrs.Scale = scale
	if v, zero, ok := withScalar(x, backends.OpTypeSub); ok {
		if attrs.Zero, ok = zeroPoint(zero); !ok {
			return nil, attrs, false
		}
		x = v
	}
	if x.node == nil || x.node.op != backends.OpTypeConvertDType || x.node.inputs[0].dtype() != dtypes.Uint8 {
		return nil, attrs, false
	}
	return x.node.inputs[0], attrs, true
}

// withScalar takes v apart where it is x op s, with one constant float32 s for all elements. Where the
// order matters, s comes second.
func withScalar(v *value, op backends.OpType) (x *value, s float32, ok bool) {
	if v.node == nil || v.node.op != op || len(v.node.inputs) != 2 || v.dtype() != dtypes.Float32 {
		return nil, 0, false
	}
	for i, scalar := range v.node.inputs {
		x = v.node.inputs[1-i]
		if i == 0 && op == backends.OpTypeSub || scalar.constant == nil || scalar.shape.Size() != 1 || !x.shape.Equal(v.shape) {
			continue
		}
		return x, view[float32](scalar.constant.data)[0], true
	}
	return nil, 0, false
}

// zeroPoint is a float as a byte, where it is one.
func zeroPoint(v float32) (uint8, bool) {
	if !(v >= 0 && v <= 255) {
		return 0, false
	}
	return uint8(v), float32(uint8(v)) == v
}
