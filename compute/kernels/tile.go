package kernels

import "unsafe"

// tiler is the innermost product: a tile of the result, rows x columns, in registers.
type tiler struct {
	rows, columns int
	// narrow is half of columns where there is a tile of that width, too, else columns.
	narrow int
	// multiply sets c[r][j] to, or adds to it, the sum over p < k of a[r][p]·b[p][j], for a whole tile of
	// rows and `columns` or, if thin, `narrow` columns. Strides are in bytes: c's rows lie ldc apart, a's
	// rows aRow and its columns aCol, b's rows bRow; b's columns are adjacent.
	multiply func(c, a, b unsafe.Pointer, k, ldc, aRow, aCol, bRow int, thin, add bool)
}

// maxTile is room for the largest tile.
const maxTile = 14 * 32

var portableTiler = tiler{rows: 4, columns: 16, narrow: 16, multiply: multiplyPortable}

func activeTiler() *tiler { return tilerOf(Active()) }

func multiplyPortable(c, a, b unsafe.Pointer, k, ldc, aRow, aCol, bRow int, _, add bool) {
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
