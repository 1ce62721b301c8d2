package compute

import (
	"slices"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// matrix is one operand of a DotGeneral as batch, rows and inner axes of a matrix product.
type matrix struct {
	batch, rows, inner int
	transposed         bool   // [batch, inner, rows] in memory
	reorder            *mover // not nil where the axes must be brought into order first
}

// newMatrix finds out how the operand lies in memory.
func newMatrix(v *value, contracting, batch []int) *matrix {
	free := freeAxes(v.shape.Rank(), contracting, batch)
	pick := func(axes []int) []int {
		dims := make([]int, len(axes))
		for i, axis := range axes {
			dims[i] = v.dims()[axis]
		}
		return dims
	}
	m := &matrix{batch: product(pick(batch)), rows: product(pick(free)), inner: product(pick(contracting))}
	straight := slices.Concat(batch, free, contracting)
	turned := slices.Concat(batch, contracting, free)
	switch {
	case onlyMovesOnes(v.dims(), straight):
	case onlyMovesOnes(v.dims(), turned):
		m.transposed = true
	default:
		own := rowMajor(v.dims())
		src := make([]int, len(straight))
		for i, axis := range straight {
			src[i] = own[axis]
		}
		dims := pick(straight)
		m.reorder = newMover(v.dtype().Size(), dims, rowMajor(dims), src)
	}
	return m
}

// load returns the operand's memory, in order.
func (m *matrix) load(c *call, data []byte) []byte {
	if m.reorder == nil || len(data) == 0 {
		return data
	}
	ordered := newBlock(len(data))
	m.reorder.run(c, ordered, 0, data, 0)
	return ordered
}

// strides of rows and inner axis.
func (m *matrix) strides() (row, inner int) {
	if m.transposed {
		return 1, m.rows
	}
	return m.inner, 1
}

func dotKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		if k := fastDot(n); k != nil {
			return k
		}
		return dotOf[float32](n)
	case dtypes.Float64:
		return dotOf[float64](n)
	case dtypes.Int8:
		return dotOf[int8](n)
	case dtypes.Int16:
		return dotOf[int16](n)
	case dtypes.Int32:
		return dotOf[int32](n)
	case dtypes.Int64:
		return dotOf[int64](n)
	case dtypes.Uint8:
		return dotOf[uint8](n)
	case dtypes.Uint16:
		return dotOf[uint16](n)
	case dtypes.Uint32:
		return dotOf[uint32](n)
	case dtypes.Uint64:
		return dotOf[uint64](n)
	}
	return nil
}

func dotOf[T number](n *node) kernel {
	attrs := n.attrs.(dotAttrs)
	left := newMatrix(n.inputs[0], attrs.LeftContracting, attrs.LeftBatch)
	right := newMatrix(n.inputs[1], attrs.RightContracting, attrs.RightBatch)
	rows, columns, inner := left.rows, right.rows, left.inner
	ar, ak := left.strides()
	bc, bk := right.strides()
	return func(c *call) {
		a, b, out := view[T](left.load(c, c.in[0])), view[T](right.load(c, c.in[1])), view[T](c.out[0])
		inChunks(c, left.batch*rows, parallelSize/max(columns*inner, 1)+1, func(from, to int) {
			for r := from; r < to; r++ {
				row := out[r*columns : (r+1)*columns]
				clear(row)
				batch := r / rows
				ai := batch*rows*inner + r%rows*ar
				bi := batch * columns * inner
				for k := range inner {
					v := a[ai+k*ak]
					at := bi + k*bk
					for j := range row {
						row[j] += v * b[at+j*bc]
					}
				}
			}
		})
	}
}
