package linear

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/models"
)

// Discriminants returns the layer that brings rows to the directions in which groups of them differ most, for how much the
// rows of one group do (Fisher's discriminants: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 4.3.3),
// the most telling first, in deviations within groups. Each so many rows of x are a group. shrinkage says how much of the
// covariance of all rows counts as within groups, against that within groups; it keeps directions in which hardly anything
// differs from counting.
func Discriminants(x Matrix, each, size int, shrinkage float64) (Layer, error) {
	n, d := x.Rows, x.Columns
	if n == 0 || each < 1 || n%each > 0 || size > d {
		return Layer{}, errors.New("linear: discriminants need whole groups of rows, and no more directions than columns")
	}
	mean := make([]float64, d)
	for i := range n {
		for j, v := range x.Row(i) {
			mean[j] += float64(v) / float64(n)
		}
	}
	total, within, between := mat.NewSymDense(d, nil), mat.NewSymDense(d, nil), mat.NewSymDense(d, nil)
	middle, row := mat.NewVecDense(d, nil), mat.NewVecDense(d, nil)
	for group := range n / each {
		middle.Zero()
		for i := range each {
			for j, v := range x.Row(group*each + i) {
				middle.SetVec(j, middle.AtVec(j)+(float64(v)-mean[j])/float64(each))
			}
		}
		between.SymRankOne(between, float64(each)/float64(n), middle)
		for i := range each {
			for j, v := range x.Row(group*each + i) {
				row.SetVec(j, float64(v)-mean[j])
			}
			total.SymRankOne(total, 1/float64(n), row)
			row.SubVec(row, middle)
			within.SymRankOne(within, 1/float64(n), row)
		}
	}
	white, err := whitening(total)
	if err != nil {
		return Layer{}, err
	}
	own := seen(within, white)
	share := shrinkage * mat.Trace(own) / float64(d)
	for j := range d {
		own.SetSym(j, j, own.At(j, j)+share)
	}
	narrower, err := whitening(own)
	if err != nil {
		return Layer{}, err
	}
	var all mat.Dense
	all.Mul(white, narrower)
	var eigen mat.EigenSym
	if !eigen.Factorize(seen(between, &all), true) {
		return Layer{}, errNoEigen
	}
	var vectors, directions mat.Dense
	eigen.VectorsTo(&vectors)
	directions.Mul(&all, &vectors)
	weight, bias := models.NewTensor(size, d), models.NewTensor(size)
	for o := range size {
		var offset float64
		for j := range d {
			w := directions.At(j, d-1-o) // eigenvalues rise
			weight.Data[o*d+j] = float32(w)
			offset -= w * mean[j]
		}
		bias.Data[o] = float32(offset)
	}
	return Layer{weight, bias}, nil
}

var errNoEigen = errors.New("linear: a covariance has no eigenvectors: are all numbers finite?")

// whitening returns the map, as columns, after which a covariance is the identity. Directions in which there is hardly any
// variance stay small.
func whitening(covariance *mat.SymDense) (*mat.Dense, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance, true) {
		return nil, errNoEigen
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	values := eigen.Values(nil)
	least := math.Max(values[len(values)-1]*1e-7, 1e-30)
	vectors.Apply(func(_, j int, v float64) float64 { return v / math.Sqrt(math.Max(values[j], least)) }, &vectors)
	return &vectors, nil
}

// seen is a covariance after a map.
func seen(covariance mat.Symmetric, through *mat.Dense) *mat.SymDense {
	var half, full mat.Dense
	half.Mul(covariance, through)
	full.Mul(through.T(), &half)
	d, _ := full.Dims()
	symmetric := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			symmetric.SetSym(i, j, (full.At(i, j)+full.At(j, i))/2)
		}
	}
	return symmetric
}
