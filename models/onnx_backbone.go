package models

import (
	"fmt"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models/onnx"
)

// backboneForONNX is the trunk that an ONNX network is. Photos smaller than a network of fixed size reads get zeros to the right and below, and
// cells of those are cut off, so that the locator's sizes are there for it too; larger ones are refused.
func backboneForONNX(o *onnx.Network) Backbone {
	return Backbone{
		Name: onnxBackbone, Mean: o.Mean, Deviation: o.Deviation, Stride: o.Stride, Channels: o.Channels, Stages: 1,
		Build: func(net *Net, x *Node) *Node {
			dims := x.Shape().Dimensions
			photos := ConvertDType(x, dtypes.Float32)
			x = paddedForONNX(o, photos)
			padded, parts := x != photos, []*Node{x}
			if o.Batch > 0 && dims[0] != o.Batch {
				whole := RoundUp(dims[0], o.Batch)
				x = zeroPad(x, 0, 0, whole-dims[0])
				parts = nil
				for at := 0; at < whole; at += o.Batch {
					parts = append(parts, Slice(x, AxisRange(at, at+o.Batch)))
				}
			}
			for i, part := range parts {
				parts[i] = o.Build(part, func(name string, shape []int, fixed bool) *Node {
					return net.raw(part.Graph(), name, fixed, shape...)
				})
			}
			if x = Concatenate(parts, 0); x.Shape().Dimensions[0] > dims[0] {
				x = Slice(x, AxisRange(0, dims[0]))
			}
			rows, columns := (dims[1]+o.Stride-1)/o.Stride, (dims[2]+o.Stride-1)/o.Stride
			if padded {
				x = Slice(x, AxisRange(), AxisRange(0, rows), AxisRange(0, columns))
			}
			x.AssertDims(dims[0], rows, columns, o.Channels)
			return net.Stage(1, x)
		},
	}
}

// paddedForONNX brings photos to the size that the network reads.
func paddedForONNX(o *onnx.Network, x *Node) *Node {
	dims := x.Shape().Dimensions
	if o.Height == 0 || dims[1] == o.Height && dims[2] == o.Width {
		return x
	}
	if dims[1] > o.Height || dims[2] > o.Width {
		panic(fmt.Errorf("onnx: the network reads photos of %d x %d, not of %d x %d", o.Height, o.Width, dims[1], dims[2]))
	}
	return zeroPad(zeroPad(x, 1, 0, o.Height-dims[1]), 2, 0, o.Width-dims[2])
}

// raw returns a weight in the layout that its shape tells, which is the file's, not a torch layer's. One that is fixed
// is not trained.
func (n *Net) raw(g *Graph, name string, fixed bool, shape ...int) *Node {
	init := heNormal(shape[len(shape)-1])
	if n.Frozen() {
		t := n.value(name, init, shape...)
		return ConstTensor(g, tensors.FromFlatDataAndDimensions(t.Data, t.Shape...))
	}
	v := n.variable(name, init, shape...)
	if fixed { // a checkpoint's variables do not know
		v.SetTrainable(false)
	}
	w := v.ValueGraph(g)
	switch len(shape) { // as toGraph left it
	case 2:
		w = Transpose(w, 0, 1)
	case 4:
		w = TransposeAllAxes(w, 3, 2, 0, 1)
	}
	return w
}
