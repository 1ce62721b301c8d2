package linear

import (
	"context"
	"errors"
	"time"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Linear algebra of thousands of columns takes seconds to minutes, in one piece: it is done in blocks, between which a
// cancelled context is noticed.

// blockSize is how many columns or rows a block has: large enough for the kernels, and at most some seconds of work.
const blockSize = 256

func blockCount(n int) int { return (n + blockSize - 1) / blockSize }

// blocks counts those of a computation.
type blocks struct {
	ctx         context.Context
	begun       time.Time
	done, total int
	tell        func(done, total int)
}

// newBlocks begins to count; tell may be nil.
func newBlocks(ctx context.Context, total int, tell func(done, total int)) *blocks {
	return &blocks{ctx: ctx, begun: time.Now(), total: total, tell: tell}
}

// next is called before each block; it fails where the context is cancelled.
func (b *blocks) next() error {
	const short = 2 * time.Second // of which nobody wants to be told
	if b.tell != nil && time.Since(b.begun) > short {
		b.tell(b.done, b.total)
	}
	b.done++
	return b.ctx.Err()
}

// gram returns the first rows of xᵀx, [rows, columns of x], in blockCount(rows) blocks.
func gram(backend backends.Backend, x Matrix, rows int, b *blocks) (Matrix, error) {
	exec, err := NewExec(backend, func(some, all *Node) *Node { return DotGeneral(some, []int{0}, nil, all, []int{0}, nil) })
	if err != nil {
		return Matrix{}, err
	}
	defer exec.Finalize()
	all := tensors.FromFlatDataAndDimensions(x.Data, x.Rows, x.Columns)
	product := Matrix{rows, x.Columns, make([]float32, 0, rows*x.Columns)}
	for from := 0; from < rows; from += blockSize {
		if err := b.next(); err != nil {
			return Matrix{}, err
		}
		width := min(blockSize, rows-from)
		some := make([]float32, 0, x.Rows*width)
		for i := range x.Rows {
			some = append(some, x.Row(i)[from:from+width]...)
		}
		output, err := exec.Exec1(tensors.FromFlatDataAndDimensions(some, x.Rows, width), all)
		if err != nil {
			return Matrix{}, err
		}
		part, err := tensors.CopyFlatData[float32](output)
		if err != nil {
			return Matrix{}, err
		}
		product.Data = append(product.Data, part...)
	}
	return product, nil
}

// multiply writes x·y to z, in blockCount(rows of x) blocks.
func multiply(z, x, y blas64.General, b *blocks) error {
	for from := 0; from < x.Rows; from += blockSize {
		if err := b.next(); err != nil {
			return err
		}
		rows := min(blockSize, x.Rows-from)
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, part(x, from, 0, rows, x.Cols), y, 0, part(z, from, 0, rows, z.Cols))
	}
	return nil
}

// errNotDefinite is of a matrix that has no Cholesky decomposition.
var errNotDefinite = errors.New("the matrix is not positive definite")

// cholesky replaces the upper triangle of a symmetric matrix by U, where UᵀU is the matrix, in blockCount(rows) blocks: the
// left-looking algorithm of LAPACK's dpotrf.
func cholesky(a blas64.General, b *blocks) error {
	n := a.Rows
	for from := 0; from < n; from += blockSize {
		if err := b.next(); err != nil {
			return err
		}
		width := min(blockSize, n-from)
		to := from + width
		above, own := part(a, 0, from, from, width), part(a, from, from, width, width)
		corner := blas64.Symmetric{N: width, Stride: own.Stride, Data: own.Data, Uplo: blas.Upper}
		if from > 0 {
			blas64.Syrk(blas.Trans, -1, above, 1, corner)
		}
		u, ok := lapack64.Potrf(corner)
		if !ok {
			return errNotDefinite
		}
		if to == n {
			break
		}
		right := part(a, from, to, width, n-to)
		if from > 0 {
			blas64.Gemm(blas.Trans, blas.NoTrans, -1, above, part(a, 0, to, from, n-to), 1, right)
		}
		blas64.Trsm(blas.Left, blas.Trans, 1, u, right)
	}
	return nil
}

// part is a rectangle of a matrix, whose numbers are the matrix's own; it may be empty.
func part(m blas64.General, row, column, rows, columns int) blas64.General {
	at := min(row*m.Stride+column, len(m.Data))
	return blas64.General{Rows: rows, Cols: columns, Stride: m.Stride, Data: m.Data[at:]}
}
