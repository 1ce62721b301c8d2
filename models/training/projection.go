package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/backends"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/models"
)

const (
	// shrinkage tempers the whitening: components are divided by their deviation to this power, so that
	// rare directions, which are mostly noise, do not count as much as the frequent ones.
	shrinkage = 0.25
	// layout is how much it counts where in the crop a thing is, against that it is there at all: each cell's
	// difference from the crop's mean cell is multiplied by it.
	layout = 0.3
)

// The subspace iteration holds a few more directions than are asked for, and turns them a few times.
const (
	oversampling   = 48
	subspaceRounds = 6
)

// fitProjection fits the unsupervised embedding of crops of count cells: a principal component analysis of the
// cells, with their layout tempered, keeping size components, partly whitened
// (https://hal.inria.fr/hal-00722622 shows why for retrieval). It returns the weights of models.UnsupervisedHead. It ends
// where ctx is cancelled, and tells of its progress if it takes seconds; tell may be nil.
func fitProjection(ctx context.Context, backend backends.Backend, cells matrix, count, size int, tell func(done, total int)) (models.Weights, error) {
	tempered := matrix{cells.rows, cells.columns, slices.Clone(cells.data)}
	temperLayout(tempered.data, tempered.rows, count)
	weights, err := principalComponents(ctx, backend, tempered, size, shrinkage, tell)
	if err != nil {
		return nil, err
	}
	// Tempering is a symmetric linear map, and so the weights may do it as well as the cells.
	temperLayout(weights["unsupervised.weight"].Data, size, count)
	return weights, nil
}

// temperLayout multiplies each cell's difference from the mean of its row's count cells by layout.
func temperLayout(data []float32, rows, count int) {
	channels := len(data) / (rows * count)
	for r := range rows {
		row := data[r*count*channels : (r+1)*count*channels]
		for c := range channels {
			mean := float32(0)
			for k := range count {
				mean += row[k*channels+c] / float32(count)
			}
			for k := range count {
				row[k*channels+c] = mean + layout*(row[k*channels+c]-mean)
			}
		}
	}
}

// checkFeatures returns an error where a crop has fewer features than an embedding has numbers.
func checkFeatures(features, size int) error {
	if features < size {
		return fmt.Errorf("the trunk makes %d features of a crop, fewer than the %d numbers of an embedding: take a trunk, or with --onnx-layer a layer, of more channels", features, size)
	}
	return nil
}

// principalComponents are the weights that bring cells to their size principal components, each divided by its
// deviation to the power of whitening.
func principalComponents(ctx context.Context, backend backends.Backend, cells matrix, size int, whitening float64, tell func(done, total int)) (models.Weights, error) {
	n, d := cells.rows, cells.columns
	if n < size {
		return nil, errors.New("fewer photos than components: paint or read more")
	}
	if err := checkFeatures(d, size); err != nil {
		return nil, err
	}
	mean := make([]float64, d)
	for i := range n {
		for j, v := range cells.row(i) {
			mean[j] += float64(v) / float64(n)
		}
	}
	centred := matrix{n, d, make([]float32, n*d)}
	for i := range n {
		for j, v := range cells.row(i) {
			centred.row(i)[j] = v - float32(mean[j])
		}
	}
	values, vectors, err := componentsOf(ctx, backend, centred, size, tell)
	if err != nil {
		return nil, err
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
	return models.Weights{"unsupervised.weight": weight, "unsupervised.bias": bias}, nil
}

// componentsOf returns the variances of the first principal components of centred rows, in falling order, and their
// directions as columns, [columns of x, count].
func componentsOf(ctx context.Context, backend backends.Backend, x matrix, count int, tell func(done, total int)) ([]float64, *mat.Dense, error) {
	d := x.columns
	work := newBlocks(ctx, (subspaceRounds+2)*blockCount(d), tell)
	products, err := gram(backend, x, d, work)
	if err != nil {
		return nil, nil, err
	}
	covariance := mat.NewDense(d, d, nil)
	for i := range d {
		for j := i; j < d; j++ { // symmetric to the bit, which the products may not be
			v := float64(products.row(i)[j]) / float64(x.rows)
			covariance.Set(i, j, v)
			covariance.Set(j, i, v)
		}
	}
	return principal(covariance, count, work)
}

// project computes unsupervised embeddings of cells, as models.UnsupervisedHead does.
func project(cells matrix, weights models.Weights) matrix {
	out := linear(cells, weights["unsupervised.weight"], weights["unsupervised.bias"])
	out.normalise()
	return out
}

// linear is x·wᵀ + bias, w being [out, in]; without a bias, nil, x·wᵀ.
func linear(x matrix, w, bias *models.Tensor) matrix {
	out := matrix{rows: x.rows, columns: w.Shape[0], data: make([]float32, x.rows*w.Shape[0])}
	for i := range out.rows {
		if bias != nil {
			copy(out.row(i), bias.Data)
		}
	}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1,
		blas32.General{Rows: x.rows, Cols: x.columns, Stride: x.columns, Data: x.data},
		blas32.General{Rows: w.Shape[0], Cols: w.Shape[1], Stride: w.Shape[1], Data: w.Data},
		1, blas32.General{Rows: out.rows, Cols: out.columns, Stride: out.columns, Data: out.data})
	return out
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
