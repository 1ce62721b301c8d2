package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
)

// lowerBatchNorm writes a batch normalisation for inference as x * factor + shift, one factor and one
// shift a feature. With constant statistics they are constants, and are folded further
// (fuse_conv.go); else they join the element-wise operations around them.
func lowerBatchNorm(g *graph) error {
	for _, n := range slices.Clone(g.nodes) {
		if n.op != backends.OpTypeBatchNormForInference || isHalf(n.out().dtype()) {
			continue
		}
		attrs := n.attrs.(batchNormAttrs)
		w := &writer{builder: g.builder}
		x, scale, offset, mean, variance := n.inputs[0], n.inputs[1], n.inputs[2], n.inputs[3], n.inputs[4]
		feature := scale.shape
		epsilon := w.scalar(feature.DType, float64(attrs.Epsilon))
		root := w.node(backends.OpTypeSqrt, feature, w.node(backends.OpTypeAdd, feature, variance, epsilon))
		factor := w.node(backends.OpTypeDiv, feature, scale, root)
		shift := w.node(backends.OpTypeSub, feature, offset, w.node(backends.OpTypeMul, feature, mean, factor))

		dims := slices.Repeat([]int{1}, x.shape.Rank())
		dims[attrs.Axis] = feature.Dimensions[0]
		scaled := w.node(backends.OpTypeMul, x.shape, x, w.reshape(factor, dims))
		n.op, n.attrs, n.inputs = backends.OpTypeAdd, nil, []*value{scaled, w.reshape(shift, dims)}
		if w.err != nil {
			return w.err
		}
		var err error
		if n.kernel, err = kernelFor(n); err != nil {
			return err
		}
	}
	if err := g.sort(); err != nil {
		return err
	}
	return foldConstants(g)
}

// writer adds nodes and remembers the first error.
type writer struct {
	builder *Builder
	err     error
}

func (w *writer) node(op backends.OpType, shape shapes.Shape, inputs ...*value) *value {
	if w.err != nil {
		return nil
	}
	n, err := w.builder.add(op, []shapes.Shape{shape}, nil, inputs...)
	if err != nil {
		w.err = err
		return nil
	}
	return n.out()
}

func (w *writer) reshape(v *value, dims []int) *value {
	if w.err != nil {
		return nil
	}
	v, w.err = w.builder.reshape(v, dims)
	return v
}

// scalar is a constant of a float type.
func (w *writer) scalar(dtype dtypes.DType, v float64) *value {
	data := newBlock(dtype.Size())
	convertFrom(data, dtype, []float64{v})
	return w.builder.constantValue(shapes.Make(dtype), w.builder.backend.constants.intern(dtype, data, true))
}
