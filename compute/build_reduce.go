package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/shapeinference"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"
)

// Attributes of the operations that reduce.
type (
	reduceAttrs    struct{ Axes []int }
	argMinMaxAttrs struct {
		Axis int
		Min  bool
	}
	windowOpAttrs struct {
		Reduction                     backends.ReduceOpType
		Sizes, Strides                []int
		BaseDilations, WindowDilation []int
		Paddings                      [][2]int
	}
	batchNormAttrs struct {
		Epsilon float32
		Axis    int
	}
)

func (b *Builder) reduce(op backends.OpType, x backends.Op, axes []int) (backends.Op, error) {
	v, err := b.check(op, x)
	if err != nil {
		return nil, err
	}
	dtype := v[0].dtype()
	switch op {
	case backends.OpTypeReduceLogicalAnd, backends.OpTypeReduceLogicalOr, backends.OpTypeReduceLogicalXor:
		if dtype != dtypes.Bool {
			return nil, errors.Errorf("backend %q: %s takes booleans, got %s", Name, op, v[0].shape)
		}
	case backends.OpTypeReduceBitwiseAnd, backends.OpTypeReduceBitwiseOr, backends.OpTypeReduceBitwiseXor:
		if !dtype.IsInt() {
			return nil, errors.Errorf("backend %q: %s takes integers, got %s", Name, op, v[0].shape)
		}
	}
	rank := v[0].shape.Rank()
	axes = slices.Clone(axes)
	if len(axes) == 0 {
		for axis := range rank {
			axes = append(axes, axis)
		}
	}
	slices.Sort(axes)
	shape, err := shapeinference.ReduceOp(v[0].shape, axes)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		return v[0], nil
	}
	return b.one(op, withDType(shape, dtype), reduceAttrs{axes}, v[0])
}

// ReduceMax implements backends.Builder.
func (b *Builder) ReduceMax(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceMax, x, axes)
}

// ReduceMin implements backends.Builder.
func (b *Builder) ReduceMin(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceMin, x, axes)
}

// ReduceSum implements backends.Builder.
func (b *Builder) ReduceSum(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceSum, x, axes)
}

// ReduceProduct implements backends.Builder.
func (b *Builder) ReduceProduct(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceProduct, x, axes)
}

// ReduceBitwiseAnd implements backends.Builder.
func (b *Builder) ReduceBitwiseAnd(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceBitwiseAnd, x, axes)
}

// ReduceBitwiseOr implements backends.Builder.
func (b *Builder) ReduceBitwiseOr(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceBitwiseOr, x, axes)
}

// ReduceBitwiseXor implements backends.Builder.
func (b *Builder) ReduceBitwiseXor(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceBitwiseXor, x, axes)
}

// ReduceLogicalAnd implements backends.Builder.
func (b *Builder) ReduceLogicalAnd(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceLogicalAnd, x, axes)
}

// ReduceLogicalOr implements backends.Builder.
func (b *Builder) ReduceLogicalOr(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceLogicalOr, x, axes)
}

// ReduceLogicalXor implements backends.Builder.
func (b *Builder) ReduceLogicalXor(x backends.Op, axes ...int) (backends.Op, error) {
	return b.reduce(backends.OpTypeReduceLogicalXor, x, axes)
}

