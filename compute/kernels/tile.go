package kernels

import "unsafe"

// tiler is the innermost product: a tile of the result, rows x columns, in registers.
type tiler struct {
	rows, columns int
	// narrow is half of columns where there is a tile of that width, too, else columns.
	narrow int
	// shorter lists the heights of lower tiles of full width, rising.
	shorter []int
	// multiply does the work for `rows` or one of the shorter heights, and `columns` or, if thin, `narrow`
	// columns of the full height.
	multiply func(work *tileWork, height int, thin bool)
}

// tileWork is what a tile has to do: set c[r][j] to, or add to it, the sum over p of a[r][p]·b[p][j].
// Strides are in bytes; columns of b and c are adjacent.
type tileWork struct {
	c, a, b       unsafe.Pointer
	cRow, bRow    int
	aRow, aColumn int
	k             int            // elements of a run of a's rows
	runs          int            // at least one
	aJump         int            // from the end of a run to where the next begins
	next          unsafe.Pointer // memory that is read soon, 64 bytes for each element: fetched into the second cache
	add           bool
}

// maxTile is room for the largest tile.
const maxTile = 14 * 32

// height is that of the next tile where so many rows are left: one that wastes the least.
func (t *tiler) height(rest int, thin bool) int {
	if thin || len(t.shorter) == 0 {
		return t.rows
	}
	most := t.shorter[len(t.shorter)-1]
	if rest > t.rows && rest <= 2*most {
		return most // two of these instead of a whole one and a bit
	}
	for _, height := range t.shorter {
		if rest <= height {
			return height
		}
	}
	return t.rows
}

var portableTiler = tiler{rows: 4, columns: 16, narrow: 16, multiply: multiplyPortable}

func activeTiler() *tiler { return tilerOf(Active()) }

func multiplyPortable(w *tileWork, _ int, _ bool) {
	const rows, columns = 4, 16
	var sum [rows][columns]float32
	if w.add {
		for r := range rows {
			sum[r] = *(*[columns]float32)(unsafe.Add(w.c, r*w.cRow))
		}
	}
	a, b := 0, 0 // bytes: a pointer must not go on past the end
	for range w.runs {
		for range w.k {
			row := (*[columns]float32)(unsafe.Add(w.b, b))
			for r := range rows {
				v := *(*float32)(unsafe.Add(w.a, a+r*w.aRow))
				for j := range columns {
					sum[r][j] += v * row[j]
				}
			}
			a, b = a+w.aColumn, b+w.bRow
		}
		a += w.aJump
	}
	for r := range rows {
		*(*[columns]float32)(unsafe.Add(w.c, r*w.cRow)) = sum[r]
	}
}
