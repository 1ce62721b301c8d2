package kernels

import "unsafe"

// tiler is the innermost product: a tile of the result, rows x columns, in registers.
type tiler struct {
	rows, columns int
	// narrow is half of columns where there is a tile of that width, too, else columns.
	narrow int
	// shorter lists the heights of lower tiles of full width, rising.
	shorter []int
	// multiply sets c[r][j] to, or adds to it, the sum over p < k of a[r][p]·b[p][j], for `rows` or one of
	// the shorter heights, and `columns` or, if thin, `narrow` columns of the full height. Strides are in
	// bytes: c's rows lie ldc apart, a's rows aRow and its columns aCol, b's rows bRow; b's columns are
	// adjacent.
	multiply func(c, a, b unsafe.Pointer, height, k, ldc, aRow, aCol, bRow int, thin, add bool)
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

func multiplyPortable(c, a, b unsafe.Pointer, _, k, ldc, aRow, aCol, bRow int, _, add bool) {
	const rows, columns = 4, 16
	var sum [rows][columns]float32
	if add {
		for r := range rows {
			sum[r] = *(*[columns]float32)(unsafe.Add(c, r*ldc))
		}
	}
	for p := range k {
		row := (*[columns]float32)(unsafe.Add(b, p*bRow))
		for r := range rows {
			v := *(*float32)(unsafe.Add(a, r*aRow+p*aCol))
			for j := range columns {
				sum[r][j] += v * row[j]
			}
		}
	}
	for r := range rows {
		*(*[columns]float32)(unsafe.Add(c, r*ldc)) = sum[r]
	}
}
