package models

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// backbone is the trunk. Photos smaller than a network of fixed size reads get zeros to the right and below, and
// cells of those are cut off, so that the locator's sizes are there for it too; larger ones are refused.
func (c *ONNXConfig) backbone() Backbone {
	return Backbone{
		Name: onnxBackbone, Mean: c.Mean, Deviation: c.Deviation, Stride: c.Stride, Channels: c.Channels, Stages: 1,
		Build: func(net *Net, x *Node) *Node {
			dims := x.Shape().Dimensions
			photos := ConvertDType(x, dtypes.Float32)
			x = c.padded(photos)
			padded, parts := x != photos, []*Node{x}
			if c.Batch > 0 && dims[0] != c.Batch {
				whole := RoundUp(dims[0], c.Batch)
				x = zeroPad(x, 0, 0, whole-dims[0])
				parts = nil
				for at := 0; at < whole; at += c.Batch {
					parts = append(parts, Slice(x, AxisRange(at, at+c.Batch)))
				}
			}
			for i, part := range parts {
				parts[i] = c.call(net, part)
			}
			if x = Concatenate(parts, 0); x.Shape().Dimensions[0] > dims[0] {
				x = Slice(x, AxisRange(0, dims[0]))
			}
			rows, columns := (dims[1]+c.Stride-1)/c.Stride, (dims[2]+c.Stride-1)/c.Stride
			if padded {
				x = Slice(x, AxisRange(), AxisRange(0, rows), AxisRange(0, columns))
			}
			x.AssertDims(dims[0], rows, columns, c.Channels)
			return net.Stage(1, x)
		},
	}
}

// padded brings photos to the size that the network reads.
func (c *ONNXConfig) padded(x *Node) *Node {
	dims := x.Shape().Dimensions
	if c.Height == 0 || dims[1] == c.Height && dims[2] == c.Width {
		return x
	}
	if dims[1] > c.Height || dims[2] > c.Width {
		panic(fmt.Errorf("onnx: the network reads photos of %d x %d, not of %d x %d", c.Height, c.Width, dims[1], dims[2]))
	}
	return zeroPad(zeroPad(x, 1, 0, c.Height-dims[1]), 2, 0, c.Width-dims[2])
}

// call builds the network on photos [batch, height, width, 3]; it returns features [batch, rows, columns,
// channels].
func (c *ONNXConfig) call(net *Net, x *Node) *Node {
	// A parsed model keeps tables while it is called, so each graph has its own; it is small without weights.
	model, err := parseONNX(c.Graph)
	if err != nil {
		panic(err)
	}
	g := x.Graph()
	height, width := x.Shape().Dimensions[1], x.Shape().Dimensions[2]
	inputs, fixed := map[string]*Node{c.Input: c.arranged(x)}, runningStatistics(model)
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		inputs[name] = net.raw(g, name, fixed[name], c.Weights[name]...)
	}
	y := model.CallGraph(nil, g, inputs, c.Layer)[0]
	switch c.Layout {
	case ONNXChannelsFirst:
		y = TransposeAllAxes(y, 0, 2, 3, 1)
	case ONNXTokens:
		y = Slice(y, AxisRange(), AxisRange(c.Prefix), AxisRange())
		y = Reshape(y, y.Shape().Dimensions[0], height/c.Stride, width/c.Stride, c.Channels)
	}
	return y
}

// arranged brings photos [batch, height, width, 3] into the order that the network reads.
func (c *ONNXConfig) arranged(x *Node) *Node {
	if c.ChannelsFirst {
		return TransposeAllAxes(x, 0, 3, 1, 2)
	}
	return x
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
