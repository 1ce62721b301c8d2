package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/shapeinference"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"
)

// dotAttrs are the axes of a DotGeneral.
type dotAttrs struct{ LeftContracting, LeftBatch, RightContracting, RightBatch []int }

// convAttrs are the parameters of a ConvGeneral, all filled in.
type convAttrs struct {
	Axes                       backends.ConvolveAxesConfig
	Strides                    []int
	Paddings                   [][2]int
	InputDilations, Dilations  []int
	ChannelGroups, BatchGroups int
}

// Dot implements backends.Builder.
func (b *Builder) Dot(lhs, rhs backends.Op) (backends.Op, error) {
	v, err := b.check(backends.OpTypeDot, lhs, rhs)
	if err != nil {
		return nil, err
	}
	rank := v[0].shape.Rank()
	if rank < 1 || rank > 2 || v[1].shape.Rank() < 1 || v[1].shape.Rank() > 2 || rank < v[1].shape.Rank() {
		return nil, errors.Errorf("backend %q: Dot is defined for vectors and matrices, got %s and %s", Name, v[0].shape, v[1].shape)
	}
	return b.DotGeneral(lhs, []int{rank - 1}, nil, rhs, []int{0}, nil)
}

// DotGeneral implements backends.Builder: the output has the batch axes, then the free axes of the
// left operand, then those of the right one.
func (b *Builder) DotGeneral(lhs backends.Op, lhsContracting, lhsBatch []int, rhs backends.Op, rhsContracting, rhsBatch []int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeDotGeneral, lhs, rhs)
	if err != nil {
		return nil, err
	}
	l, r := v[0].shape, v[1].shape
	if l.DType != r.DType || len(lhsContracting) != len(rhsContracting) || len(lhsBatch) != len(rhsBatch) {
		return nil, errors.Errorf("backend %q: DotGeneral: %s and %s must agree in data type and in the number of contracting (%v, %v) and batch axes (%v, %v)",
			Name, l, r, lhsContracting, rhsContracting, lhsBatch, rhsBatch)
	}
	attrs := dotAttrs{}
	if attrs.LeftContracting, attrs.LeftBatch, err = dotAxes(l, lhsContracting, lhsBatch); err != nil {
		return nil, err
	}
	if attrs.RightContracting, attrs.RightBatch, err = dotAxes(r, rhsContracting, rhsBatch); err != nil {
		return nil, err
	}
	var dims []int
	for i, axis := range attrs.LeftBatch {
		if l.Dimensions[axis] != r.Dimensions[attrs.RightBatch[i]] {
			return nil, errors.Errorf("backend %q: DotGeneral: batch axes of %s and %s differ in size", Name, l, r)
		}
		dims = append(dims, l.Dimensions[axis])
	}
	for i, axis := range attrs.LeftContracting {
		if l.Dimensions[axis] != r.Dimensions[attrs.RightContracting[i]] {
			return nil, errors.Errorf("backend %q: DotGeneral: contracting axes of %s and %s differ in size", Name, l, r)
		}
	}
	for _, axis := range freeAxes(l.Rank(), attrs.LeftContracting, attrs.LeftBatch) {
		dims = append(dims, l.Dimensions[axis])
	}
	for _, axis := range freeAxes(r.Rank(), attrs.RightContracting, attrs.RightBatch) {
		dims = append(dims, r.Dimensions[axis])
	}
	return b.one(backends.OpTypeDotGeneral, shapes.Make(l.DType, dims...), attrs, v...)
}

// dotAxes makes negative axes positive and checks that none comes twice.
func dotAxes(shape shapes.Shape, contracting, batch []int) (c, bt []int, err error) {
	seen := make([]bool, shape.Rank())
	take := func(axes []int) ([]int, error) {
		var out []int
		for _, axis := range axes {
			if axis < 0 {
				axis += shape.Rank()
			}
			if axis < 0 || axis >= shape.Rank() || seen[axis] {
				return nil, errors.Errorf("backend %q: DotGeneral: axes %v, %v are out of range or repeated for %s", Name, contracting, batch, shape)
			}
			seen[axis] = true
			out = append(out, axis)
		}
		return out, nil
	}
	if c, err = take(contracting); err != nil {
		return nil, nil, err
	}
	bt, err = take(batch)
	return c, bt, err
}

// freeAxes are the axes of a tensor that are in none of the lists.
func freeAxes(rank int, lists ...[]int) []int {
	var free []int
	for axis := range rank {
		if !slices.ContainsFunc(lists, func(l []int) bool { return slices.Contains(l, axis) }) {
			free = append(free, axis)
		}
	}
	return free
}

// ConvGeneral implements backends.Builder.
func (b *Builder) ConvGeneral(input, kernel backends.Op, axes backends.ConvolveAxesConfig, strides []int, paddings [][2]int,
	inputDilations, kernelDilations []int, channelGroups, batchGroups int) (backends.Op, error) {
	v, err := b.check(backends.OpTypeConvGeneral, input, kernel)
	if err != nil {
		return nil, err
	}
	spatial := v[0].shape.Rank() - 2
	attrs := convAttrs{
		Axes:           axes.Clone(),
		Strides:        filled(strides, spatial, 1),
		Paddings:       filled(paddings, spatial, [2]int{}),
		InputDilations: filled(inputDilations, spatial, 1),
		Dilations:      filled(kernelDilations, spatial, 1),
		ChannelGroups:  max(channelGroups, 1),
		BatchGroups:    max(batchGroups, 1),
	}
	if v[0].dtype() != v[1].dtype() {
		return nil, errors.Errorf("backend %q: ConvGeneral: input %s and kernel %s differ in data type", Name, v[0].shape, v[1].shape)
	}
	shape, err := shapeinference.ConvGeneralOp(v[0].shape, v[1].shape, attrs.Axes, attrs.Strides, attrs.Paddings,
		attrs.InputDilations, attrs.Dilations, attrs.ChannelGroups, attrs.BatchGroups)
	if err != nil {
		return nil, err
	}
	return b.one(backends.OpTypeConvGeneral, shape, attrs, v...)
}

// filled is the list, or n times the default where the list is not given.
func filled[T any](list []T, n int, missing T) []T {
	if len(list) > 0 || n <= 0 {
		return slices.Clone(list)
	}
	return slices.Repeat([]T{missing}, n)
}
