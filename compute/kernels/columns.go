package kernels

// Passes over the columns of row-major matrices [rows, n], which batch normalisation is made of. n is
// the length of the vectors, at least 1.

// ColumnSums adds to sums[j] the sum of column j of x.
func ColumnSums(sums, x []float32) {
	n := len(sums)
	rows := len(x) / n
	if rows == 0 || columnSumsFast(sums, x, rows) {
		return
	}
	for r := range rows {
		for j, v := range x[r*n : (r+1)*n] {
			sums[j] += v
		}
	}
}

// ColumnSquares adds to squares[j] the sum of (x - centres[j])² over column j of x.
func ColumnSquares(squares, x, centres []float32) {
	n := len(squares)
	rows := len(x) / n
	centres = centres[:n]
	if rows == 0 || columnSquaresFast(squares, x, centres, rows) {
		return
	}
	for r := range rows {
		row := x[r*n : (r+1)*n]
		for j, c := range centres {
			d := row[j] - c
			squares[j] += d * d
		}
	}
}

// ColumnProducts adds to sums[j] the sum of column j of dy, and to products[j] that of
// dy · (x - centres[j]).
func ColumnProducts(sums, products, x, dy, centres []float32) {
	n := len(sums)
	rows := len(x) / n
	products, centres, dy = products[:n], centres[:n], dy[:rows*n]
	if rows == 0 || columnProductsFast(sums, products, x, dy, centres, rows) {
		return
	}
	for r := range rows {
		in, grad := x[r*n:(r+1)*n], dy[r*n:(r+1)*n]
		for j, c := range centres {
			g := grad[j]
			sums[j] += g
			products[j] += g * (in[j] - c)
		}
	}
}

// ScaleColumns sets column j of dst to x · factors[j] + shifts[j].
func ScaleColumns(dst, x, factors, shifts []float32) {
	n := len(factors)
	rows := len(x) / n
	dst, shifts = dst[:rows*n], shifts[:n]
	if rows == 0 || scaleColumnsFast(dst, x, factors, shifts, rows) {
		return
	}
	for r := range rows {
		in, out := x[r*n:(r+1)*n], dst[r*n:(r+1)*n]
		for j, f := range factors {
			out[j] = in[j]*f + shifts[j]
		}
	}
}

// CombineColumns sets column j of dst to a[j] · dy + k[j] · x + shifts[j].
func CombineColumns(dst, x, dy, a, k, shifts []float32) {
	n := len(a)
	rows := len(x) / n
	dst, dy, k, shifts = dst[:rows*n], dy[:rows*n], k[:n], shifts[:n]
	if rows == 0 || combineColumnsFast(dst, x, dy, a, k, shifts, rows) {
		return
	}
	for r := range rows {
		in, grad, out := x[r*n:(r+1)*n], dy[r*n:(r+1)*n], dst[r*n:(r+1)*n]
		for j := range a {
			out[j] = a[j]*grad[j] + k[j]*in[j] + shifts[j]
		}
	}
}
