package linear

import (
	"context"
	"math"
	"math/bits"

	"github.com/gomlx/gomlx/backends"
	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/models"
)

// Basis brings what a trunk sees of a place to fewer numbers, for a linear layer that is fitted to them and then
// expanded to read the trunk itself. A nil one leaves all as it is.
type Basis struct {
	weight *models.Tensor // [kept, channels]
}

// NewBasis keeps the principal components of the rows of places, [places, channels], whose channels are brought to
// deviation 1 first, as Ridge brings its columns. They are turned by a Hadamard matrix, for which kept is a power of two, so
// that all have the same deviation: Ridge would make as much of the least component as of the first one otherwise.
func NewBasis(ctx context.Context, backend backends.Backend, places Matrix, kept int) (*Basis, error) {
	even := make([]float32, places.Rows)
	for i := range even {
		even[i] = 1
	}
	mean, deviation := weightedMoments(places, even)
	standard := Matrix{places.Rows, places.Columns, make([]float32, len(places.Data))}
	for i := range places.Rows {
		for j, v := range places.Row(i) {
			standard.Row(i)[j] = (v - mean[j]) / deviation[j]
		}
	}
	_, vectors, err := componentsOf(ctx, backend, standard, kept, nil)
	if err != nil {
		return nil, err
	}
	turn := mat.NewDense(kept, kept, nil)
	for i := range kept {
		for j := range kept {
			sign := 1 - 2*float64(bits.OnesCount(uint(i&j))%2)
			turn.Set(i, j, sign/math.Sqrt(float64(kept)))
		}
	}
	var turned mat.Dense
	turned.Mul(vectors, turn) // [channels, kept]
	weight := models.NewTensor(kept, places.Columns)
	for k := range kept {
		for c := range places.Columns {
			// A channel that is all the same says nothing, and would be made 10,000 times as much of in a photo where it is not:
			// where fewer than kept channels differ, components have some of it.
			if deviation[c] > leastDeviation {
				weight.Data[k*places.Columns+c] = float32(turned.At(c, k) / float64(deviation[c]))
			}
		}
	}
	return &Basis{weight}, nil
}

// Reduce returns cells, rows of places with all their channels, in the basis.
func (b *Basis) Reduce(cells Matrix) Matrix {
	if b == nil {
		return cells
	}
	kept, channels := b.weight.Shape[0], b.weight.Shape[1]
	places := cells.Columns / channels
	reduced := Layer{b.weight, nil}.Apply(Matrix{cells.Rows * places, channels, cells.Data})
	return Matrix{cells.Rows, places * kept, reduced.Data}
}

// Expand returns the layer that gives of cells what a layer that was fitted to reduced ones gives of those.
func (b *Basis) Expand(layer *models.Tensor) *models.Tensor {
	if b == nil {
		return layer
	}
	kept, channels := b.weight.Shape[0], b.weight.Shape[1]
	outputs, places := layer.Shape[0], layer.Shape[1]/kept
	expanded := models.NewTensor(outputs, places*channels)
	for at := range outputs * places {
		row := expanded.Data[at*channels : (at+1)*channels]
		for k, w := range layer.Data[at*kept : (at+1)*kept] {
			for c, v := range b.weight.Data[k*channels : (k+1)*channels] {
				row[c] += w * v
			}
		}
	}
	return expanded
}
