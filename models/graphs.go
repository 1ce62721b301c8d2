package models

import (
	"errors"
	"slices"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// The graphs of a frozen model. Weights are constants in them, so that a backend may pack them once.

// LocateGraph looks for dresses in whole photos, which it is given in some sizes, each [batch, height, width, 3], normalised.
// For each size it returns the background network's logits [batch, rows, columns, 1] and the location network's
// distances [batch, rows, columns, 4] (see DecodeCells); and behind these, of a model with Config.Surroundings, the
// SurroundingsGraph of the first size.
func (m *Model) LocateGraph(pixels []*Node) []*Node {
	net := NewFrozenNet(m.Weights)
	var outputs, features []*Node
	for _, x := range pixels {
		f := m.trunk(net, x)
		features = append(features, f)
		outputs = append(outputs, BackgroundHead(net, f), LocationHead(net, f))
	}
	if m.Config.Surroundings != nil {
		outputs = append(outputs, features[0])
	}
	return outputs
}

// CellsGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to their Config.Cells.
func (m *Model) CellsGraph(pixels *Node) *Node {
	return m.Config.Cells(m.cropPass(NewFrozenNet(m.Weights), pixels).Features)
}

// EmbeddingCellsGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to their Config.embeddingCells and, where the
// model ReadsTexture, behind these their CropTexture. weights are Config.PlaceWeights of the crops; nil where the model has
// none.
func (m *Model) EmbeddingCellsGraph(pixels, weights *Node) *Node {
	cells := m.Config.embeddingCells(m.cropPass(NewFrozenNet(m.Weights), pixels).Features, weights)
	if texture := m.Config.CropTexture(pixels, weights); texture != nil {
		cells = Concatenate([]*Node{cells, texture}, 1)
	}
	return cells
}

// transformsGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to what the spatial transformer
// makes of each, [batch, 2, 3] (see sampleAffine).
func (m *Model) transformsGraph(pixels *Node) *Node {
	if m.Config.SpatialTransformer == nil {
		panic(errors.New("the model has no spatial transformer"))
	}
	return m.cropPass(NewFrozenNet(m.Weights), pixels).Theta
}

// Embeds says whether the model has embeddings, which one that is no more than a trunk and facets lacks.
func (m *Model) Embeds() bool { return m.Weights["unsupervised.weight"] != nil }

// Locates says whether the model finds dresses in photos, which a trunk alone does not.
func (m *Model) Locates() bool {
	return m.Weights["background.out.weight"] != nil && m.Weights["location.out.weight"] != nil
}

// EmbedGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to their unsupervised and
// DeepRank embeddings, unit vectors [batch, EmbeddingSize], and the features that FacetsGraph reads, those of the
// model's trunk and of Config.OwnTrunks behind each other, [batch, cells] (nil for a model without facets). Both
// embeddings are nil unless the model Embeds. weights are Config.PlaceWeights of the crops; nil where the model has none.
func (m *Model) EmbedGraph(pixels, weights *Node) (unsupervised, deepRank, cells *Node) {
	net := NewFrozenNet(m.Weights)
	features := m.cropPass(net, pixels).Features
	if m.Embeds() {
		unsupervised = m.Config.UnsupervisedHead(net, m.Config.embeddingCells(features, weights), m.Config.CropTexture(pixels, weights))
		deepRank = DeepRankHead(net, unsupervised)
	}
	if len(m.Config.Facets) == 0 {
		return unsupervised, deepRank, nil
	}
	all := append([]*Node{m.Config.Cells(features)}, m.ownCells(net, pixels)...)
	return unsupervised, deepRank, Concatenate(all, 1)
}

// FacetsGraph maps the features of crops that EmbedGraph gives, and behind them those of their surroundings where the model
// has some, to the logits of all facets behind each other, [batch, labels].
func (m *Model) FacetsGraph(cells *Node) *Node {
	net := NewFrozenNet(m.Weights)
	trunks := append([]string{""}, m.Config.OwnTrunks()...)
	ofCrops := cells.Shape().Dimensions[1] - m.Config.SurroundingsCells()
	each := ofCrops / len(trunks)
	var logits []*Node
	for _, f := range m.Config.Facets {
		begin := slices.Index(trunks, f.Trunk) * each
		own := Slice(cells, AxisRange(), AxisRange(begin, begin+each))
		if f.Surroundings {
			own = Concatenate([]*Node{own, Slice(cells, AxisRange(), AxisRange(ofCrops))}, 1)
		}
		if f.Roots {
			own = roots(own)
		}
		logits = append(logits, FacetHead(net, f.Name, own, len(f.Labels)))
	}
	return Concatenate(logits, 1)
}

func (m *Model) cropPass(net *Net, pixels *Node) CropPass {
	backbone, err := m.Trunk()
	if err != nil {
		panic(err)
	}
	return m.Config.CropPass(net.In("trunk"), backbone, pixels)
}

// trunk reads whole photos.
func (m *Model) trunk(net *Net, pixels *Node) *Node {
	backbone, err := m.Trunk()
	if err != nil {
		panic(err)
	}
	return backbone.Build(net.In("trunk"), pixels)
}
