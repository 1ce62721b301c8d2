package models

import (
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// TestOwnTrunk: a facet reads a trunk that it has to itself, and nothing else of the model notices.
func TestOwnTrunk(t *testing.T) {
	shared := smallModel(t)
	first, second := shared.Config.Facets[0], shared.Config.Facets[1]
	own := &Model{Config: shared.Config, Weights: shared.Weights.Clone()}
	own.Config.Facets = slices.Clone(shared.Config.Facets)
	other := smallModel(t).Weights.Sub("trunk.").Clone()
	for i := range other["stem.conv.weight"].Data {
		other["stem.conv.weight"].Data[i] *= -1
	}
	own.SetTrunk("cut", other, second.Name)
	require.Equal(t, []string{"cut"}, own.Config.OwnTrunks())
	require.Equal(t, shared.EmbeddingModel(), own.EmbeddingModel(), "an index stays valid")
	require.NotEqual(t, shared.FacetModel(), own.FacetModel())
	require.NotEqual(t, shared.FacetCells(), own.FacetCells(), "its facets read what the other model did not see")
	calibrated := &Model{Config: own.Config, Weights: own.Weights}
	calibrated.Config.Facets = slices.Clone(own.Config.Facets)
	calibrated.Config.Facets[0].Temperature *= 2
	require.NotEqual(t, own.FacetModel(), calibrated.FacetModel())
	require.Equal(t, own.FacetCells(), calibrated.FacetCells())

	crops := randomPixels(3, 2, shared.Config.CropHeight, shared.Config.CropWidth, 3)
	embed := func(m *Model) (vectors, logits []float32) {
		outputs := MustNewExec(testBackend(t), func(x *Node) []*Node {
			unsupervised, _, cells := m.EmbedGraph(x, evenWeights(m, x))
			return []*Node{unsupervised, m.FacetsGraph(cells)}
		}).MustExec(crops)
		return tensors.MustCopyFlatData[float32](outputs[0]), tensors.MustCopyFlatData[float32](outputs[1])
	}
	vectors, logits := embed(shared)
	ownVectors, ownLogits := embed(own)
	require.Equal(t, vectors, ownVectors)
	n, m := len(first.Labels), len(second.Labels)
	require.Equal(t, logits[:n], ownLogits[:n], "the first facet reads the model's trunk")
	require.NotEqual(t, logits[n:n+m], ownLogits[n:n+m])
	require.Equal(t, logits[n+m:len(logits)/2], ownLogits[n+m:len(logits)/2])
	_, swapped := embed(own.WithTrunk("cut"))
	require.Equal(t, swapped[n:n+m], ownLogits[n:n+m])

	require.Same(t, own, own.WithTrunk(""))
	own.SetTrunk("", nil, second.Name)
	require.Empty(t, own.Weights.Sub("trunks."), "nobody reads it any more")
	require.Equal(t, shared.FacetModel(), own.FacetModel())
}
