package models

import (
	"errors"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// The graphs of a frozen model. Weights are constants in them, so that a backend may pack them once.

// LocateGraph looks for dresses in whole photos [batch, height, width, 3], normalised, and returns the
// background network's logits [batch, rows, columns, 1] and the location network's distances
// [batch, rows, columns, 4] (see DecodeCells).
func (m *Model) LocateGraph(pixels *Node) (logits, distances *Node) {
	net := NewFrozenNet(m.Weights)
	features := m.trunk(net, pixels)
	return BackgroundHead(net, features), LocationHead(net, features)
}

// CellsGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to their Config.Cells.
func (m *Model) CellsGraph(pixels *Node) *Node {
	return m.Config.Cells(m.cropPass(NewFrozenNet(m.Weights), pixels).Features)
}

// EmbeddingCellsGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to their Config.EmbeddingCells.
func (m *Model) EmbeddingCellsGraph(pixels *Node) *Node {
	return m.Config.EmbeddingCells(m.cropPass(NewFrozenNet(m.Weights), pixels).Features)
}

// TransformsGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to what the spatial transformer
// makes of each, [batch, 2, 3] (see SampleAffine).
func (m *Model) TransformsGraph(pixels *Node) *Node {
	if m.Config.SpatialTransformer == nil {
		panic(errors.New("the model has no spatial transformer"))
	}
	return m.cropPass(NewFrozenNet(m.Weights), pixels).Theta
}

// EmbedGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to their unsupervised and
// DeepRank embeddings, unit vectors [batch, EmbeddingSize], and the logits of all facets behind each
// other, [batch, labels] (nil for a model without facets).
func (m *Model) EmbedGraph(pixels *Node) (unsupervised, deepRank, logits *Node) {
	net := NewFrozenNet(m.Weights)
	features := m.cropPass(net, pixels).Features
	cells := m.Config.Cells(features)
	unsupervised = UnsupervisedHead(net, m.Config.EmbeddingCells(features), m.Config.EmbeddingSize)
	deepRank = DeepRankHead(net, unsupervised)
	var facets []*Node
	read := m.facetCells(net, pixels, cells)
	for _, f := range m.Config.Facets {
		facets = append(facets, FacetHead(net, f.Name, read(f.Trunk), len(f.Labels)))
	}
	if len(facets) > 0 {
		logits = Concatenate(facets, 1)
	}
	return unsupervised, deepRank, logits
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
