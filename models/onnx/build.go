package onnx

import (
	"maps"
	"slices"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	onnxgomlx "github.com/gomlx/onnx-gomlx/onnx"
)

// Build writes the network into the graph of x, which are normalised photos [batch, height, width, 3] in float32, and returns
// features [batch, rows, columns, Channels]. Where Batch, Height and Width are not 0, the photos are so many and so large. weight
// gives the node of a large weight in the shape that Weights says; a fixed one is not to be trained. It panics on errors, as
// GoMLX's graph builders do.
func (n *Network) Build(x *Node, weight func(name string, shape []int, fixed bool) *Node) *Node {
	// A parsed model keeps tables while it is called, so each graph has its own; it is small without weights.
	model, err := parse(n.Graph)
	if err != nil {
		panic(err)
	}
	height, width := x.Shape().Dimensions[1], x.Shape().Dimensions[2]
	inputs, fixed := map[string]*Node{n.Input: n.arranged(x)}, runningStatistics(model)
	for _, name := range slices.Sorted(maps.Keys(n.Weights)) {
		inputs[name] = weight(name, n.Weights[name], fixed[name])
	}
	y := model.CallGraph(nil, x.Graph(), inputs, n.Layer)[0]
	switch n.Layout {
	case ChannelsFirst:
		y = TransposeAllAxes(y, 0, 2, 3, 1)
	case Tokens:
		y = Slice(y, AxisRange(), AxisRange(n.Prefix), AxisRange())
		y = Reshape(y, y.Shape().Dimensions[0], height/n.Stride, width/n.Stride, n.Channels)
	}
	return y
}

// arranged brings photos [batch, height, width, 3] into the order that the network reads.
func (n *Network) arranged(x *Node) *Node {
	if n.ChannelsFirst {
		return TransposeAllAxes(x, 0, 3, 1, 2)
	}
	return x
}

// runningStatistics names the means and variances of a network's batch normalisations: they are counted, not learned,
// and a variance that gradients move may become negative. Exporters write Identity where several share a tensor.
func runningStatistics(model *onnxgomlx.Model) map[string]bool {
	names := map[string]bool{}
	for _, n := range slices.Backward(model.Proto.Graph.Node) {
		switch {
		case n.OpType == "BatchNormalization" && len(n.Input) == 5:
			names[n.Input[3]], names[n.Input[4]] = true, true
		case n.OpType == "Identity" && len(n.Input) == 1 && names[n.Output[0]]:
			names[n.Input[0]] = true
		}
	}
	return names
}
