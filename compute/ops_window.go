package compute

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// windows walks the elements under each window of a ReduceWindow or a SelectAndScatter, for any
// number of axes.
type windows struct {
	attrs windowOpAttrs
	in    []int // dimensions of the operand
	steps []int // its strides
	out   []int // dimensions of the output: one element a window
}

// under calls visit with the offset of each element under window number o, in row-major order.
func (w *windows) under(o int, base, index []int, visit func(offset int)) {
	rank := len(w.in)
	for axis := rank - 1; axis >= 0; axis-- {
		base[axis] = o%w.out[axis]*w.attrs.Strides[axis] - w.attrs.Paddings[axis][0]
		o /= w.out[axis]
		index[axis] = 0
	}
	for {
		offset := 0
		inside := true
		for axis := range rank {
			at := base[axis] + index[axis]*w.attrs.WindowDilation[axis]
			dilation := w.attrs.BaseDilations[axis]
			if at < 0 || at%dilation != 0 || at/dilation >= w.in[axis] {
				inside = false
				break
			}
			offset += at / dilation * w.steps[axis]
		}
		if inside {
			visit(offset)
		}
		axis := rank - 1
		for ; axis >= 0; axis-- {
			index[axis]++
			if index[axis] < w.attrs.Sizes[axis] {
				break
			}
			index[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}

func newWindows(in, out []int, attrs windowOpAttrs) *windows {
	return &windows{attrs: attrs, in: in, steps: rowMajor(in), out: out}
}

func reduceWindowKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.BFloat16:
		return fastMaxPool(n, kernels.MaxBF16, bfloat16Lowest)
	case dtypes.Float32:
		if k := fastPool(n); k != nil {
			return k
		}
		return reduceWindowOf[float32](n)
	case dtypes.Float64:
		return reduceWindowOf[float64](n)
	case dtypes.Int8:
		return reduceWindowOf[int8](n)
	case dtypes.Int16:
		return reduceWindowOf[int16](n)
	case dtypes.Int32:
		return reduceWindowOf[int32](n)
	case dtypes.Int64:
		return reduceWindowOf[int64](n)
	case dtypes.Uint8:
		if k := fastMaxPool(n, kernels.MaxUint8, 0); k != nil {
			return k
		}
		return reduceWindowOf[uint8](n)
	case dtypes.Uint16:
		return reduceWindowOf[uint16](n)
	case dtypes.Uint32:
		return reduceWindowOf[uint32](n)
	case dtypes.Uint64:
		return reduceWindowOf[uint64](n)
	case dtypes.Bool: // bytes of 0 and 1
		if r := n.attrs.(windowOpAttrs).Reduction; r == backends.ReduceOpMax || r == backends.ReduceOpMin {
			return reduceWindowOf[uint8](n)
		}
	}
	return nil
}

func reduceWindowOf[T number](n *node) kernel {
	attrs := n.attrs.(windowOpAttrs)
	var initial T
	var f func(a, b T) T
	switch attrs.Reduction {
	case backends.ReduceOpSum:
		f = func(a, b T) T { return a + b }
	case backends.ReduceOpProduct:
		initial = 1
		f = func(a, b T) T { return a * b }
	case backends.ReduceOpMax:
		initial = lowest[T](n.inputs[0].dtype())
		f = func(a, b T) T { return max(a, b) }
	case backends.ReduceOpMin:
		initial = highest[T](n.inputs[0].dtype())
		f = func(a, b T) T { return min(a, b) }
	default:
		return nil
	}
	if n.inputs[0].dtype() == dtypes.Bool {
		initial = T(truth(attrs.Reduction == backends.ReduceOpMin))
	}
	w := newWindows(n.inputs[0].dims(), n.out().dims(), attrs)
	grain := parallelSize/product(attrs.Sizes) + 1
	return func(c *call) {
		x, out := view[T](c.in[0]), view[T](c.out[0])
		inChunks(c, len(out), grain, func(from, to int) {
			base, index := make([]int, len(w.in)), make([]int, len(w.in))
			for o := from; o < to; o++ {
				acc := initial
				w.under(o, base, index, func(offset int) { acc = f(acc, x[offset]) })
				out[o] = acc
			}
		})
	}
}

func selectAndScatterKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		if k := fastPoolGrad(n); k != nil {
			return k
		}
		return selectAndScatterOf[float32](n)
	case dtypes.Float64:
		return selectAndScatterOf[float64](n)
	case dtypes.Int32:
		return selectAndScatterOf[int32](n)
	case dtypes.Int64:
		return selectAndScatterOf[int64](n)
	}
	return nil
}

func selectAndScatterOf[T number](n *node) kernel {
	attrs := n.attrs.(windowOpAttrs)
	w := newWindows(n.inputs[0].dims(), n.inputs[1].dims(), attrs)
	least := attrs.Reduction == backends.ReduceOpMin
	return func(c *call) {
		x, source, out := view[T](c.in[0]), view[T](c.in[1]), view[T](c.out[0])
		clear(out)
		base, index := make([]int, len(w.in)), make([]int, len(w.in))
		for o, v := range source {
			chosen := -1
			w.under(o, base, index, func(offset int) {
				if chosen < 0 || x[chosen] == x[chosen] &&
					(x[offset] != x[offset] || least && x[offset] < x[chosen] || !least && x[offset] > x[chosen]) {
					chosen = offset
				}
			})
			if chosen >= 0 {
				out[chosen] += v
			}
		}
	}
}
