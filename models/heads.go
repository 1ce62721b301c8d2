package models

import (
	"math"

	"github.com/gomlx/exceptions"
	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// Heads of the default model. They read features of the trunk: [batch, rows, columns, channels].

// pixelUnit scales what the location head gives, so that its outputs are about one.
const pixelUnit = 64

// BackgroundHead tells foreground (a dress) from background in each cell, as a logit:
// [batch, rows, columns, 1] (the background network of OverFeat, https://arxiv.org/abs/1312.6229, and
// of TiefVision).
func BackgroundHead(net *Net, features *Node) *Node {
	h := net.In("background")
	x := ReLU(h.ConvNorm("conv", "bn", features, 64, 3, 1))
	return h.ConvBias("out", x, 1, 1, 1)
}

// LocationHead regresses the dress's box from each cell: the distances from the cell's centre to the
// left, top, right and bottom side, in pixels of the network's input, [batch, rows, columns, 4].
// In those units a network reads a small dress in a large photo and a large dress in a small one
// alike, which lets it serve several scales.
func LocationHead(net *Net, features *Node) *Node {
	h := net.In("location")
	x := ReLU(h.ConvNorm("conv", "bn", features, 96, 3, 1))
	return MulScalar(h.ConvBias("out", x, 4, 1, 1), pixelUnit)
}

// Cells averages the features of a crop over a grid of rows x columns cells and keeps their layout:
// [batch, rows*columns*channels]. Where a cell ends within a feature, that counts in both by its shares.
func Cells(features *Node, rows, columns int) *Node {
	d := features.Shape().Dimensions
	batch, height, width, channels := d[0], d[1], d[2], d[3]
	if height%rows != 0 || width%columns != 0 {
		g := features.Graph()
		x := Einsum("bhwc,rh->brwc", features, Const(g, cellShares(height, rows)))
		x = Einsum("brwc,kw->brkc", x, Const(g, cellShares(width, columns)))
		return Reshape(x, batch, rows*columns*channels)
	}
	x := Reshape(features, batch, rows, height/rows, columns, width/columns, channels)
	x = MulScalar(ReduceSum(x, 2, 4), float64(rows*columns)/float64(height*width)) // [batch, rows, columns, channels]
	return Reshape(x, batch, rows*columns*channels)
}

// cellShares are how much of each of so many features along an axis is in each cell, [cells][features]; those of a
// cell sum to 1.
func cellShares(features, cells int) [][]float32 {
	return spanShares(features, cells, 0, float64(features))
}

// Cells are those of a crop's features that the facets' heads read, [batch, CellRows*CellColumns*channels].
func (c Config) Cells(features *Node) *Node { return Cells(features, c.CellRows, c.CellColumns) }

// roots are the square roots of cells, with their signs.
func roots(cells *Node) *Node { return Mul(Sign(cells), Sqrt(Abs(cells))) }

// embeddingCells are those that the embeddings are made of, of the same shape: see Config.CellFocus. weights are the
// PlaceWeights, [batch, rows, columns], which a model that WeighsPlaces needs; nil for others. A cell of little dress gets
// smaller by them: they are 1 in the mean of the crop, not of the cell.
func (c Config) embeddingCells(features, weights *Node) *Node {
	if (weights != nil) != c.WeighsPlaces() {
		exceptions.Panicf("embeddings of a model that weighs places (%t) were asked for with weights (%t)", c.WeighsPlaces(), weights != nil)
	}
	if weights != nil {
		features = Mul(features, ExpandDims(weights, -1))
	}
	if c.CellFocus > 0 {
		g, width := features.Graph(), features.Shape().Dimensions[2]
		weights := Const(g, focusWeights(width, c.CellFocus))
		features = Mul(features, Reshape(weights, 1, 1, width, 1))
	}
	return c.Cells(features)
}

// focusWeights are a normal curve around the middle of so many columns, focus being its deviation in halves of the
// width. Their mean is 1.
func focusWeights(columns int, focus float64) []float32 {
	weights, sum := make([]float32, columns), 0.0
	for i := range weights {
		fromMiddle := (2*float64(i)+1)/float64(columns) - 1
		w := math.Exp(-fromMiddle * fromMiddle / (2 * focus * focus))
		weights[i], sum = float32(w), sum+w
	}
	for i := range weights {
		weights[i] *= float32(float64(columns) / sum)
	}
	return weights
}

// UnsupervisedHead projects a crop's embeddingCells to a unit vector [batch, EmbeddingSize], and with them its CropTexture,
// nil where the model reads none: to numbers of its own, which count as much as the others. Its weights are those of a
// principal component analysis and of discriminants, not a network's: see fitProjection and fitTexture in models/training.
func (c Config) UnsupervisedHead(net *Net, cells, texture *Node) *Node {
	ofCells, ofTexture := c.EmbeddingParts()
	vector := Normalised(net.Linear("unsupervised", cells, ofCells))
	if texture == nil {
		return vector
	}
	return Normalised(Concatenate([]*Node{vector, Normalised(net.Linear("texture", texture, ofTexture))}, 1))
}

// DeepRankHead maps unsupervised embeddings to similarity embeddings, unit vectors [batch, size]. It
// starts as the identity, and learns from triplets with a hinge loss
// (https://arxiv.org/abs/1404.4661).
func DeepRankHead(net *Net, unsupervised *Node) *Node {
	return Normalised(net.Project("deeprank", unsupervised, unsupervised.Shape().Dimensions[1]))
}

// FacetHead gives the logits [batch, labels] of one facet from the cells of a crop.
func FacetHead(net *Net, name string, cells *Node, labels int) *Node {
	return net.In("facets").Linear(name, cells, labels)
}
