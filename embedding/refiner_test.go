package embedding

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// answering makes a small model whose refining head says the same of every patch.
func answering(answer [5]float32, change func(c *models.RefineConfig)) func(m *models.Model) {
	return func(m *models.Model) {
		c := models.DefaultRefineConfig()
		change(&c)
		m.Config.Refine = &c
		m.Weights["refine.weight"] = models.NewTensor(5, c.Rows*c.Columns*192)
		m.Weights["refine.bias"] = &models.Tensor{Shape: []int{5}, Data: answer[:]}
	}
}

// middle is the answer that leaves a box of the crop's aspect where it is, with the default margin.
var middle = [5]float32{0.3 / 1.6, 0.3 / 1.6, 1.3 / 1.6, 1.3 / 1.6, 1}

func TestRefinerMovesBoxes(t *testing.T) {
	up := middle
	up[1], up[3] = up[1]-0.1, up[3]-0.1 // a tenth of the patch
	e := newEmbedder(t, 1, smallModel(t, answering(up, func(c *models.RefineConfig) { c.Again, c.Calibration = 0, [3]float64{0, 0, 2} })))
	image := photo.New(320, 480)
	places := [][]models.Place{{{Box: photo.Box{XMin: 100, YMin: 150, XMax: 200, YMax: 300}, Confidence: 0.7}}}
	_, err := e.locator.refiner.refine([]*photo.Image{image}, places)
	require.NoError(t, err)
	require.Equal(t, photo.Box{XMin: 100, YMin: 126, XMax: 200, YMax: 276}, places[0][0].Box, "up by a tenth of 240")
	require.InDelta(t, 1, places[0][0].Present, 1e-6)
	require.InDelta(t, 0.881, places[0][0].Confidence, 1e-3, "by the logistic function of two")
}

func TestRefinerLooksAgainWhereItMovedFar(t *testing.T) {
	up := middle
	up[1], up[3] = up[1]-0.3, up[3]-0.3
	start := photo.Box{XMin: 100, YMin: 250, XMax: 200, YMax: 400}
	moved := func(again float64) int {
		e := newEmbedder(t, 1, smallModel(t, answering(up, func(c *models.RefineConfig) { c.Again = again })))
		places := [][]models.Place{{{Box: start}}}
		_, err := e.locator.refiner.refine([]*photo.Image{photo.New(320, 480)}, places)
		require.NoError(t, err)
		return start.YMin - places[0][0].Box.YMin
	}
	require.Equal(t, 72, moved(0))
	require.Equal(t, 144, moved(0.75), "the second look starts where the first one ended")
}

func TestRefinerKeepsOnePlaceOfOneDress(t *testing.T) {
	e := newEmbedder(t, 1, smallModel(t, answering(middle, func(c *models.RefineConfig) { c.Candidates = 3 })))
	box := photo.Box{XMin: 100, YMin: 150, XMax: 200, YMax: 300}
	beside := photo.Box{XMin: 105, YMin: 150, XMax: 205, YMax: 300}
	far := photo.Box{XMin: 210, YMin: 150, XMax: 310, YMax: 300}
	places := [][]models.Place{{{Box: box, Confidence: 0.4}, {Box: far, Confidence: 0.9}, {Box: beside, Confidence: 0.5}, {Box: photo.Box{XMax: 100, YMax: 150}, Confidence: 0.3}}, nil}
	_, err := e.locator.refiner.refine([]*photo.Image{photo.New(320, 480), photo.New(100, 150)}, places)
	require.NoError(t, err)
	require.Len(t, places[0], 2, "two are one dress, and the fourth was not looked at")
	require.Equal(t, []photo.Box{far, beside}, []photo.Box{places[0][0].Box, places[0][1].Box}, "the most confident first")
	require.Len(t, places[1], 1, "without a candidate the middle is looked at")
}
