package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
)

type (
	signed interface {
		~int8 | ~int16 | ~int32 | ~int64
	}
	unsigned interface {
		~uint8 | ~uint16 | ~uint32 | ~uint64
	}
	integer interface{ signed | unsigned }
	float   interface{ ~float32 | ~float64 }
	number  interface{ integer | float }
)

// kernelFor finds the kernel of a node. Operations on float16 and bfloat16 that have no kernel of
// their own are computed in float32 and rounded once.
func kernelFor(n *node) (kernel, error) {
	if k := makeKernel(n); k != nil {
		return k, nil
	}
	if k := throughFloat32(n); k != nil {
		return k, nil
	}
	return nil, unsupported(n)
}

// makeKernel returns nil where the operation is not implemented for the node's data types.
func makeKernel(n *node) kernel {
	switch n.op {
	case backends.OpTypeReshape, backends.OpTypeBitcast:
		return copyKernel
	case backends.OpTypeTranspose, backends.OpTypeBroadcastInDim, backends.OpTypeSlice, backends.OpTypeReverse:
		return movementKernel(n)
	case backends.OpTypePad:
		return padKernel(n)
	case backends.OpTypeConcatenate:
		return concatenateKernel(n)
	case backends.OpTypeIota:
		return iotaKernel(n)
	case backends.OpTypeDynamicSlice:
		return dynamicSliceKernel(n)
	case backends.OpTypeDynamicUpdateSlice:
		return dynamicUpdateSliceKernel(n)
	case backends.OpTypeConvertDType:
		return convertKernel(n)
	case backends.OpTypeWhere:
		return whereKernel(n)
	case backends.OpTypeIsFinite, backends.OpTypeIsNaN:
		return predicateKernel(n)
	case backends.OpTypeArgMinMax:
		return argMinMaxKernel(n)
	case backends.OpTypeReduceWindow:
		return reduceWindowKernel(n)
	case backends.OpTypeSelectAndScatterMax, backends.OpTypeSelectAndScatterMin:
		return selectAndScatterKernel(n)
	case backends.OpTypeDotGeneral:
		return dotKernel(n)
	case backends.OpTypeConvGeneral:
		return convKernel(n)
	case backends.OpTypeBatchNormForInference, backends.OpTypeBatchNormForTraining, backends.OpTypeBatchNormGradient:
		return batchNormKernel(n)
	case backends.OpTypeGather:
		return gatherKernel(n)
	case backends.OpTypeScatterSum, backends.OpTypeScatterMax, backends.OpTypeScatterMin:
		return scatterKernel(n)
	case backends.OpTypeRNGBitGenerator:
		return randomKernel(n)
	case opQuantise:
		return quantiseKernel(n)
	}
	if isReduction(n.op) {
		return reduceKernel(n)
	}
	if isComparison(n.op) {
		return compareKernel(n)
	}
	if len(n.inputs) == 1 {
		return unaryKernel(n)
	}
	if len(n.inputs) == 2 {
		return binaryKernel(n)
	}
	return nil
}

// throughFloat32 computes a node over half-precision floats by the kernel for float32. Constants are
// widened once, when the graph is compiled and it is known which there are, so that the kernel packs them.
func throughFloat32(n *node) kernel {
	wide := widenedNode(n, false)
	if wide == nil {
		return nil
	}
	inner := makeKernel(wide)
	if inner == nil {
		return nil
	}
	n.prepare = func() {
		wide = widenedNode(n, true)
		inner = makeKernel(wide)
		if wide.prepare != nil {
			wide.prepare()
		}
	}
	return func(c *call) {
		w := &call{in: slices.Clone(c.in), out: slices.Clone(c.out), parallel: c.parallel}
		for i, in := range wide.inputs {
			switch from := n.inputs[i].dtype(); {
			case !isHalf(from):
			case in.constant != nil:
				w.in[i] = in.constant.data
			default:
				w.in[i] = newBlock(byteSize(in.shape))
				convertShared(c, w.in[i], dtypes.Float32, c.in[i], from)
			}
		}
		for i, out := range n.outputs {
			if isHalf(out.dtype()) {
				w.out[i] = newBlock(byteSize(wide.outputs[i].shape))
			}
		}
		inner(w)
		for i, out := range n.outputs {
			if isHalf(out.dtype()) {
				convertShared(c, c.out[i], out.dtype(), w.out[i], dtypes.Float32)
			}
		}
	}
}

// widenedNode is the node with float32 in the place of half precision, nil where there is none; its
// constants of half precision are widened, or left out.
func widenedNode(n *node, constants bool) *node {
	wide := &node{op: n.op, attrs: n.attrs}
	half := false
	widen := func(v *value) *value {
		if !isHalf(v.dtype()) {
			return v
		}
		half = true
		w := &value{shape: withDType(v.shape, dtypes.Float32)}
		if constants && v.constant != nil {
			w.constant = v.constant.widened()
		}
		return w
	}
	for _, in := range n.inputs {
		wide.inputs = append(wide.inputs, widen(in))
	}
	for _, out := range n.outputs {
		wide.outputs = append(wide.outputs, widen(out))
	}
	if !half {
		return nil
	}
	return wide
}

