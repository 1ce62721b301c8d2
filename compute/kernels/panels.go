package kernels

import "unsafe"

// panels hold the right operand b [k, n] of a product in the order in which tiles read it: cut into
// panels of a tile's width, each [k, width], the last narrower or padded with zeros.
type panels struct {
	tile *tiler
	k, n int
	data []float32
}

// width returns the columns of panel p as they are stored, and whether it is a narrow one.
func (b *panels) width(p int) (width int, thin bool) {
	if b.n-p*b.tile.columns <= b.tile.narrow {
		return b.tile.narrow, b.tile.narrow < b.tile.columns
	}
	return b.tile.columns, false
}

func (b *panels) count() int { return (b.n + b.tile.columns - 1) / b.tile.columns }

// row is where row k of panel p begins.
func (b *panels) row(p, k int) unsafe.Pointer {
	width, _ := b.width(p)
	return unsafe.Pointer(&b.data[p*b.tile.columns*b.k+k*width])
}

func newPanels(t *tiler, k, n int, data []float32) *panels {
	b := &panels{tile: t, k: k, n: n}
	if size := b.size(); cap(data) >= size {
		b.data = data[:size]
	} else {
		b.data = make([]float32, size)
	}
	return b
}

func (b *panels) size() int {
	if b.n == 0 {
		return 0
	}
	last := b.count() - 1
	width, _ := b.width(last)
	return (last*b.tile.columns + width) * b.k
}

// fill packs rows [k0, k0+rows) from src, whose element (row, column) is at row*rowStride +
// column*columnStride.
func (b *panels) fill(k0, rows int, src []float32, rowStride, columnStride int) {
	for p := range b.count() {
		width, _ := b.width(p)
		begin := p * b.tile.columns
		columns := min(width, b.n-begin)
		panel := b.data[begin*b.k+k0*width : begin*b.k+(k0+rows)*width]
		if columnStride == 1 {
			for r := range rows {
				row := panel[r*width : (r+1)*width]
				at := r*rowStride + begin
				copy(row, src[at:at+columns])
				clear(row[columns:])
			}
			continue
		}
		for r := range rows {
			row := panel[r*width : (r+1)*width]
			at := r*rowStride + begin*columnStride
			for j := range columns {
				row[j] = src[at+j*columnStride]
			}
			clear(row[columns:])
		}
	}
}
