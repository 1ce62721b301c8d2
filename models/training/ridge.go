package training

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

// ridgeFit is y = weight·x + bias: weight is [outputs, columns], bias [outputs].
type ridgeFit struct {
	weight, bias *models.Tensor
}

// of a row.
func (r ridgeFit) of(row []float32) []float32 {
	out := make([]float32, len(r.bias.Data))
	for o := range out {
		sum := float64(r.bias.Data[o])
		for i, v := range row {
			sum += float64(r.weight.Data[o*len(row)+i]) * float64(v)
		}
		out[o] = float32(sum)
	}
	return out
}

// ridge fits y to x with the least weighted squares and lambda times the squares of the weights for columns of x of mean
// 0 and deviation 1 (Hoerl and Kennard, 1970). x is [rows, columns], y [rows, outputs]. The answer is for x as it is. It
// ends where ctx is cancelled, and tells of its progress if it takes seconds; tell may be nil.
func ridge(ctx context.Context, backend backends.Backend, x, y matrix, weights []float32, lambda float64, tell func(done, total int)) (ridgeFit, error) {
	mean, deviation := weightedMoments(x, weights)
	target, _ := weightedMoments(y, weights)
	var total float64
	for _, v := range weights {
		total += float64(v)
	}
	if !(total > 0) {
		return ridgeFit{}, errors.New("ridge: there is nothing to fit to")
	}
	joint := matrix{x.rows, x.columns + y.columns, make([]float32, x.rows*(x.columns+y.columns))} // y behind x
	for i := range x.rows {
		root := float32(math.Sqrt(float64(weights[i]) / total))
		for j, v := range x.row(i) {
			joint.row(i)[j] = root * (v - mean[j]) / deviation[j]
		}
		for j, v := range y.row(i) {
			joint.row(i)[x.columns+j] = root * (v - target[j])
		}
	}
	work := newBlocks(ctx, 2*blockCount(x.columns), tell)
	products, err := gram(backend, joint, x.columns, work)
	if err != nil {
		return ridgeFit{}, err
	}
	solution, err := solve(products, lambda, work)
	if err != nil {
		return ridgeFit{}, err
	}
	w, b := models.NewTensor(y.columns, x.columns), models.NewTensor(y.columns)
	for o := range y.columns {
		offset := float64(target[o])
		for j := range x.columns {
			v := solution.Data[j*solution.Stride+o] / float64(deviation[j])
			w.Data[o*x.columns+j] = float32(v)
			offset -= v * float64(mean[j])
		}
		b.Data[o] = float32(offset)
	}
	return ridgeFit{w, b}, nil
}

// solve returns (gram + lambda)⁻¹ moment, [rows, outputs], of products, which are gram, [rows, rows], and behind it moment.
func solve(products matrix, lambda float64, work *blocks) (blas64.General, error) {
	n, outputs := products.rows, products.columns-products.rows
	a := blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
	solution := blas64.General{Rows: n, Cols: outputs, Stride: outputs, Data: make([]float64, n*outputs)}
	for i := range n {
		for j, v := range products.row(i) {
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
func weightedMoments(m matrix, weights []float32) (mean, deviation []float32) {
	sum, square := make([]float64, m.columns), make([]float64, m.columns)
	var total float64
	for i := range m.rows {
		w := float64(weights[i])
		total += w
		for j, v := range m.row(i) {
			sum[j] += w * float64(v)
			square[j] += w * float64(v) * float64(v)
		}
	}
	mean, deviation = make([]float32, m.columns), make([]float32, m.columns)
	for j := range sum {
		mu := sum[j] / max(total, 1e-12)
		mean[j] = float32(mu)
		deviation[j] = max(float32(math.Sqrt(max(square[j]/max(total, 1e-12)-mu*mu, 0))), leastDeviation)
	}
	return mean, deviation
}
