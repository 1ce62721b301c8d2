package models

import (
	"fmt"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// Layers of a network in int8. GoMLX has no quantised operations, so they are written in standard ones,
// as the QuantizeLinear and DequantizeLinear of ONNX are defined: between quantise and dequantise all
// arithmetic is in float32. Package compute sees the pattern and computes with integers; other backends
// run it as it stands.
//
// A layer `x` in int8 has these weights:
//
//	x.weight        int8 [out, in, height, width], -127..127
//	x.weight_scale  [out]: what one step of the weights of each output channel is worth
//	x.bias          [out], batch normalisation folded in
//	x.input         [3]: what one step of the input is worth, the zero point, 0..255, and what is added
//	                to the input first; the bias takes that back
//
// and a shortcut that is added to a layer's output has its own `residual.input`.

// quantised is whether the layer's weights are int8.
func (n *Net) quantised(name string) bool {
	t := n.weights[n.prefix+name+".weight"]
	return t != nil && t.Int8 != nil
}

// convInt8 is ConvNorm of a layer in int8.
func (n *Net) convInt8(name string, x *Node, out int, win window) *Node {
	g := x.Graph()
	in := x.Shape().Dimensions[3]
	full := n.prefix + name + ".weight"
	t := n.weights[full]
	if n.used != nil {
		n.used[full] = true
	}
	if want := []int{out, in, win.height, win.width}; !equalShape(t.Shape, want) {
		panic(fmt.Errorf("weight %q has shape %v, the network needs %v", full, t.Shape, want))
	}
	values := hwio(t.Int8, out, in, win.height*win.width)
	w := ConvertDType(ConstTensor(g, tensors.FromFlatDataAndDimensions(values, win.height, win.width, in, out)), x.DType())
	w = Mul(w, ExpandLeftToRank(Const(g, n.value(name+".weight_scale", nil, out).Data), 4))
	y := win.convolve(n.roundedInput(name, x), w)
	return Add(y, ExpandLeftToRank(Const(g, n.value(name+".bias", nil, out).Data), 4))
}

// Residual adds a shortcut to a layer's output x. In int8 the shortcut is what the next layer reads,
// eight bits of it.
func (n *Net) Residual(x, shortcut *Node) *Node {
	n.observe("residual", shortcut)
	if n.Frozen() && n.weights[n.prefix+"residual.input"] != nil {
		shortcut = n.roundedInput("residual", shortcut)
	}
	return Add(x, shortcut)
}

// roundedInput is x as eight bits keep it, with what is added to it.
func (n *Net) roundedInput(name string, x *Node) *Node {
	input := n.value(name+".input", nil, 3).Data
	step, zero, shift := input[0], input[1], input[2]
	if !(step > 0) || zero != float32(uint8(zero)) {
		panic(fmt.Errorf("weight %q has a step of %v and a zero point of %v, but needs a positive one and a byte", n.prefix+name+".input", step, zero))
	}
	if shift != 0 {
		x = AddScalar(x, shift)
	}
	return dequantise(quantise(x, step, zero), x.DType(), step, zero)
}

// quantise maps x to uint8: x/step + zero, rounded to even and kept in 0..255.
func quantise(x *Node, step, zero float32) *Node {
	g, dtype := x.Graph(), x.DType()
	q := Round(MulScalar(x, 1/step))
	if zero != 0 {
		q = AddScalar(q, zero)
	}
	return ConvertDType(Clamp(Scalar(g, dtype, 0), q, Scalar(g, dtype, 255)), dtypes.Uint8)
}

// dequantise maps what quantise gave back.
func dequantise(q *Node, dtype dtypes.DType, step, zero float32) *Node {
	x := ConvertDType(q, dtype)
	if zero != 0 {
		x = SubScalar(x, zero)
	}
	return MulScalar(x, step)
}

// hwio brings filters from torch's order [out, in, area] to [area, in, out].
func hwio[T any](filters []T, out, in, area int) []T {
	r := make([]T, len(filters))
	for o := range out {
		for i := range in {
			for a := range area {
				r[(a*in+i)*out+o] = filters[(o*in+i)*area+a]
			}
		}
	}
	return r
}
