package models

import (
	"slices"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
)

// zeroPad puts so many zeros before and behind x along an axis. GoMLX's Pad has no gradient, which a spatial transformer
// before it learns from.
func zeroPad(x *Node, axis, before, behind int) *Node {
	zeros := func(n int) []*Node {
		if n == 0 {
			return nil
		}
		dims := slices.Clone(x.Shape().Dimensions)
		dims[axis] = n
		return []*Node{Zeros(x.Graph(), shapes.Make(x.DType(), dims...))}
	}
	return Concatenate(slices.Concat(zeros(before), []*Node{x}, zeros(behind)), axis)
}
