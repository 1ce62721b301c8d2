package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/shapeinference"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"
)

func (b *Builder) unary(op backends.OpType, x backends.Op) (backends.Op, error) {
	v, err := b.check(op, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.UnaryOp(op, v[0].shape)
	if err != nil {
		return nil, err
	}
	return b.one(op, shape, nil, v[0])
}

func (b *Builder) binary(op backends.OpType, lhs, rhs backends.Op) (backends.Op, error) {
	v, err := b.check(op, lhs, rhs)
	if err != nil {
		return nil, err
	}
	var shape shapes.Shape
	switch op {
	case backends.OpTypeShiftLeft, backends.OpTypeShiftRightArithmetic, backends.OpTypeShiftRightLogical:
		// Shape inference knows shifts as bitwise operations only by their kin.
		shape, err = shapeinference.BinaryOp(backends.OpTypeBitwiseAnd, v[0].shape, v[1].shape)
	default:
		shape, err = shapeinference.BinaryOp(op, v[0].shape, v[1].shape)
	}
	if err != nil {
		return nil, err
	}
	return b.elementwise(op, shape, v...)
}

func (b *Builder) compare(op backends.OpType, lhs, rhs backends.Op) (backends.Op, error) {
	v, err := b.check(op, lhs, rhs)
	if err != nil {
		return nil, err
	}
	infer := op
	if op == backends.OpTypeNotEqualTotalOrder {
		infer = backends.OpTypeEqualTotalOrder // the one that shape inference left out
	}
	l, r := v[0].shape, v[1].shape
	if l.DType == dtypes.Bool && r.DType == dtypes.Bool {
		l, r = withDType(l, dtypes.Uint8), withDType(r, dtypes.Uint8)
	}
	shape, err := shapeinference.ComparisonOp(infer, l, r)
	if err != nil {
		return nil, err
	}
	return b.elementwise(op, withDType(shape, dtypes.Bool), v...)
}

// elementwise adds an operation whose operands broadcast to the shape: each has its rank, with
// dimensions of 1 where it is repeated, or is a scalar.
func (b *Builder) elementwise(op backends.OpType, shape shapes.Shape, operands ...*value) (backends.Op, error) {
	operands = slices.Clone(operands)
	shape = shape.Clone()
	for i, v := range operands {
		for axis, dim := range v.dims() {
			if dim == 0 { // shape inference takes the larger: an axis of 1 is repeated no time
				shape.Dimensions[axis] = 0
			}
		}
		narrow, err := b.narrow(v)
		if err != nil {
			return nil, err
		}
		if narrow != v {
			operands[i] = narrow
		}
	}
	return b.one(op, shape, nil, operands...)
}

// narrow looks through a broadcast: the operand before it, reshaped so that it broadcasts by itself.
func (b *Builder) narrow(v *value) (*value, error) {
	if v.node == nil {
		return v, nil
	}
	axes, ok := v.node.attrs.(broadcastAttrs)
	if !ok {
		return v, nil
	}
	x := v.node.inputs[0]
	if x.shape.Size() == 1 {
		return b.reshape(x, nil)
	}
	dims := slices.Repeat([]int{1}, v.shape.Rank())
	for i, axis := range axes.Axes {
		dims[axis] = x.dims()[i]
	}
	return b.reshape(x, dims)
}

// Where implements backends.Builder.
func (b *Builder) Where(condition, onTrue, onFalse backends.Op) (backends.Op, error) {
	v, err := b.check(backends.OpTypeWhere, condition, onTrue, onFalse)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.WhereOp(v[0].shape, v[1].shape, v[2].shape)
	if err != nil {
		return nil, err
	}
	if v[1].dtype() != v[2].dtype() {
		return nil, errors.Errorf("backend %q: Where: %s and %s differ in data type", Name, v[1].shape, v[2].shape)
	}
	return b.elementwise(backends.OpTypeWhere, shape, v...)
}

// Clamp implements backends.Builder. The limits have the shape of x or are scalars.
func (b *Builder) Clamp(low, x, high backends.Op) (backends.Op, error) {
	v, err := b.check(backends.OpTypeClamp, low, x, high)
	if err != nil {
		return nil, err
	}
	for _, limit := range []*value{v[0], v[2]} {
		if limit.dtype() != v[1].dtype() || !limit.shape.IsScalar() && !limit.shape.Equal(v[1].shape) {
			return nil, errors.Errorf("backend %q: Clamp: limits must be scalars or have the operand's shape %s, got %s",
				Name, v[1].shape, limit.shape)
		}
	}
	raised, err := b.Max(x, low)
	if err != nil {
		return nil, err
	}
	return b.Min(raised, high)
}

// ConvertDType implements backends.Builder.
func (b *Builder) ConvertDType(x backends.Op, dtype dtypes.DType) (backends.Op, error) {
	v, err := b.check(backends.OpTypeConvertDType, x)
	if err != nil {
		return nil, err
	}
	if v[0].dtype() == dtype {
		return v[0], nil
	}
	return b.one(backends.OpTypeConvertDType, withDType(v[0].shape, dtype), nil, v[0])
}

// IsFinite implements backends.Builder.
func (b *Builder) IsFinite(x backends.Op) (backends.Op, error) {
	return b.predicate(backends.OpTypeIsFinite, x)
}

// IsNaN implements backends.Builder.
func (b *Builder) IsNaN(x backends.Op) (backends.Op, error) {
	return b.predicate(backends.OpTypeIsNaN, x)
}

func (b *Builder) predicate(op backends.OpType, x backends.Op) (backends.Op, error) {
	v, err := b.check(op, x)
	if err != nil {
		return nil, err
	}
	if !v[0].dtype().IsFloat() {
		return nil, errors.Errorf("backend %q: %s is defined for floats, got %s", Name, op, v[0].shape)
	}
	return b.one(op, withDType(v[0].shape, dtypes.Bool), nil, v[0])
}

// Bitcast implements backends.Builder.
func (b *Builder) Bitcast(x backends.Op, dtype dtypes.DType) (backends.Op, error) {
	v, err := b.check(backends.OpTypeBitcast, x)
	if err != nil {
		return nil, err
	}
	from, to := v[0].dtype().Size(), dtype.Size()
	shape := withDType(v[0].shape, dtype)
	rank := shape.Rank()
	switch {
	case from > to:
		shape.Dimensions = append(shape.Dimensions, from/to)
	case from < to:
		if rank == 0 || shape.Dimensions[rank-1] != to/from {
			return nil, errors.Errorf("backend %q: Bitcast of %s to %s needs a last axis of %d", Name, v[0].shape, dtype, to/from)
		}
		shape.Dimensions = shape.Dimensions[:rank-1]
	}
	return b.one(backends.OpTypeBitcast, shape, nil, v[0])
}
