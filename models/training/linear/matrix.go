// Package linear is the linear algebra of heads that are fitted in closed form: ridge regression, principal components, and
// layers that are made of them. It knows nothing of photos.
package linear

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"
)

// Matrix is rows of equal length, one behind the other.
type Matrix struct {
	Rows, Columns int
	Data          []float32
}

// Row is a row, whose numbers are the matrix's own.
func (m Matrix) Row(i int) []float32 { return m.Data[i*m.Columns : (i+1)*m.Columns] }

// Clone is a copy, whose numbers are its own.
func (m Matrix) Clone() Matrix { return Matrix{m.Rows, m.Columns, slices.Clone(m.Data)} }

// Part is a copy of the columns [from, to).
func (m Matrix) Part(from, to int) Matrix {
	part := Matrix{m.Rows, to - from, make([]float32, 0, m.Rows*(to-from))}
	for i := range m.Rows {
		part.Data = append(part.Data, m.Row(i)[from:to]...)
	}
	return part
}

// Beside has the rows of both, one behind the other.
func (m Matrix) Beside(other Matrix) Matrix {
	both := Matrix{m.Rows, m.Columns + other.Columns, make([]float32, 0, len(m.Data)+len(other.Data))}
	for i := range m.Rows {
		both.Data = append(append(both.Data, m.Row(i)...), other.Row(i)...)
	}
	return both
}

// transposed has the columns as rows.
func (m Matrix) transposed() Matrix {
	t := Matrix{m.Columns, m.Rows, make([]float32, len(m.Data))}
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			t.Data[j*m.Rows+i] = v
		}
	}
	return t
}

// Normalise brings each row to length 1.
func (m Matrix) Normalise() {
	for i := range m.Rows {
		row := blas32.Vector{N: m.Columns, Inc: 1, Data: m.Row(i)}
		blas32.Scal(1/max(blas32.Nrm2(row), 1e-6), row)
	}
}

// Dot is the product of two rows: their cosine, where they have length 1.
func (m Matrix) Dot(i, j int) float32 {
	return blas32.Dot(blas32.Vector{N: m.Columns, Inc: 1, Data: m.Row(i)}, blas32.Vector{N: m.Columns, Inc: 1, Data: m.Row(j)})
}

// Moments are the mean and the standard deviation of each column, over some rows.
func Moments(m Matrix, rows []int) (mean, deviation []float32) {
	sum, square := make([]float64, m.Columns), make([]float64, m.Columns)
	for _, i := range rows {
		for j, v := range m.Row(i) {
			sum[j] += float64(v)
			square[j] += float64(v) * float64(v)
		}
	}
	mean, deviation = make([]float32, m.Columns), make([]float32, m.Columns)
	for j := range sum {
		mu := sum[j] / float64(len(rows))
		mean[j] = float32(mu)
		deviation[j] = float32(math.Sqrt(max(square[j]/float64(len(rows))-mu*mu, 1e-8)))
	}
	return mean, deviation
}
