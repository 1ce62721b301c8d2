package compute

import (
	"math"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

func reduceKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		if k := fastReduce(n); k != nil {
			return k
		}
		return reduceNumber[float32](n)
	case dtypes.Float64:
		return reduceNumber[float64](n)
	case dtypes.Int8:
		return reduceInteger[int8](n)
	case dtypes.Int16:
		return reduceInteger[int16](n)
	case dtypes.Int32:
		return reduceInteger[int32](n)
	case dtypes.Int64:
		return reduceInteger[int64](n)
	case dtypes.Uint8:
		return reduceInteger[uint8](n)
	case dtypes.Uint16:
		return reduceInteger[uint16](n)
	case dtypes.Uint32:
		return reduceInteger[uint32](n)
	case dtypes.Uint64:
		return reduceInteger[uint64](n)
	case dtypes.Bool:
		switch n.op {
		case backends.OpTypeReduceLogicalAnd, backends.OpTypeReduceMin:
			return reduceWith(n, 1, func(a, b uint8) uint8 { return a & b })
		case backends.OpTypeReduceLogicalOr, backends.OpTypeReduceMax:
			return reduceWith(n, 0, func(a, b uint8) uint8 { return a | b })
		case backends.OpTypeReduceLogicalXor:
			return reduceWith(n, 0, func(a, b uint8) uint8 { return a ^ b })
		}
	}
	return nil
}

func reduceNumber[T number](n *node) kernel {
	switch n.op {
	case backends.OpTypeReduceSum:
		return reduceWith(n, 0, func(a, b T) T { return a + b })
	case backends.OpTypeReduceProduct:
		return reduceWith(n, 1, func(a, b T) T { return a * b })
	case backends.OpTypeReduceMax:
		return reduceWith(n, lowest[T](n.inputs[0].dtype()), func(a, b T) T { return max(a, b) })
	case backends.OpTypeReduceMin:
		return reduceWith(n, highest[T](n.inputs[0].dtype()), func(a, b T) T { return min(a, b) })
	}
	return nil
}

func reduceInteger[T integer](n *node) kernel {
	var zero T
	switch n.op {
	case backends.OpTypeReduceBitwiseAnd:
		return reduceWith(n, ^zero, func(a, b T) T { return a & b })
	case backends.OpTypeReduceBitwiseOr:
		return reduceWith(n, 0, func(a, b T) T { return a | b })
	case backends.OpTypeReduceBitwiseXor:
		return reduceWith(n, 0, func(a, b T) T { return a ^ b })
	}
	return reduceNumber[T](n)
}

// lowest is where a maximum begins: minus infinity for floats.
func lowest[T number](dtype dtypes.DType) T {
	if dtype.IsFloat() {
		inf := math.Inf(-1)
		return T(inf)
	}
	if dtype.IsUnsigned() {
		return 0
	}
	least := int64(-1) << (dtype.Bits() - 1)
	return T(least)
}

// highest is where a minimum begins.
func highest[T number](dtype dtypes.DType) T {
	if dtype.IsFloat() {
		inf := math.Inf(1)
		return T(inf)
	}
	if dtype.IsUnsigned() {
		most := uint64(math.MaxUint64) >> (64 - dtype.Bits())
		return T(most)
	}
	most := int64(math.MaxInt64) >> (64 - dtype.Bits())
	return T(most)
}

// reduceWith walks the input in its own order and folds each element into the output it belongs to: the
// definition, for what has no faster way (reduce.go).
func reduceWith[T number](n *node, initial T, f func(a, b T) T) kernel {
	in := n.inputs[0]
	// The output, seen with the input's axes: those that are reduced do not move it.
	kept := withDType(in.shape, in.dtype())
	for _, axis := range n.attrs.(reduceAttrs).Axes {
		kept.Dimensions[axis] = 1
	}
	l := newLoop(in.shape, &value{shape: kept})
	step := l.step(0)
	return func(c *call) {
		x, out := view[T](c.in[0]), view[T](c.out[0])
		for i := range out {
			out[i] = initial
		}
		if len(x) == 0 {
			return
		}
		sequential := *c
		sequential.parallel = nil // rows share outputs
		l.run(&sequential, func(at, length int, to []int) {
			row := x[at : at+length]
			o := to[0]
			if step == 0 {
				acc := out[o]
				for _, v := range row {
					acc = f(acc, v)
				}
				out[o] = acc
				return
			}
			for i, v := range row {
				out[o+i*step] = f(out[o+i*step], v)
			}
		})
	}
}

func argMinMaxKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		return argMinMaxOf[float32](n)
	case dtypes.Float64:
		return argMinMaxOf[float64](n)
	case dtypes.Int8:
		return argMinMaxOf[int8](n)
	case dtypes.Int16:
		return argMinMaxOf[int16](n)
	case dtypes.Int32:
		return argMinMaxOf[int32](n)
	case dtypes.Int64:
		return argMinMaxOf[int64](n)
	case dtypes.Uint8, dtypes.Bool:
		return argMinMaxOf[uint8](n)
	case dtypes.Uint16:
		return argMinMaxOf[uint16](n)
	case dtypes.Uint32:
		return argMinMaxOf[uint32](n)
	case dtypes.Uint64:
		return argMinMaxOf[uint64](n)
	}
	return nil
}

func argMinMaxOf[T number](n *node) kernel {
	attrs := n.attrs.(argMinMaxAttrs)
	dims := n.inputs[0].dims()
	size := dims[attrs.Axis]
	inner := product(dims[attrs.Axis+1:])
	dtype := n.out().dtype()
	return func(c *call) {
		x := view[T](c.in[0])
		found := make([]int64, n.out().shape.Size())
		for o := range found {
			at := o/inner*size*inner + o%inner
			best := x[at]
			for i := 1; i < size && best == best; i++ {
				v := x[at+i*inner]
				if v != v || attrs.Min && v < best || !attrs.Min && v > best {
					best = v
					found[o] = int64(i)
				}
			}
		}
		convertFrom(c.out[0], dtype, found)
	}
}