// rowMajor are the strides of a tensor, in elements.
func rowMajor(dims []int) []int {
	strides := make([]int, len(dims))
	stride := 1
	for axis := len(dims) - 1; axis >= 0; axis-- {
		strides[axis] = stride
		stride *= dims[axis]
	}
	return strides
}

func product(dims []int) int {
	p := 1
	for _, d := range dims {
		p *= d
	}
	return p
}

// parallelSize is the number of elements from which a simple loop is worth sharing.
const parallelSize = 1 << 15

// inChunks shares the range [0, n) in pieces of at least the given grain.
func inChunks(c *call, n, grain int, f func(from, to int)) {
	workers := 1
	if c.parallel != nil {
		workers = c.parallel.Workers()
	}
	chunks := min(workers*4, n/max(grain, 1))
	if workers == 1 || chunks <= 1 {
		if n > 0 {
			f(0, n)
		}
		return
	}
	c.parallel.For(chunks, func(i int) {
		f(i*n/chunks, (i+1)*n/chunks)
	})
}

func isReduction(op backends.OpType) bool {
	switch op {
	case backends.OpTypeReduceSum, backends.OpTypeReduceProduct, backends.OpTypeReduceMax, backends.OpTypeReduceMin,
		backends.OpTypeReduceBitwiseAnd, backends.OpTypeReduceBitwiseOr, backends.OpTypeReduceBitwiseXor,
		backends.OpTypeReduceLogicalAnd, backends.OpTypeReduceLogicalOr, backends.OpTypeReduceLogicalXor:
		return true
	}
	return false
}

func isComparison(op backends.OpType) bool {
	switch op {
	case backends.OpTypeEqual, backends.OpTypeNotEqual, backends.OpTypeLessThan, backends.OpTypeLessOrEqual,
		backends.OpTypeGreaterThan, backends.OpTypeGreaterOrEqual,
		backends.OpTypeEqualTotalOrder, backends.OpTypeNotEqualTotalOrder,
		backends.OpTypeLessThanTotalOrder, backends.OpTypeLessOrEqualTotalOrder,
		backends.OpTypeGreaterThanTotalOrder, backends.OpTypeGreaterOrEqualTotalOrder:
		return true
	}
	return false
}

// loop is an iteration over an output in rows, with the operands that broadcast to it: axes that
// can be walked as one are one.
type loop struct {
	dims    []int
	strides [][]int // of each operand; 0 where it is repeated
}

// newLoop plans the iteration over out for operands that have its rank, or are scalars.
func newLoop(out shapes.Shape, operands ...*value) *loop {
	strides := make([][]int, len(operands))
	for i, v := range operands {
		strides[i] = make([]int, out.Rank())
		if v.shape.Size() == 1 {
			continue
		}
		own := rowMajor(v.dims())
		for axis, dim := range v.dims() {
			if dim > 1 {
				strides[i][axis] = own[axis]
			}
		}
	}
	l := &loop{strides: make([][]int, len(operands))}
	for axis, dim := range out.Dimensions {
		if dim == 1 {
			continue
		}
		last := len(l.dims) - 1
		joins := last >= 0
		for i := range strides {
			joins = joins && l.strides[i][last] == strides[i][axis]*dim
		}
		if joins {
			l.dims[last] *= dim
		} else {
			l.dims = append(l.dims, dim)
			last++
		}
		for i := range strides {
			l.strides[i] = append(l.strides[i][:last], strides[i][axis])
		}
	}
	if len(l.dims) == 0 {
		l.dims = []int{1}
		for i := range l.strides {
			l.strides[i] = []int{0}
		}
	}
	return l
}

// run calls row for each row: where it begins in the output, its length, and where it begins in each
// operand. Rows are shared among the workers.
func (l *loop) run(c *call, row func(out, n int, in []int)) {
	last := len(l.dims) - 1
	n := l.dims[last]
	if last == 0 {
		inChunks(c, n, parallelSize, func(from, to int) {
			in := make([]int, len(l.strides))
			for i := range in {
				in[i] = from * l.strides[i][0]
			}
			row(from, to-from, in)
		})
		return
	}
	inChunks(c, product(l.dims[:last]), parallelSize/max(n, 1)+1, func(from, to int) {
		in := make([]int, len(l.strides))
		index := make([]int, last)
		rest := from
		for axis := last - 1; axis >= 0; axis-- {
			index[axis] = rest % l.dims[axis]
			rest /= l.dims[axis]
			for i := range in {
				in[i] += index[axis] * l.strides[i][axis]
			}
		}
		for r := from; r < to; r++ {
			row(r*n, n, in)
			for axis := last - 1; axis >= 0; axis-- {
				index[axis]++
				for i := range in {
					in[i] += l.strides[i][axis]
				}
				if index[axis] < l.dims[axis] {
					break
				}
				index[axis] = 0
				for i := range in {
					in[i] -= l.dims[axis] * l.strides[i][axis]
				}
			}
		}
	})
}

// step is how far operand i moves from one element of a row to the next: 0 or 1, mostly.
func (l *loop) step(i int) int { return l.strides[i][len(l.dims)-1] }
