package compute

import (
	"math"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// instructionFor is how a fused program computes a node over blocks of float32, or nil.
func instructionFor(n *node) func(dst, a, b, c []float32) {
	in := n.inputs[0].dtype()
	switch n.op {
	case backends.OpTypeWhere:
		return func(dst, condition, a, b []float32) {
			for i, v := range condition[:len(dst)] {
				if v != 0 {
					dst[i] = a[i]
				} else {
					dst[i] = b[i]
				}
			}
		}
	case backends.OpTypeConvertDType:
		if in == dtypes.Bool && n.out().dtype() == dtypes.Float32 {
			return func(dst, a, _, _ []float32) { copy(dst, a) }
		}
		return nil
	}
	if in == dtypes.Bool {
		return logicalInstruction(n.op)
	}
	if isComparison(n.op) {
		return comparisonInstruction(n.op)
	}
	if len(n.inputs) == 1 {
		return unaryInstruction(n.op)
	}
	if len(n.inputs) == 2 {
		return binaryInstruction(n.op)
	}
	return nil
}

func logicalInstruction(op backends.OpType) func(dst, a, b, c []float32) {
	switch op {
	case backends.OpTypeLogicalAnd:
		return binaryInstruction(backends.OpTypeMul)
	case backends.OpTypeLogicalOr:
		return binaryInstruction(backends.OpTypeMax)
	case backends.OpTypeLogicalXor, backends.OpTypeNotEqual:
		return func(dst, a, b, _ []float32) {
			b = b[:len(dst)]
			for i, v := range a[:len(dst)] {
				dst[i] = float32(math.Abs(float64(v - b[i])))
			}
		}
	case backends.OpTypeLogicalNot:
		return func(dst, a, _, _ []float32) {
			for i, v := range a[:len(dst)] {
				dst[i] = 1 - v
			}
		}
	}
	return nil
}

// truth is 1 for true.
func truth(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

func comparisonInstruction(op backends.OpType) func(dst, a, b, c []float32) {
	switch op {
	case backends.OpTypeEqual:
		return func(dst, a, b, _ []float32) {
			b = b[:len(dst)]
			for i, v := range a[:len(dst)] {
				dst[i] = truth(v == b[i])
			}
		}
	case backends.OpTypeNotEqual:
		return func(dst, a, b, _ []float32) {
			b = b[:len(dst)]
			for i, v := range a[:len(dst)] {
				dst[i] = truth(v != b[i])
			}
		}
	case backends.OpTypeLessThan:
		return func(dst, a, b, _ []float32) {
			b = b[:len(dst)]
			for i, v := range a[:len(dst)] {
				dst[i] = truth(v < b[i])
			}
		}
	case backends.OpTypeLessOrEqual:
		return func(dst, a, b, _ []float32) {
			b = b[:len(dst)]
			for i, v := range a[:len(dst)] {
				dst[i] = truth(v <= b[i])
			}
		}
	case backends.OpTypeGreaterThan:
		return func(dst, a, b, _ []float32) {
			b = b[:len(dst)]
			for i, v := range a[:len(dst)] {
				dst[i] = truth(v > b[i])
			}
		}
	case backends.OpTypeGreaterOrEqual:
		return func(dst, a, b, _ []float32) {
			b = b[:len(dst)]
			for i, v := range a[:len(dst)] {
				dst[i] = truth(v >= b[i])
			}
		}
	}
	return nil
}

func unaryInstruction(op backends.OpType) func(dst, a, b, c []float32) {
	switch op {
	case backends.OpTypeNeg:
		return func(dst, a, _, _ []float32) {
			for i, v := range a[:len(dst)] {
				dst[i] = -v
			}
		}
	case backends.OpTypeAbs:
		return func(dst, a, _, _ []float32) {
			for i, v := range a[:len(dst)] {
				dst[i] = math.Float32frombits(math.Float32bits(v) &^ (1 << 31))
			}
		}
	case backends.OpTypeSqrt:
		return func(dst, a, _, _ []float32) { kernels.Sqrt(dst, a) }
	case backends.OpTypeRsqrt:
		return func(dst, a, _, _ []float32) {
			for i, v := range a[:len(dst)] {
				dst[i] = 1 / float32(math.Sqrt(float64(v)))
			}
		}
	case opNotNegative:
		return func(dst, a, _, _ []float32) { kernels.NotNegative(dst, a) }
	case backends.OpTypeErf:
		return func(dst, a, _, _ []float32) { kernels.Erf(dst, a) }
	case backends.OpTypeTanh:
		return func(dst, a, _, _ []float32) { kernels.Tanh(dst, a) }
	case backends.OpTypeExp:
		return func(dst, a, _, _ []float32) { kernels.Exp(dst, a) }
	case backends.OpTypeLogistic:
		return func(dst, a, _, _ []float32) { kernels.Logistic(dst, a) }
	case backends.OpTypeSign:
		return func(dst, a, _, _ []float32) {
			for i, v := range a[:len(dst)] {
				switch {
				case v > 0:
					v = 1
				case v < 0:
					v = -1
				}
				dst[i] = v
			}
		}
	}
	f := floatUnary[float32](op)
	if f == nil {
		return nil
	}
	return func(dst, a, _, _ []float32) {
		for i, v := range a[:len(dst)] {
			dst[i] = f(v)
		}
	}
}

func binaryInstruction(op backends.OpType) func(dst, a, b, c []float32) {
	switch op {
	case backends.OpTypeAdd:
		return func(dst, a, b, _ []float32) { kernels.Add(dst, a, b) }
	case backends.OpTypeSub:
		return func(dst, a, b, _ []float32) { kernels.Sub(dst, a, b) }
	case backends.OpTypeMul:
		return func(dst, a, b, _ []float32) { kernels.Mul(dst, a, b) }
	case backends.OpTypeDiv:
		return func(dst, a, b, _ []float32) { kernels.Div(dst, a, b) }
	case backends.OpTypeMax:
		return func(dst, a, b, _ []float32) { kernels.Max(dst, a, b) }
	case backends.OpTypeMin:
		return func(dst, a, b, _ []float32) { kernels.Min(dst, a, b) }
	}
	f := floatBinary[float32](op)
	if f == nil {
		return nil
	}
	return func(dst, a, b, _ []float32) {
		b = b[:len(dst)]
		for i, v := range a[:len(dst)] {
			dst[i] = f(v, b[i])
		}
	}
}
