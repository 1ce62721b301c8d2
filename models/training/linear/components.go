package linear

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/backends"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/models"
)

// The subspace iteration holds a few more directions than are asked for, and turns them a few times.
const (
	oversampling   = 48
	subspaceRounds = 6
)

// PrincipalComponents returns the layer that brings the rows of x to their first principal components, each divided by its
// deviation to the power of whitening. size, how many, is at most x's columns. It ends where ctx is cancelled, and tells of
// its progress if it takes seconds; tell may be nil.
func PrincipalComponents(ctx context.Context, backend backends.Backend, x Matrix, size int, whitening float64, tell func(done, total int)) (Layer, error) {
	n, d := x.Rows, x.Columns
	mean := make([]float64, d)
	for i := range n {
		for j, v := range x.Row(i) {
			mean[j] += float64(v) / float64(n)
		}
	}
	centred := Matrix{n, d, make([]float32, n*d)}
	for i := range n {
		for j, v := range x.Row(i) {
			centred.Row(i)[j] = v - float32(mean[j])
		}
	}
	values, vectors, err := componentsOf(ctx, backend, centred, size, tell)
	if err != nil {
		return Layer{}, err
	}
	weight, bias := models.NewTensor(size, d), models.NewTensor(size)
	for o := range size {
		scale := math.Pow(max(values[o], 1e-9), -whitening/2)
		var offset float64
		for j := range d {
			w := vectors.At(j, o) * scale
			weight.Data[o*d+j] = float32(w)
			offset -= w * mean[j]
		}
		bias.Data[o] = float32(offset)
	}
	return Layer{weight, bias}, nil
}

// componentsOf returns the variances of the first principal components of centred rows, in falling order, and their
// directions as columns, [columns of x, count].
func componentsOf(ctx context.Context, backend backends.Backend, x Matrix, count int, tell func(done, total int)) ([]float64, *mat.Dense, error) {
	if x.Rows < x.Columns {
		return componentsOfFew(ctx, backend, x, count, tell)
	}
	work := newBlocks(ctx, (subspaceRounds+2)*blockCount(x.Columns), tell)
	return principalOfGram(backend, x, x.Rows, count, work)
}

// componentsOfFew is componentsOf of fewer rows than columns. The products of rows with each other have the same variances
// as those of columns, and are fewer: of 3,000 photos and a ResNet-50's 24,576 columns they are a sixtieth, and fit into
// memory. A direction is the sum of rows that such a vector says.
func componentsOfFew(ctx context.Context, backend backends.Backend, x Matrix, count int, tell func(done, total int)) ([]float64, *mat.Dense, error) {
	n, d := x.Rows, x.Columns
	columns := x.transposed()
	work := newBlocks(ctx, (subspaceRounds+2)*blockCount(n)+blockCount(d), tell)
	values, vectors, err := principalOfGram(backend, columns, n, count, work)
	if err != nil {
		return nil, nil, err
	}
	directions := mat.NewDense(d, count, nil)
	for from := 0; from < d; from += blockSize {
		if err := work.next(); err != nil {
			return nil, nil, err
		}
		some := mat.NewDense(min(blockSize, d-from), n, nil)
		for i, v := range columns.Data[from*n : from*n+len(some.RawMatrix().Data)] {
			some.RawMatrix().Data[i] = float64(v)
		}
		directions.Slice(from, from+some.RawMatrix().Rows, 0, count).(*mat.Dense).Mul(some, vectors)
	}
	orthonormalise(directions) // also where a variance is zero, and so a direction is no sum of rows
	return values, directions, nil
}

// principalOfGram returns the largest eigenvalues of xᵀx/n, in falling order, and their vectors as columns, in
// (subspaceRounds+2) * blockCount(columns of x) blocks.
func principalOfGram(backend backends.Backend, x Matrix, n, count int, work *blocks) ([]float64, *mat.Dense, error) {
	d := x.Columns
	products, err := gram(backend, x, d, work)
	if err != nil {
		return nil, nil, err
	}
	covariance := mat.NewDense(d, d, nil)
	for i := range d {
		for j := i; j < d; j++ { // symmetric to the bit, which the products may not be
			v := float64(products.Row(i)[j]) / float64(n)
			covariance.Set(i, j, v)
			covariance.Set(j, i, v)
		}
	}
	return principal(covariance, count, work)
}

// principal returns the largest eigenvalues of a symmetric matrix, in falling order, and their vectors
// as columns, by subspace iteration from a random start (Halko, Martinsson and Tropp, 2011,
// https://arxiv.org/abs/0909.4061, algorithms 4.4 and 5.3): decomposing the whole matrix takes minutes. It takes
// (subspaceRounds + 1) * blockCount(rows) blocks.
func principal(a *mat.Dense, count int, work *blocks) ([]float64, *mat.Dense, error) {
	d, _ := a.Dims()
	width := min(count+oversampling, d)
	rng := rand.New(rand.NewPCG(1, uint64(d)))
	basis := mat.NewDense(d, width, nil)
	for i := range d {
		for j := range width {
			basis.Set(i, j, rng.NormFloat64())
		}
	}
	image := mat.NewDense(d, width, nil)
	for range subspaceRounds {
		if err := multiply(image.RawMatrix(), a.RawMatrix(), basis.RawMatrix(), work); err != nil {
			return nil, nil, err
		}
		basis.Copy(image)
		orthonormalise(basis)
	}
	if err := multiply(image.RawMatrix(), a.RawMatrix(), basis.RawMatrix(), work); err != nil {
		return nil, nil, err
	}
	var small mat.Dense
	small.Mul(basis.T(), image) // [width, width], what the matrix does within the subspace
	ritz := mat.NewSymDense(width, nil)
	for i := range width {
		for j := i; j < width; j++ {
			ritz.SetSym(i, j, (small.At(i, j)+small.At(j, i))/2)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(ritz, true) {
		return nil, nil, errors.New("the eigenvalues of the cells' covariance did not converge")
	}
	ascending := eigen.Values(nil)
	var turns, vectors mat.Dense
	eigen.VectorsTo(&turns)
	vectors.Mul(basis, &turns)
	values, ordered := make([]float64, count), mat.NewDense(d, count, nil)
	for o := range count {
		values[o] = ascending[width-1-o]
		for j := range d {
			ordered.Set(j, o, vectors.At(j, width-1-o))
		}
	}
	return values, ordered, nil
}

// orthonormalise replaces the columns of a tall matrix by an orthonormal basis of what they span.
func orthonormalise(m *mat.Dense) {
	raw := m.RawMatrix()
	tau := make([]float64, raw.Cols)
	work := []float64{0}
	lapack64.Geqrf(raw, tau, work, -1) // asks for the best size of work
	work = make([]float64, int(work[0]))
	lapack64.Geqrf(raw, tau, work, len(work))
	lapack64.Orgqr(raw, tau, work, len(work))
}
