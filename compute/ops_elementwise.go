package compute

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// The element-wise operations for every data type, one closure call an element: float32 mostly goes
// the faster way of fused chains (fuse_elementwise.go).

func unaryKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		return mapUnary(floatUnary[float32](n.op))
	case dtypes.Float64:
		return mapUnary(floatUnary[float64](n.op))
	case dtypes.Int8:
		return mapUnary(intUnary[int8](n.op))
	case dtypes.Int16:
		return mapUnary(intUnary[int16](n.op))
	case dtypes.Int32:
		return mapUnary(intUnary[int32](n.op))
	case dtypes.Int64:
		return mapUnary(intUnary[int64](n.op))
	case dtypes.Uint8:
		return mapUnary(intUnary[uint8](n.op))
	case dtypes.Uint16:
		return mapUnary(intUnary[uint16](n.op))
	case dtypes.Uint32:
		return mapUnary(intUnary[uint32](n.op))
	case dtypes.Uint64:
		return mapUnary(intUnary[uint64](n.op))
	case dtypes.Bool:
		if n.op == backends.OpTypeLogicalNot {
			return mapUnary(func(x bool) bool { return !x })
		}
	}
	return nil
}

func mapUnary[A, R any](f func(A) R) kernel {
	if f == nil {
		return nil
	}
	return func(c *call) {
		x, out := view[A](c.in[0]), view[R](c.out[0])
		inChunks(c, len(out), parallelSize, func(from, to int) {
			for i := from; i < to; i++ {
				out[i] = f(x[i])
			}
		})
	}
}

func floatUnary[T float](op backends.OpType) func(T) T {
	var f func(float64) float64
	switch op {
	case backends.OpTypeAbs:
		f = math.Abs
	case backends.OpTypeNeg:
		return func(x T) T { return -x }
	case backends.OpTypeSign:
		return func(x T) T {
			switch {
			case x > 0:
				return 1
			case x < 0:
				return -1
			}
			return x // zero keeps its sign, NaN stays
		}
	case backends.OpTypeCeil:
		f = math.Ceil
	case backends.OpTypeFloor:
		f = math.Floor
	case backends.OpTypeRound:
		f = math.RoundToEven
	case backends.OpTypeExp:
		f = math.Exp
	case backends.OpTypeExpm1:
		f = math.Expm1
	case backends.OpTypeLog:
		f = math.Log
	case backends.OpTypeLog1p:
		f = math.Log1p
	case backends.OpTypeLogistic:
		f = func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	case backends.OpTypeSqrt:
		f = math.Sqrt
	case backends.OpTypeRsqrt:
		f = func(x float64) float64 { return 1 / math.Sqrt(x) }
	case backends.OpTypeCos:
		f = math.Cos
	case backends.OpTypeSin:
		f = math.Sin
	case backends.OpTypeTanh:
		f = math.Tanh
	case backends.OpTypeErf:
		f = math.Erf
	default:
		return nil
	}
	return func(x T) T { return T(f(float64(x))) }
}

func intUnary[T integer](op backends.OpType) func(T) T {
	var zero T
	width := int(unsafe.Sizeof(zero)) * 8
	mask := uint64(math.MaxUint64) >> (64 - width)
	switch op {
	case backends.OpTypeAbs:
		return func(x T) T {
			if x < 0 {
				return -x
			}
			return x
		}
	case backends.OpTypeNeg:
		return func(x T) T { return -x }
	case backends.OpTypeSign:
		return func(x T) T {
			switch {
			case x > 0:
				return 1
			case x < 0:
				return zero - 1
			}
			return 0
		}
	case backends.OpTypeBitwiseNot:
		return func(x T) T { return ^x }
	case backends.OpTypeBitCount:
		return func(x T) T { return T(bits.OnesCount64(uint64(x) & mask)) }
	case backends.OpTypeClz:
		return func(x T) T { return T(bits.LeadingZeros64(uint64(x)&mask) - (64 - width)) }
	}
	return nil
}

func predicateKernel(n *node) kernel {
	isNaN := n.op == backends.OpTypeIsNaN
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		return mapUnary(predicate[float32](isNaN))
	case dtypes.Float64:
		return mapUnary(predicate[float64](isNaN))
	}
	return nil
}

func predicate[T float](isNaN bool) func(T) bool {
	if isNaN {
		return func(x T) bool { return x != x }
	}
	return func(x T) bool { return x-x == 0 }
}

func binaryKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		return mapBinary(n, floatBinary[float32](n.op))
	case dtypes.Float64:
		return mapBinary(n, floatBinary[float64](n.op))
	case dtypes.Int8:
		return mapBinary(n, intBinary[int8](n.op))
	case dtypes.Int16:
		return mapBinary(n, intBinary[int16](n.op))
	case dtypes.Int32:
		return mapBinary(n, intBinary[int32](n.op))
	case dtypes.Int64:
		return mapBinary(n, intBinary[int64](n.op))
	case dtypes.Uint8:
		return mapBinary(n, intBinary[uint8](n.op))
	case dtypes.Uint16:
		return mapBinary(n, intBinary[uint16](n.op))
	case dtypes.Uint32:
		return mapBinary(n, intBinary[uint32](n.op))
	case dtypes.Uint64:
		return mapBinary(n, intBinary[uint64](n.op))
	case dtypes.Bool:
		return mapBinary(n, boolBinary(n.op))
	}
	return nil
}

func mapBinary[A, R any](n *node, f func(a, b A) R) kernel {
	if f == nil {
		return nil
	}
	l := newLoop(n.out().shape, n.inputs...)
	sa, sb := l.step(0), l.step(1)
	return func(c *call) {
		a, b, out := view[A](c.in[0]), view[A](c.in[1]), view[R](c.out[0])
		l.run(c, func(at, length int, in []int) {
			ia, ib := in[0], in[1]
			row := out[at : at+length]
			for i := range row {
				row[i] = f(a[ia], b[ib])
				ia += sa
				ib += sb
			}
		})
	}
}

func floatBinary[T float](op backends.OpType) func(a, b T) T {
	switch op {
	case backends.OpTypePow:
		return func(a, b T) T { return T(math.Pow(float64(a), float64(b))) }
	case backends.OpTypeRem:
		return func(a, b T) T { return T(math.Mod(float64(a), float64(b))) }
	case backends.OpTypeDiv:
		return func(a, b T) T { return a / b }
	}
	return arithmetic[T](op)
}

func arithmetic[T number](op backends.OpType) func(a, b T) T {
	switch op {
	case backends.OpTypeAdd:
		return func(a, b T) T { return a + b }
	case backends.OpTypeSub:
		return func(a, b T) T { return a - b }
	case backends.OpTypeMul:
		return func(a, b T) T { return a * b }
	case backends.OpTypeMax:
		return func(a, b T) T { return max(a, b) }
	case backends.OpTypeMin:
		return func(a, b T) T { return min(a, b) }
	}
	return nil
}

func intBinary[T integer](op backends.OpType) func(a, b T) T {
	var zero T
	width := T(unsafe.Sizeof(zero) * 8)
	mask := uint64(math.MaxUint64) >> (64 - uint(width))
	switch op {
	case backends.OpTypeDiv: // by zero gives all ones, as XLA does
		return func(a, b T) T {
			if b == 0 {
				return ^zero
			}
			return a / b
		}
	case backends.OpTypeRem:
		return func(a, b T) T {
			if b == 0 {
				return a
			}
			return a % b
		}
	case backends.OpTypePow:
		return intPow[T]
	case backends.OpTypeBitwiseAnd:
		return func(a, b T) T { return a & b }
	case backends.OpTypeBitwiseOr:
		return func(a, b T) T { return a | b }
	case backends.OpTypeBitwiseXor:
		return func(a, b T) T { return a ^ b }
	case backends.OpTypeShiftLeft:
		return func(a, b T) T {
			if b < 0 || b >= width {
				return 0
			}
			return a << b
		}
	case backends.OpTypeShiftRightArithmetic:
		return func(a, b T) T {
			if b < 0 || b >= width {
				b = width - 1
			}
			return T(int64(a) << (64 - width) >> (64 - width) >> b)
		}
	case backends.OpTypeShiftRightLogical:
		return func(a, b T) T {
			if b < 0 || b >= width {
				return 0
			}
			return T(uint64(a) & mask >> b)
		}
	}
	return arithmetic[T](op)
}

// intPow raises to a power by squaring; a negative power gives 0, but for bases of 1 and -1.
func intPow[T integer](base, power T) T {
	var zero T
	if power < 0 {
		switch {
		case base == 1:
			return 1
		case base == zero-1:
			if power%2 == 0 {
				return 1
			}
			return base
		}
		return 0
	}
	result := T(1)
	for ; power > 0; power >>= 1 {
		if power&1 == 1 {
			result *= base
		}
		base *= base
	}
	return result
}

