package linear

import (
	"context"
	"errors"
	"math"

	"github.com/gomlx/gomlx/backends"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/kleid-search/kleid/models"
)

// Ridge fits y to x with the least weighted squares and lambda times the squares of the weights for columns of x of mean
// 0 and deviation 1 (Hoerl and Kennard, 1970). x is [rows, columns], y [rows, outputs]. The answer is for x as it is. It
// ends where ctx is cancelled, and tells of its progress if it takes seconds; tell may be nil.
func Ridge(ctx context.Context, backend backends.Backend, x, y Matrix, weights []float32, lambda float64, tell func(done, total int)) (Layer, error) {
	mean, deviation := weightedMoments(x, weights)
	target, _ := weightedMoments(y, weights)
	var total float64
	for _, v := range weights {
		total += float64(v)
	}
	if !(total > 0) {
		return Layer{}, errors.New("ridge: there is nothing to fit to")
	}
	joint := Matrix{x.Rows, x.Columns + y.Columns, make([]float32, x.Rows*(x.Columns+y.Columns))} // y behind x
	for i := range x.Rows {
		root := float32(math.Sqrt(float64(weights[i]) / total))
		for j, v := range x.Row(i) {
			joint.Row(i)[j] = root * (v - mean[j]) / deviation[j]
		}
		for j, v := range y.Row(i) {
			joint.Row(i)[x.Columns+j] = root * (v - target[j])
		}
	}
	work := newBlocks(ctx, 2*blockCount(x.Columns), tell)
	products, err := gram(backend, joint, x.Columns, work)
	if err != nil {
		return Layer{}, err
	}
	solution, err := solve(products, lambda, work)
	if err != nil {
		return Layer{}, err
	}
	w, b := models.NewTensor(y.Columns, x.Columns), models.NewTensor(y.Columns)
	for o := range y.Columns {
		offset := float64(target[o])
		for j := range x.Columns {
			v := solution.Data[j*solution.Stride+o] / float64(deviation[j])
			w.Data[o*x.Columns+j] = float32(v)
			offset -= v * float64(mean[j])
		}
		b.Data[o] = float32(offset)
	}
	return Layer{w, b}, nil
}

// solve returns (gram + lambda)⁻¹ moment, [rows, outputs], of products, which are gram, [rows, rows], and behind it moment.
func solve(products Matrix, lambda float64, work *blocks) (blas64.General, error) {
	n, outputs := products.Rows, products.Columns-products.Rows
	a := blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
	solution := blas64.General{Rows: n, Cols: outputs, Stride: outputs, Data: make([]float64, n*outputs)}
	for i := range n {
		for j, v := range products.Row(i) {
			if j < n {
				a.Data[i*n+j] = float64(v)
			} else {
				solution.Data[i*outputs+j-n] = float64(v)
			}
		}
		a.Data[i*n+i] += lambda
	}
	if err := cholesky(a, work); errors.Is(err, errNotDefinite) {
		return solution, errors.New("ridge: the columns depend on each other: a larger lambda is needed")
	} else if err != nil {
		return solution, err
	}
	u := blas64.Triangular{N: n, Stride: n, Data: a.Data, Uplo: blas.Upper, Diag: blas.NonUnit}
	lapack64.Potrs(u, solution)
	return solution, nil
}

// leastDeviation is that of a column that is all the same.
const leastDeviation = 1e-4

// weightedMoments are each column's mean and deviation.
func weightedMoments(m Matrix, weights []float32) (mean, deviation []float32) {
	sum, square := make([]float64, m.Columns), make([]float64, m.Columns)
	var total float64
	for i := range m.Rows {
		w := float64(weights[i])
		total += w
		for j, v := range m.Row(i) {
			sum[j] += w * float64(v)
			square[j] += w * float64(v) * float64(v)
		}
	}
	mean, deviation = make([]float32, m.Columns), make([]float32, m.Columns)
	for j := range sum {
		mu := sum[j] / max(total, 1e-12)
		mean[j] = float32(mu)
		deviation[j] = max(float32(math.Sqrt(max(square[j]/max(total, 1e-12)-mu*mu, 0))), leastDeviation)
	}
	return mean, deviation
}
