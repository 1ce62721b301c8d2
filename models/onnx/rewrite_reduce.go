package onnx

import (
	"errors"
	"fmt"
	"math"
)

// reduce writes the reductions that onnx-gomlx lacks, of which it has the mean alone.
func (w *rewriter) reduce(n node) error {
	axes := attribute[[]int64](n, "axes", nil) // an input since opset 13 or 18
	if axes == nil {
		axes, _ = w.known(n.input(1))
	}
	if len(axes) == 0 {
		return errors.New("the axes that it goes over are not known: export it with constant ones")
	}
	if len(axes) > mostAxes {
		return fmt.Errorf("it goes over %d axes, more than a tensor has", len(axes))
	}
	x, y, keep := n.inputs[0], n.outputs[0], attribute(n, "keepdims", int64(1))
	switch n.op {
	case "ReduceSum":
		w.sum(y, x, axes, keep)
	case "ReduceL2":
		// The root of zero has no gradient.
		w.add("Sqrt", y, w.add("Max", "", w.sum("", w.add("Mul", "", x, x), axes, keep), w.number(smallestNormal)))
	case "ReduceMax":
		for _, axis := range axes {
			x = w.largest(x, axis)
		}
		if keep != 0 {
			w.add("Identity", y, x)
		} else {
			w.add("Squeeze", y, x, w.integers(axes))
		}
	}
	return nil
}

// mostAxes of a tensor: what is written of a reduction is as long as its axes are many.
const mostAxes = 8

// smallestNormal is the least positive float32 that loses no bits.
const smallestNormal = 0x1p-126

// sum is the mean times the number of places.
func (w *rewriter) sum(y, x string, axes []int64, keep int64) string {
	count := w.length(x, axes[0])
	for _, axis := range axes[1:] {
		count = w.add("Mul", "", count, w.length(x, axis))
	}
	places, mean := w.name(""), w.name("")
	w.put(node{op: "Cast", inputs: []string{count}, outputs: []string{places}, attributes: map[string]any{"to": int64(typeFloat)}})
	w.put(node{op: "ReduceMean", inputs: []string{x}, outputs: []string{mean}, attributes: map[string]any{"axes": axes, "keepdims": keep}})
	return w.add("Mul", y, mean, places)
}

// longestAxis of which the largest is found.
const longestAxis = 1 << 16

// largest leaves one place of an axis: neighbours are compared until there are none. How long it is is not known here, so
// its first place is put behind the last, in case that has no neighbour. That takes no arithmetic of lengths, of which
// onnx-gomlx compiles a graph for each.
func (w *rewriter) largest(x string, axis int64) string {
	along, zero, one, two, before, end := w.integers([]int64{axis}), w.integers([]int64{0}), w.integers([]int64{1}), w.integers([]int64{2}), w.integers([]int64{-1}), w.integers([]int64{math.MaxInt64})
	for longest := longestAxis; longest > 1; longest /= 2 {
		even := w.name("")
		w.put(node{op: "Concat", inputs: []string{x, w.add("Slice", "", x, zero, one, along)}, outputs: []string{even}, attributes: map[string]any{"axis": axis}})
		x = w.add("Max", "", w.add("Slice", "", even, zero, before, along, two), w.add("Slice", "", even, one, end, along, two))
	}
	return x
}
