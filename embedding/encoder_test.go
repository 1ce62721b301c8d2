package embedding

import (
	"testing"

	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/photo"
)

// TestEncoderWeighsPlaces: what the network is given of each crop are that crop's weights.
func TestEncoderWeighsPlaces(t *testing.T) {
	backend := compute.NewWithOptions(compute.Options{Threads: 1})
	t.Cleanup(backend.Finalize)
	model := smallModel(t)
	config := model.Config
	require.True(t, config.WeighsPlaces())
	e, err := newEncoder(backend, model)
	require.NoError(t, err)
	var dresses []dress
	for i, in := range photos(3) {
		dresses = append(dresses, dress{Crop: Crop{in.Image, photo.Box{XMin: 10 + 5*i, YMin: 10, XMax: 60 + 5*i, YMax: 90}}})
		if config.Surroundings != nil {
			dresses[i].surroundings = make([]float32, config.SurroundingsCells())
		}
	}
	encoded, _, err := e.encode(dresses)
	require.NoError(t, err)

	embed := func(weighs bool) [][]float32 {
		exec, err := graph.NewExec(backend, func(pixels, weights *graph.Node) *graph.Node {
			if !weighs {
				weights = graph.OnesLike(weights)
			}
			unsupervised, _, _ := model.EmbedGraph(pixels, weights)
			return unsupervised
		})
		require.NoError(t, err)
		var all [][]float32
		for _, d := range dresses {
			pixels, err := CropInputs(model, []Crop{d.Crop})
			require.NoError(t, err)
			small, placement := photo.Letterbox(d.Image, d.Box.Grow(config.CropMargin), config.CropWidth, config.CropHeight)
			weights := config.PlaceWeights(coloursOf(d.Crop, small, placement).Likelihood(), 16)
			out, err := exec.Exec1(pixels, tensors.FromFlatDataAndDimensions(weights, 1, config.CropHeight/16, config.CropWidth/16))
			require.NoError(t, err)
			embedding, err := tensors.CopyFlatData[float32](out)
			require.NoError(t, err)
			all = append(all, embedding)
		}
		return all
	}
	weighed, alike := embed(true), embed(false)
	for i, got := range encoded {
		require.InDeltaSlice(t, weighed[i], got.unsupervised, 1e-6)
		require.NotEqual(t, alike[i], got.unsupervised)
	}
}
