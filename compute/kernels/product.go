package kernels

import (
	"sync"
	"unsafe"
)

// workspace is one worker's memory.
type workspace struct {
	tile [maxTile]float32
	rows []float32 // gathered rows of the left operand
	out  []float32 // results that are not written in place
	edge []float32 // the last, incomplete tile of rows
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// grown returns a slice of the wanted length in the given memory, or in new memory.
func grown[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	return (*s)[:n]
}

// left is the left operand of a product: element (r, p) is at r*row + p*column. padded says that a
// whole tile of rows may be read where the last begins.
type left struct {
	data        []float32
	row, column int
	padded      bool
}

// multiply sets, or adds to, c [rows, n], whose rows lie ldc apart, the product of a [rows, k] and rows
// [k0, k0+k) of the panels [first, last) of b.
func (w *workspace) multiply(c []float32, ldc, rows int, a left, b *panels, k0, k, first, last int, add bool) {
	t := b.tile
	edge, edgeRow := left{}, -1
	work := tileWork{k: k, runs: 1}
	for p := first; p < last; p++ {
		width, thin := b.width(p)
		begin := p * t.columns
		columns := min(width, b.n-begin)
		bp := b.row(p, k0)
		for r := 0; r < rows; {
			height := t.height(rows-r, thin)
			from, at := a, r*a.row
			if r+height > rows && !a.padded {
				if edgeRow != r {
					edge, edgeRow = w.copyEdge(a, r, rows, k, t.rows), r
				}
				from, at = edge, 0
			}
			work.a, work.b = unsafe.Pointer(&from.data[at]), bp
			work.next = work.a
			if next := at + height*from.row; p == first && next < len(from.data) {
				work.next = unsafe.Pointer(&from.data[next])
			}
			work.aRow, work.aColumn, work.bRow = 4*from.row, 4*from.column, 4*width
			work.add = add
			w.multiplyTile(t, &work, c[r*ldc+begin:], ldc, height, width, min(height, rows-r), columns, thin)
			r += height
		}
	}
}

// multiplyTile computes the rows x columns of c that are wanted of a tile of height x width: where they are
// not the whole tile, by way of memory of its own.
func (w *workspace) multiplyTile(t *tiler, work *tileWork, c []float32, ldc, height, width, rows, columns int, thin bool) {
	if rows == height && columns == width {
		work.c, work.cRow = unsafe.Pointer(&c[0]), 4*ldc
		t.multiply(work, height, thin)
		return
	}
	if work.add {
		for r := range rows {
			copy(w.tile[r*width:r*width+columns], c[r*ldc:r*ldc+columns])
		}
	}
	work.c, work.cRow = unsafe.Pointer(&w.tile[0]), 4*width
	t.multiply(work, height, thin)
	for r := range rows {
		copy(c[r*ldc:r*ldc+columns], w.tile[r*width:r*width+columns])
	}
}

// copyEdge copies the rows [from, to) into a whole tile of rows.
func (w *workspace) copyEdge(a left, from, to, k, tileRows int) left {
	edge := grown(&w.edge, tileRows*k)
	for r := from; r < to; r++ {
		row := edge[(r-from)*k : (r-from+1)*k]
		if a.column == 1 {
			copy(row, a.data[r*a.row:])
			continue
		}
		for p := range row {
			row[p] = a.data[r*a.row+p*a.column]
		}
	}
	return left{data: edge, row: k, column: 1, padded: true}
}

// split cuts m rows into blocks of at most most rows, whole tiles, so that each worker has its share, and
// says in how many parts the columns are cut where there are too few blocks of rows for all workers.
func split(m, most, tileRows, workers, columnPanels int) (block, blocks, parts int) {
	roundUp := func(v int) int { return (v + tileRows - 1) / tileRows * tileRows }
	most = max(roundUp(most), tileRows)
	blocks = max((m+most-1)/most, 1)
	if rest := blocks % workers; rest != 0 && blocks < 8*workers {
		blocks += workers - rest
	}
	block = roundUp((m + blocks - 1) / blocks)
	blocks = (m + block - 1) / block
	parts = 1
	if blocks < workers {
		parts = min((workers+blocks-1)/blocks, columnPanels)
	}
	return block, blocks, parts
}