// ArgMinMax implements backends.Builder. The first of equal values wins; a NaN wins over numbers.
func (b *Builder) ArgMinMax(x backends.Op, axis int, output dtypes.DType, isMin bool) (backends.Op, error) {
	v, err := b.check(backends.OpTypeArgMinMax, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.ArgMinMaxOp(v[0].shape, axis, output)
	if err != nil {
		return nil, err
	}
	return b.one(backends.OpTypeArgMinMax, shape, argMinMaxAttrs{axis, isMin}, v[0])
}

// ReduceWindow implements backends.Builder. What lies in the padding does not count.
func (b *Builder) ReduceWindow(x backends.Op, reduction backends.ReduceOpType, sizes, strides, baseDilations, windowDilations []int,
	paddings [][2]int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeReduceWindow, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.ReduceWindowOp(v[0].shape, sizes, strides, baseDilations, windowDilations, paddings)
	if err != nil {
		return nil, err
	}
	rank := v[0].shape.Rank()
	attrs := windowOpAttrs{
		Reduction:      reduction,
		Sizes:          filled(sizes, rank, 1),
		BaseDilations:  filled(baseDilations, rank, 1),
		WindowDilation: filled(windowDilations, rank, 1),
		Paddings:       filled(paddings, rank, [2]int{}),
	}
	if attrs.Strides = slices.Clone(strides); len(strides) == 0 {
		attrs.Strides = attrs.Sizes
	}
	return b.one(backends.OpTypeReduceWindow, shape, attrs, v[0])
}

// SelectAndScatterMax implements backends.Builder: the gradient of a max pool. Of equal values in a
// window the first one gets the whole.
func (b *Builder) SelectAndScatterMax(x, source backends.Op, sizes, strides []int, paddings [][2]int) (backends.Op, error) {
	return b.selectAndScatter(backends.OpTypeSelectAndScatterMax, backends.ReduceOpMax, x, source, sizes, strides, paddings)
}

// SelectAndScatterMin implements backends.Builder: the gradient of a min pool.
func (b *Builder) SelectAndScatterMin(x, source backends.Op, sizes, strides []int, paddings [][2]int) (backends.Op, error) {
	return b.selectAndScatter(backends.OpTypeSelectAndScatterMin, backends.ReduceOpMin, x, source, sizes, strides, paddings)
}

func (b *Builder) selectAndScatter(op backends.OpType, reduction backends.ReduceOpType, x, source backends.Op,
	sizes, strides []int, paddings [][2]int) (backends.Op, error) {
	v, err := b.check(op, x, source)
	if err != nil {
		return nil, err
	}
	windows, err := shapeinference.ReduceWindowOp(v[0].shape, sizes, strides, nil, nil, paddings)
	if err != nil {
		return nil, err
	}
	if !windows.Equal(v[1].shape) {
		return nil, errors.Errorf("backend %q: %s: the windows over %s make %s, but the source has shape %s", Name, op, v[0].shape, windows, v[1].shape)
	}
	rank := v[0].shape.Rank()
	attrs := windowOpAttrs{
		Reduction:      reduction,
		Sizes:          filled(sizes, rank, 1),
		BaseDilations:  filled[int](nil, rank, 1),
		WindowDilation: filled[int](nil, rank, 1),
		Paddings:       filled(paddings, rank, [2]int{}),
	}
	if attrs.Strides = slices.Clone(strides); len(strides) == 0 {
		attrs.Strides = attrs.Sizes
	}
	return b.one(op, v[0].shape, attrs, v...)
}

// batchNorm checks the operands: the first is the tensor, those after it hold one value a feature,
// but for gradients of the tensor's own shape.
func (b *Builder) batchNorm(op backends.OpType, epsilon float32, axis int, operands ...backends.Op) ([]*value, batchNormAttrs, error) {
	v, err := b.check(op, operands...)
	if err != nil {
		return nil, batchNormAttrs{}, err
	}
	x := v[0].shape
	if axis < 0 {
		axis += x.Rank()
	}
	if axis < 0 || axis >= x.Rank() || !x.DType.IsFloat() {
		return nil, batchNormAttrs{}, errors.Errorf("backend %q: %s: feature axis %d of %s must exist and the values be floats", Name, op, axis, x)
	}
	feature := shapes.Make(x.DType, x.Dimensions[axis])
	for i, operand := range v[1:] {
		isGradient := op == backends.OpTypeBatchNormGradient && i == 3
		if isGradient && !operand.shape.Equal(x) || !isGradient && !operand.shape.Equal(feature) {
			return nil, batchNormAttrs{}, errors.Errorf("backend %q: %s of %s along axis %d: operand %d has shape %s", Name, op, x, axis, i+1, operand.shape)
		}
	}
	return v, batchNormAttrs{epsilon, axis}, nil
}

// BatchNormForInference implements backends.Builder: scale * (x - mean) / sqrt(variance + epsilon) + offset.
func (b *Builder) BatchNormForInference(x, scale, offset, mean, variance backends.Op, epsilon float32, axis int) (backends.Op, error) {
	v, attrs, err := b.batchNorm(backends.OpTypeBatchNormForInference, epsilon, axis, x, scale, offset, mean, variance)
	if err != nil {
		return nil, err
	}
	return b.one(backends.OpTypeBatchNormForInference, v[0].shape, attrs, v...)
}

// BatchNormForTraining implements backends.Builder. The variance is the biased one.
func (b *Builder) BatchNormForTraining(x, scale, offset backends.Op, epsilon float32, axis int) (normalized, mean, variance backends.Op, err error) {
	v, attrs, err := b.batchNorm(backends.OpTypeBatchNormForTraining, epsilon, axis, x, scale, offset)
	if err != nil {
		return nil, nil, nil, err
	}
	n, err := b.add(backends.OpTypeBatchNormForTraining, []shapes.Shape{v[0].shape, v[1].shape, v[1].shape}, attrs, v...)
	if err != nil {
		return nil, nil, nil, err
	}
	return n.outputs[0], n.outputs[1], n.outputs[2], nil
}

// BatchNormGradient implements backends.Builder.
func (b *Builder) BatchNormGradient(x, scale, mean, variance, gradient backends.Op, epsilon float32, axis int) (
	gradX, gradScale, gradOffset backends.Op, err error) {
	v, attrs, err := b.batchNorm(backends.OpTypeBatchNormGradient, epsilon, axis, x, scale, mean, variance, gradient)
	if err != nil {
		return nil, nil, nil, err
	}
	n, err := b.add(backends.OpTypeBatchNormGradient, []shapes.Shape{v[0].shape, v[1].shape, v[1].shape}, attrs, v...)
	if err != nil {
		return nil, nil, nil, err
	}
	return n.outputs[0], n.outputs[1], n.outputs[2], nil
}
