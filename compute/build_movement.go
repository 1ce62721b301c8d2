package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/shapeinference"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"
)

// Attributes of the operations that move values without computing.
type (
	transposeAttrs struct{ Permutation []int }
	broadcastAttrs struct{ Axes []int } // the output axis of each input axis
	sliceAttrs     struct{ Starts, Limits, Strides []int }
	reverseAttrs   struct{ Axes []int }
	padAttrs       struct{ Axes []backends.PadAxis }
	axisAttrs      struct{ Axis int }
	windowAttrs    struct{ Sizes []int }
)

// Reshape implements backends.Builder.
func (b *Builder) Reshape(x backends.Op, dims ...int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeReshape, x)
	if err != nil {
		return nil, err
	}
	if _, err = shapeinference.ReshapeOp(v[0].shape, dims); err != nil {
		return nil, err
	}
	return b.reshape(v[0], dims)
}

// reshape looks through reshapes of reshapes.
func (b *Builder) reshape(v *value, dims []int) (*value, error) {
	if slices.Equal(v.dims(), dims) {
		return v, nil
	}
	if v.constant != nil {
		return b.constantValue(shapes.Make(v.dtype(), dims...), v.constant), nil
	}
	if v.node != nil && v.node.op == backends.OpTypeReshape {
		return b.reshape(v.node.inputs[0], dims)
	}
	n, err := b.add(backends.OpTypeReshape, []shapes.Shape{shapes.Make(v.dtype(), dims...)}, nil, v)
	if err != nil {
		return nil, err
	}
	return n.out(), nil
}

// Transpose implements backends.Builder.
func (b *Builder) Transpose(x backends.Op, permutation ...int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeTranspose, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.TransposeOp(v[0].shape, permutation)
	if err != nil {
		return nil, err
	}
	if onlyMovesOnes(v[0].dims(), permutation) {
		return b.reshape(v[0], shape.Dimensions)
	}
	return b.one(backends.OpTypeTranspose, shape, transposeAttrs{slices.Clone(permutation)}, v[0])
}

// onlyMovesOnes is whether the permutation keeps the order of all axes but those of dimension 1.
func onlyMovesOnes(dims, permutation []int) bool {
	last := -1
	for _, axis := range permutation {
		if dims[axis] == 1 {
			continue
		}
		if axis < last {
			return false
		}
		last = axis
	}
	return true
}

// BroadcastInDim implements backends.Builder.
func (b *Builder) BroadcastInDim(x backends.Op, shape shapes.Shape, axes []int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeBroadcastInDim, x)
	if err != nil {
		return nil, err
	}
	if err = shapeinference.BroadcastInDimOp(v[0].shape, shape, axes); err != nil {
		return nil, err
	}
	if !slices.IsSorted(axes) {
		return nil, errors.Errorf("backend %q: BroadcastInDim: axes %v must increase", Name, axes)
	}
	if v[0].shape.Size() == shape.Size() {
		return b.reshape(v[0], shape.Dimensions)
	}
	return b.one(backends.OpTypeBroadcastInDim, withDType(shape, v[0].dtype()), broadcastAttrs{slices.Clone(axes)}, v[0])
}

// Slice implements backends.Builder.
func (b *Builder) Slice(x backends.Op, starts, limits, strides []int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeSlice, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.SliceOp(v[0].shape, starts, limits, strides)
	if err != nil {
		return nil, err
	}
	if len(strides) == 0 {
		strides = slices.Repeat([]int{1}, shape.Rank())
	}
	if slices.Equal(shape.Dimensions, v[0].dims()) {
		return v[0], nil
	}
	attrs := sliceAttrs{slices.Clone(starts), slices.Clone(limits), slices.Clone(strides)}
	return b.one(backends.OpTypeSlice, shape, attrs, v[0])
}

// Reverse implements backends.Builder.
func (b *Builder) Reverse(x backends.Op, axes ...int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeReverse, x)
	if err != nil {
		return nil, err
	}
	var kept []int
	for _, axis := range axes {
		if axis < 0 || axis >= v[0].shape.Rank() {
			return nil, errors.Errorf("backend %q: Reverse: axis %d is out of range for %s", Name, axis, v[0].shape)
		}
		if v[0].dims()[axis] > 1 && !slices.Contains(kept, axis) {
			kept = append(kept, axis)
		}
	}
	if len(kept) == 0 {
		return v[0], nil
	}
	slices.Sort(kept)
	return b.one(backends.OpTypeReverse, v[0].shape, reverseAttrs{kept}, v[0])
}

