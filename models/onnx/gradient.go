package onnx

import (
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
)

// GoMLX has no gradient of Identity, which exporters write where layers share a tensor, and so in most networks.
func init() {
	VJPRegistration[NodeTypeIdentity] = func(_ *Node, gradients []*Node, _ shapes.Shape) []*Node { return gradients }
}
