package compute

import (
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// fastDot is a product of float32 matrices by the kernels; nil where another way is needed. A constant
// right operand is packed once.
func fastDot(n *node) kernel {
	if n.inputs[0].dtype() != dtypes.Float32 || n.out().shape.Size() == 0 || n.inputs[0].shape.Size() == 0 {
		return nil
	}
	attrs := n.attrs.(dotAttrs)
	left := newMatrix(n.inputs[0], attrs.LeftContracting, attrs.LeftBatch)
	right := newMatrix(n.inputs[1], attrs.RightContracting, attrs.RightBatch)
	rows, columns, inner := left.rows, right.rows, left.inner
	// Rows of the operands as they lie in memory: a is [rows, inner] or, transposed, [inner, rows]; b is
	// [inner, columns] or, transposed, [columns, inner].
	lda, ldb := inner, inner
	if left.transposed {
		lda = rows
	}
	if right.transposed {
		ldb = columns
	}
	if weights := n.inputs[1].constant; weights != nil && left.batch == 1 && !left.transposed && right.reorder == nil {
		packed := func() *kernels.PackedB {
			return weights.prepare(packedMatrix{columns, inner, right.transposed}, func() any {
				return kernels.PackB(view[float32](weights.data), columns, inner, ldb, !right.transposed)
			}).(*kernels.PackedB)
		}
		n.prepare = func() { packed() }
		return func(c *call) {
			a := view[float32](left.load(c, c.in[0]))
			kernels.GemmPacked(c.workers(), view[float32](c.out[0]), columns, rows, a, lda, packed(), kernels.Epilogue{})
		}
	}
	return func(c *call) {
		a, b, out := view[float32](left.load(c, c.in[0])), view[float32](right.load(c, c.in[1])), view[float32](c.out[0])
		multiply := func(p kernels.Parallel, i int) {
			kernels.Gemm(p, out[i*rows*columns:(i+1)*rows*columns], rows, columns, inner,
				a[i*rows*inner:(i+1)*rows*inner], lda, left.transposed,
				b[i*columns*inner:(i+1)*columns*inner], ldb, !right.transposed, columns, false)
		}
		if left.batch == 1 {
			multiply(c.workers(), 0)
			return
		}
		inChunks(c, left.batch, 1, func(from, to int) {
			for i := from; i < to; i++ {
				multiply(kernels.Serial{}, i)
			}
		})
	}
}

// packedMatrix is the key of a constant matrix in packed form.
type packedMatrix struct {
	columns, inner int
	transposed     bool
}
