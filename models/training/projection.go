package training

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/models"
)

// shrinkage tempers the whitening: components are divided by their deviation to this power, so that
// rare directions, which are mostly noise, do not count as much as the frequent ones.
const shrinkage = 0.5

// FitProjection fits the unsupervised embedding: a principal component analysis of cells, keeping
// size components, partly whitened (https://hal.inria.fr/hal-00722622 shows why for retrieval). It
// returns the weights of models.UnsupervisedHead.
func FitProjection(cells matrix, size int) (models.Weights, error) {
	n, d := cells.rows, cells.columns
	if n < size {
		return nil, errors.New("projection: fewer photos than components: paint or read more")
	}
	mean := make([]float64, d)
	for i := range n {
		for j, v := range cells.row(i) {
			mean[j] += float64(v) / float64(n)
		}
	}
	centred := make([]float32, n*d)
	for i := range n {
		for j, v := range cells.row(i) {
			centred[i*d+j] = v - float32(mean[j])
		}
	}
	x := blas32.General{Rows: n, Cols: d, Stride: d, Data: centred}
	c := blas32.General{Rows: d, Cols: d, Stride: d, Data: make([]float32, d*d)}
	blas32.Gemm(blas.Trans, blas.NoTrans, 1/float32(n), x, x, 0, c)
	covariance := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			covariance.SetSym(i, j, float64(c.Data[i*d+j]))
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return nil, errors.New("projection: the eigenvalues of the cells' covariance did not converge")
	}
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	weight, bias := models.NewTensor(size, d), models.NewTensor(size)
	for o := range size {
		column := d - 1 - o
		scale := math.Pow(max(values[column], 1e-9), -shrinkage/2)
		var offset float64
		for j := range d {
			w := vectors.At(j, column) * scale
			weight.Data[o*d+j] = float32(w)
			offset -= w * mean[j]
		}
		bias.Data[o] = float32(offset)
	}
	return models.Weights{"unsupervised.weight": weight, "unsupervised.bias": bias}, nil
}
