package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/shapeinference"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"
)

// Attributes of the operations that look up by index.
type (
	gatherAttrs struct {
		VectorAxis                                      int
		OffsetAxes, CollapsedAxes, StartMap, SliceSizes []int
	}
	scatterAttrs struct {
		VectorAxis                                 int
		WindowAxes, InsertedAxes, ScatterToOperand []int
	}
)

// Gather implements backends.Builder. A start is moved so that its slice lies within the operand.
func (b *Builder) Gather(x, starts backends.Op, vectorAxis int, offsetAxes, collapsedAxes, startMap, sliceSizes []int, sorted bool) (backends.Op, error) {
	v, err := b.check(backends.OpTypeGather, x, starts)
	if err != nil {
		return nil, err
	}
	shape, err := gatherShape(v[0].shape, v[1].shape, vectorAxis, offsetAxes, collapsedAxes, startMap, sliceSizes, sorted)
	if err != nil {
		return nil, err
	}
	if !v[1].dtype().IsInt() {
		return nil, errors.Errorf("backend %q: Gather: indices must be integers, got %s", Name, v[1].shape)
	}
	attrs := gatherAttrs{vectorAxis, slices.Clone(offsetAxes), slices.Clone(collapsedAxes), slices.Clone(startMap), slices.Clone(sliceSizes)}
	return b.one(backends.OpTypeGather, withDType(shape, v[0].dtype()), attrs, v...)
}

// gatherShape is that of a Gather's output. GoMLX's own function wants vectorAxis, which is one of the axes of
// starts, to be at most the rank of x: so x gets as many axes of size 1 in front as that takes.
func gatherShape(x, starts shapes.Shape, vectorAxis int, offsetAxes, collapsedAxes, startMap, sliceSizes []int, sorted bool) (shapes.Shape, error) {
	more := min(vectorAxis, starts.Rank()) - x.Rank()
	if more <= 0 || x.IsScalar() {
		return shapeinference.Gather(x, starts, vectorAxis, offsetAxes, collapsedAxes, startMap, sliceSizes, sorted)
	}
	ones, collapsed := make([]int, more), make([]int, more)
	for axis := range more {
		ones[axis], collapsed[axis] = 1, axis
	}
	moved := func(axes []int) []int {
		all := slices.Clone(axes)
		for i := range all {
			all[i] += more
		}
		return all
	}
	wide := shapes.Make(x.DType, slices.Concat(ones, x.Dimensions)...)
	return shapeinference.Gather(wide, starts, vectorAxis, offsetAxes, slices.Concat(collapsed, moved(collapsedAxes)), moved(startMap), slices.Concat(ones, sliceSizes), sorted)
}

// ScatterSum implements backends.Builder. An update that does not lie within the operand is left out.
func (b *Builder) ScatterSum(x, indices, updates backends.Op, vectorAxis int, windowAxes, insertedAxes, scatterAxes []int, _, _ bool) (backends.Op, error) {
	return b.scatter(backends.OpTypeScatterSum, x, indices, updates, vectorAxis, windowAxes, insertedAxes, scatterAxes)
}

// ScatterMax implements backends.Builder.
func (b *Builder) ScatterMax(x, indices, updates backends.Op, vectorAxis int, windowAxes, insertedAxes, scatterAxes []int, _, _ bool) (backends.Op, error) {
	return b.scatter(backends.OpTypeScatterMax, x, indices, updates, vectorAxis, windowAxes, insertedAxes, scatterAxes)
}

// ScatterMin implements backends.Builder.
func (b *Builder) ScatterMin(x, indices, updates backends.Op, vectorAxis int, windowAxes, insertedAxes, scatterAxes []int, _, _ bool) (backends.Op, error) {
	return b.scatter(backends.OpTypeScatterMin, x, indices, updates, vectorAxis, windowAxes, insertedAxes, scatterAxes)
}

func (b *Builder) scatter(op backends.OpType, x, indices, updates backends.Op, vectorAxis int, windowAxes, insertedAxes, scatterAxes []int) (backends.Op, error) {
	v, err := b.check(op, x, indices, updates)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.ScatterOp(v[0].shape, v[1].shape, v[2].shape, vectorAxis, windowAxes, insertedAxes, scatterAxes)
	if err != nil {
		return nil, err
	}
	if !v[1].dtype().IsInt() || v[2].dtype() != v[0].dtype() {
		return nil, errors.Errorf("backend %q: %s of %s: indices must be integers and updates of the operand's data type, got %s and %s",
			Name, op, v[0].shape, v[1].shape, v[2].shape)
	}
	attrs := scatterAttrs{vectorAxis, slices.Clone(windowAxes), slices.Clone(insertedAxes), slices.Clone(scatterAxes)}
	return b.one(op, shape, attrs, v...)
}

// RNGBitGenerator implements backends.Builder: Philox4x32-10, see ops_random.go.
func (b *Builder) RNGBitGenerator(state backends.Op, shape shapes.Shape) (newState, values backends.Op, err error) {
	v, err := b.check(backends.OpTypeRNGBitGenerator, state)
	if err != nil {
		return nil, nil, err
	}
	if !v[0].shape.Equal(backends.RNGStateShape) {
		return nil, nil, errors.Errorf("backend %q: RNGBitGenerator: the state must have shape %s, got %s", Name, backends.RNGStateShape, v[0].shape)
	}
	n, err := b.add(backends.OpTypeRNGBitGenerator, []shapes.Shape{v[0].shape, shape}, nil, v[0])
	if err != nil {
		return nil, nil, err
	}
	return n.outputs[0], n.outputs[1], nil
}
