package training

import (
	"context"
	"math"
	"math/bits"

	"github.com/gomlx/gomlx/backends"
	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/models"
)

// mostRefineChannels is how many numbers of a cell the second look is fitted to. The equations of a linear layer grow with
// the square of cells times channels: of a ResNet-50, which has 2,048 of them, they would take 19 GB, and its patches 7.
const mostRefineChannels = 256

// basisPatches are from how many patches a basis is learned at most.
const basisPatches = 1000

// channelBasis brings what a trunk sees of a place to fewer numbers, for a linear layer that is fitted to them and then
// expanded to read the trunk itself. A nil one leaves all as it is.
type channelBasis struct {
	weight *models.Tensor // [kept, channels]
}

// newChannelBasis keeps the principal components of the rows of places, [places, channels], whose channels are brought to
// deviation 1 first, as ridge brings its columns. They are turned by a Hadamard matrix, for which kept is a power of two, so
// that all have the same deviation: ridge would make as much of the least component as of the first one otherwise.
func newChannelBasis(ctx context.Context, backend backends.Backend, places matrix, kept int) (*channelBasis, error) {
	even := make([]float32, places.rows)
	for i := range even {
		even[i] = 1
	}
	mean, deviation := weightedMoments(places, even)
	standard := matrix{places.rows, places.columns, make([]float32, len(places.data))}
	for i := range places.rows {
		for j, v := range places.row(i) {
			standard.row(i)[j] = (v - mean[j]) / deviation[j]
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
	weight := models.NewTensor(kept, places.columns)
	for k := range kept {
		for c := range places.columns {
			// A channel that is all the same says nothing, and would be made 10,000 times as much of in a photo where it is not:
			// where fewer than kept channels differ, components have some of it.
			if deviation[c] > leastDeviation {
				weight.Data[k*places.columns+c] = float32(turned.At(c, k) / float64(deviation[c]))
			}
		}
	}
	return &channelBasis{weight}, nil
}

// reduce returns cells, rows of places with all their channels, in the basis.
func (b *channelBasis) reduce(cells matrix) matrix {
	if b == nil {
		return cells
	}
	kept, channels := b.weight.Shape[0], b.weight.Shape[1]
	places := cells.columns / channels
	reduced := linear(matrix{cells.rows * places, channels, cells.data}, b.weight, nil)
	return matrix{cells.rows, places * kept, reduced.data}
}

// expand returns the layer that gives of cells what a layer that was fitted to reduced ones gives of those.
func (b *channelBasis) expand(layer *models.Tensor) *models.Tensor {
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