func boolBinary(op backends.OpType) func(a, b bool) bool {
	switch op {
	case backends.OpTypeLogicalAnd, backends.OpTypeMin:
		return func(a, b bool) bool { return a && b }
	case backends.OpTypeLogicalOr, backends.OpTypeMax:
		return func(a, b bool) bool { return a || b }
	case backends.OpTypeLogicalXor:
		return func(a, b bool) bool { return a != b }
	}
	return nil
}

func compareKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		if order := totalOrder(n.op); order != nil {
			return mapBinary(n, func(a, b float32) bool {
				return order(int64(orderedBits32(a)), int64(orderedBits32(b)))
			})
		}
		return mapBinary(n, comparison[float32](n.op))
	case dtypes.Float64:
		if order := totalOrder(n.op); order != nil {
			return mapBinary(n, func(a, b float64) bool { return order(orderedBits64(a), orderedBits64(b)) })
		}
		return mapBinary(n, comparison[float64](n.op))
	case dtypes.Int8:
		return mapBinary(n, comparison[int8](n.op))
	case dtypes.Int16:
		return mapBinary(n, comparison[int16](n.op))
	case dtypes.Int32:
		return mapBinary(n, comparison[int32](n.op))
	case dtypes.Int64:
		return mapBinary(n, comparison[int64](n.op))
	case dtypes.Uint8, dtypes.Bool:
		return mapBinary(n, comparison[uint8](n.op))
	case dtypes.Uint16:
		return mapBinary(n, comparison[uint16](n.op))
	case dtypes.Uint32:
		return mapBinary(n, comparison[uint32](n.op))
	case dtypes.Uint64:
		return mapBinary(n, comparison[uint64](n.op))
	}
	return nil
}

// orderedBits32 orders floats as integers: -NaN < -Inf < ... < -0 < +0 < ... < +Inf < +NaN.
func orderedBits32(v float32) int32 {
	b := int32(math.Float32bits(v))
	return b ^ int32(uint32(b>>31)>>1)
}

func orderedBits64(v float64) int64 {
	b := int64(math.Float64bits(v))
	return b ^ int64(uint64(b>>63)>>1)
}

func totalOrder(op backends.OpType) func(a, b int64) bool {
	switch op {
	case backends.OpTypeEqualTotalOrder, backends.OpTypeNotEqualTotalOrder,
		backends.OpTypeLessThanTotalOrder, backends.OpTypeLessOrEqualTotalOrder,
		backends.OpTypeGreaterThanTotalOrder, backends.OpTypeGreaterOrEqualTotalOrder:
		return comparison[int64](op)
	}
	return nil
}

func comparison[T number](op backends.OpType) func(a, b T) bool {
	switch op {
	case backends.OpTypeEqual, backends.OpTypeEqualTotalOrder:
		return func(a, b T) bool { return a == b }
	case backends.OpTypeNotEqual, backends.OpTypeNotEqualTotalOrder:
		return func(a, b T) bool { return a != b }
	case backends.OpTypeLessThan, backends.OpTypeLessThanTotalOrder:
		return func(a, b T) bool { return a < b }
	case backends.OpTypeLessOrEqual, backends.OpTypeLessOrEqualTotalOrder:
		return func(a, b T) bool { return a <= b }
	case backends.OpTypeGreaterThan, backends.OpTypeGreaterThanTotalOrder:
		return func(a, b T) bool { return a > b }
	case backends.OpTypeGreaterOrEqual, backends.OpTypeGreaterOrEqualTotalOrder:
		return func(a, b T) bool { return a >= b }
	}
	return nil
}

func whereKernel(n *node) kernel {
	switch n.out().dtype().Size() {
	case 1:
		return whereOf[uint8](n)
	case 2:
		return whereOf[uint16](n)
	case 4:
		return whereOf[uint32](n)
	case 8:
		return whereOf[uint64](n)
	}
	return nil
}

func whereOf[T any](n *node) kernel {
	l := newLoop(n.out().shape, n.inputs...)
	sc, sa, sb := l.step(0), l.step(1), l.step(2)
	return func(c *call) {
		condition, a, b, out := view[bool](c.in[0]), view[T](c.in[1]), view[T](c.in[2]), view[T](c.out[0])
		l.run(c, func(at, length int, in []int) {
			ic, ia, ib := in[0], in[1], in[2]
			row := out[at : at+length]
			for i := range row {
				if condition[ic] {
					row[i] = a[ia]
				} else {
					row[i] = b[ib]
				}
				ic += sc
				ia += sa
				ib += sb
			}
		})
	}
}