// Pad implements backends.Builder. Negative padding at the ends crops.
func (b *Builder) Pad(x, fill backends.Op, axes ...backends.PadAxis) (backends.Op, error) {
	v, err := b.check(backends.OpTypePad, x, fill)
	if err != nil {
		return nil, err
	}
	rank := v[0].shape.Rank()
	if len(axes) > rank || !v[1].shape.IsScalar() || v[1].dtype() != v[0].dtype() {
		return nil, errors.Errorf("backend %q: Pad of %s takes a scalar of its data type and at most %d axes, got %s and %d",
			Name, v[0].shape, rank, v[1].shape, len(axes))
	}
	all := make([]backends.PadAxis, rank)
	copy(all, axes)
	dims := slices.Clone(v[0].dims())
	for i, axis := range all {
		if axis.Interior < 0 {
			return nil, errors.Errorf("backend %q: Pad: interior padding %d of axis %d is negative", Name, axis.Interior, i)
		}
		dims[i] += axis.Start + axis.End + axis.Interior*max(dims[i]-1, 0)
		if dims[i] < 0 {
			return nil, errors.Errorf("backend %q: Pad: %+v crops more than axis %d of %s has", Name, axis, i, v[0].shape)
		}
	}
	if slices.Equal(dims, v[0].dims()) && !slices.ContainsFunc(all, func(a backends.PadAxis) bool { return a != backends.PadAxis{} }) {
		return v[0], nil
	}
	return b.one(backends.OpTypePad, shapes.Make(v[0].dtype(), dims...), padAttrs{all}, v[0], v[1])
}

// Concatenate implements backends.Builder.
func (b *Builder) Concatenate(axis int, operands ...backends.Op) (backends.Op, error) {
	v, err := b.check(backends.OpTypeConcatenate, operands...)
	if err != nil {
		return nil, err
	}
	if len(v) == 1 {
		return v[0], nil
	}
	all := make([]shapes.Shape, len(v))
	for i, operand := range v {
		all[i] = operand.shape
	}
	shape, err := shapeinference.ConcatenateOp(all, axis)
	if err != nil {
		return nil, err
	}
	return b.one(backends.OpTypeConcatenate, shape, axisAttrs{axis}, v...)
}

// Iota implements backends.Builder.
func (b *Builder) Iota(shape shapes.Shape, axis int) (backends.Op, error) {
	if _, err := b.check(backends.OpTypeIota); err != nil {
		return nil, err
	}
	if axis < 0 || axis >= shape.Rank() {
		return nil, errors.Errorf("backend %q: Iota: axis %d is out of range for %s", Name, axis, shape)
	}
	return b.one(backends.OpTypeIota, shape, axisAttrs{axis})
}

// DynamicSlice implements backends.Builder. The start is moved so that the slice lies within x.
func (b *Builder) DynamicSlice(x backends.Op, starts []backends.Op, sizes []int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeDynamicSlice, append([]backends.Op{x}, starts...)...)
	if err != nil {
		return nil, err
	}
	if err = checkStarts(backends.OpTypeDynamicSlice, v[0].shape, v[1:], sizes); err != nil {
		return nil, err
	}
	return b.one(backends.OpTypeDynamicSlice, shapes.Make(v[0].dtype(), sizes...), windowAttrs{slices.Clone(sizes)}, v...)
}

// DynamicUpdateSlice implements backends.Builder.
func (b *Builder) DynamicUpdateSlice(x, update backends.Op, starts []backends.Op) (backends.Op, error) {
	v, err := b.check(backends.OpTypeDynamicUpdateSlice, append([]backends.Op{x, update}, starts...)...)
	if err != nil {
		return nil, err
	}
	if v[0].dtype() != v[1].dtype() {
		return nil, errors.Errorf("backend %q: DynamicUpdateSlice: %s and %s differ in data type", Name, v[0].shape, v[1].shape)
	}
	if err = checkStarts(backends.OpTypeDynamicUpdateSlice, v[0].shape, v[2:], v[1].dims()); err != nil {
		return nil, err
	}
	return b.one(backends.OpTypeDynamicUpdateSlice, v[0].shape, nil, v...)
}

func checkStarts(op backends.OpType, shape shapes.Shape, starts []*value, sizes []int) error {
	if len(starts) != shape.Rank() || len(sizes) != shape.Rank() {
		return errors.Errorf("backend %q: %s of %s takes a start and a size for each axis, got %d and %d",
			Name, op, shape, len(starts), len(sizes))
	}
	for i, start := range starts {
		if !start.shape.IsScalar() || !start.dtype().IsInt() {
			return errors.Errorf("backend %q: %s: start %d must be an integer scalar, got %s", Name, op, i, start.shape)
		}
		if sizes[i] < 0 || sizes[i] > shape.Dimensions[i] {
			return errors.Errorf("backend %q: %s: size %d of axis %d is out of range for %s", Name, op, sizes[i], i, shape)
		}
	}
	return nil
}
