package compute

import (
	"math"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

func batchNormKernel(n *node) kernel {
	if k := fastBatchNorm(n); k != nil {
		return k
	}
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		return batchNormOf[float32](n)
	case dtypes.Float64:
		return batchNormOf[float64](n)
	}
	return nil
}

// features sees a tensor as [outer, features, inner].
type features struct{ outer, count, inner int }

func featuresOf(dims []int, axis int) features {
	return features{product(dims[:axis]), dims[axis], product(dims[axis+1:])}
}

// each calls visit with the offset of each run of inner elements of feature f.
func (s features) each(f int, visit func(from, to int)) {
	for o := range s.outer {
		from := (o*s.count + f) * s.inner
		visit(from, from+s.inner)
	}
}

// batchNormOf computes in float64 and rounds once.
func batchNormOf[T float](n *node) kernel {
	attrs := n.attrs.(batchNormAttrs)
	s := featuresOf(n.inputs[0].dims(), attrs.Axis)
	epsilon := float64(attrs.Epsilon)
	total := float64(s.outer * s.inner)
	perFeature := func(c *call, f func(feature int)) {
		inChunks(c, s.count, parallelSize/max(s.outer*s.inner, 1)+1, func(from, to int) {
			for i := from; i < to; i++ {
				f(i)
			}
		})
	}
	normalize := func(x, out []T, f int, scale, offset, mean, variance float64) {
		factor := scale / math.Sqrt(variance+epsilon)
		shift := offset - mean*factor
		s.each(f, func(from, to int) {
			for i := from; i < to; i++ {
				out[i] = T(float64(x[i])*factor + shift)
			}
		})
	}
	switch n.op {
	case backends.OpTypeBatchNormForInference:
		return func(c *call) {
			x, scale, offset := view[T](c.in[0]), view[T](c.in[1]), view[T](c.in[2])
			mean, variance, out := view[T](c.in[3]), view[T](c.in[4]), view[T](c.out[0])
			perFeature(c, func(f int) {
				normalize(x, out, f, float64(scale[f]), float64(offset[f]), float64(mean[f]), float64(variance[f]))
			})
		}
	case backends.OpTypeBatchNormForTraining:
		return func(c *call) {
			x, scale, offset := view[T](c.in[0]), view[T](c.in[1]), view[T](c.in[2])
			out, means, variances := view[T](c.out[0]), view[T](c.out[1]), view[T](c.out[2])
			perFeature(c, func(f int) {
				var sum, squares float64
				s.each(f, func(from, to int) {
					for _, v := range x[from:to] {
						sum += float64(v)
					}
				})
				mean := sum / total
				s.each(f, func(from, to int) {
					for _, v := range x[from:to] {
						d := float64(v) - mean
						squares += d * d
					}
				})
				variance := squares / total
				means[f], variances[f] = T(mean), T(variance)
				normalize(x, out, f, float64(scale[f]), float64(offset[f]), mean, variance)
			})
		}
	case backends.OpTypeBatchNormGradient:
		return func(c *call) {
			x, scale, means := view[T](c.in[0]), view[T](c.in[1]), view[T](c.in[2])
			variances, dy := view[T](c.in[3]), view[T](c.in[4])
			dx, dScale, dOffset := view[T](c.out[0]), view[T](c.out[1]), view[T](c.out[2])
			perFeature(c, func(f int) {
				mean := float64(means[f])
				inverse := 1 / math.Sqrt(float64(variances[f])+epsilon)
				var sum, product float64
				s.each(f, func(from, to int) {
					for i := from; i < to; i++ {
						sum += float64(dy[i])
						product += float64(dy[i]) * (float64(x[i]) - mean)
					}
				})
				dOffset[f], dScale[f] = T(sum), T(product*inverse)
				factor := float64(scale[f]) * inverse
				slope := product * inverse * inverse / total
				s.each(f, func(from, to int) {
					for i := from; i < to; i++ {
						dx[i] = T(factor * (float64(dy[i]) - sum/total - (float64(x[i])-mean)*slope))
					}
				})
			})
		}
	}
	return nil
}
