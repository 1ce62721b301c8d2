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

// refined looks at places in a photo, of which the location networks say nothing.
func refined(t *testing.T, m *models.Model, image *photo.Image, places ...models.Place) []models.Place {
	t.Helper()
	return refinedIn(t, m, view{image, image.Frame()}, places...)
}

// refinedIn looks at places in a view.
func refinedIn(t *testing.T, m *models.Model, v view, places ...models.Place) []models.Place {
	t.Helper()
	all := [][]models.Place{places}
	_, err := newEmbedder(t, 1, m).locator.refiner.refine([]view{v}, make([][]models.CellBox, 1), all)
	require.NoError(t, err)
	return all[0]
}

func TestRefinerMovesBoxes(t *testing.T) {
	up := middle
	up[1], up[3] = up[1]-0.1, up[3]-0.1 // a tenth of the patch
	m := smallModel(t, answering(up, func(c *models.RefineConfig) { c.Again, c.Anchors, c.Calibration = 0, nil, [5]float64{0, 0, 0, 0, 2} }))
	places := refined(t, m, photo.New(320, 480), models.Place{Box: photo.Box{XMin: 100, YMin: 150, XMax: 200, YMax: 300}, Confidence: 0.7})
	require.Equal(t, photo.Box{XMin: 100, YMin: 126, XMax: 200, YMax: 276}, places[0].Box, "up by a tenth of 240")
	require.InDelta(t, 1, places[0].Present, 1e-6)
	require.InDelta(t, 0.881, places[0].Confidence, 1e-3, "by the logistic function of two")
}

func TestRefinerLooksAgainWhereItMovedFar(t *testing.T) {
	up := middle
	up[1], up[3] = up[1]-0.3, up[3]-0.3
	start := photo.Box{XMin: 100, YMin: 250, XMax: 200, YMax: 400}
	moved := func(again float64) int {
		m := smallModel(t, answering(up, func(c *models.RefineConfig) { c.Again, c.Anchors = again, nil }))
		return start.YMin - refined(t, m, photo.New(320, 480), models.Place{Box: start})[0].Box.YMin
	}
	require.Equal(t, 72, moved(0))
	require.Equal(t, 144, moved(0.75), "the second look starts where the first one ended")
}

func TestRefinerKeepsOnePlaceOfOneDress(t *testing.T) {
	m := smallModel(t, answering(middle, func(c *models.RefineConfig) { c.Candidates, c.Anchors = 3, nil }))
	box := photo.Box{XMin: 100, YMin: 150, XMax: 200, YMax: 300}
	beside := photo.Box{XMin: 105, YMin: 150, XMax: 205, YMax: 300}
	far := photo.Box{XMin: 210, YMin: 150, XMax: 310, YMax: 300}
	places := refined(t, m, photo.New(320, 480), models.Place{Box: box}, models.Place{Box: far}, models.Place{Box: beside}, models.Place{Box: photo.Box{XMax: 100, YMax: 150}})
	require.Len(t, places, 2, "two are one dress, and the fourth was not looked at")
}

func TestRefinerLooksAtAnchors(t *testing.T) {
	anchors := [][4]float64{{0.1, 0.1, 0.9, 0.9}, {0.3, 0.2, 0.7, 0.7}}
	m := smallModel(t, answering(middle, func(c *models.RefineConfig) { c.Anchors = anchors }))
	places := refined(t, m, photo.New(100, 150))
	require.Len(t, places, 2, "without a candidate the anchors are looked at: they lie too far apart to be one dress")
	places = refined(t, m, photo.New(100, 150), models.Place{Box: photo.Box{XMin: 11, YMin: 15, XMax: 90, YMax: 136}})
	require.Len(t, places, 2, "one lies where a candidate is")
}

// Anchors and what is found lie in the window that is looked at, not somewhere in the photo.
func TestRefinerLooksAtAWindow(t *testing.T) {
	right := middle
	right[0], right[2] = right[0]+0.3, right[2]+0.3
	window := view{photo.New(800, 200), photo.Box{XMin: 300, XMax: 500, YMax: 200}}
	for xMin, answer := range map[int][5]float32{340: middle, 398: right} {
		m := smallModel(t, answering(answer, func(c *models.RefineConfig) { c.Again, c.Anchors = 0, [][4]float64{{0.2, 0.05, 0.8, 0.95}} }))
		places := refinedIn(t, m, window)
		require.Len(t, places, 1)
		require.Equal(t, photo.Box{XMin: xMin, YMin: 10, XMax: min(xMin+120, 500), YMax: 190}, places[0].Box)
	}
}

func TestRefinerStopsWhereItIsSureOrHopeless(t *testing.T) {
	anchors := [][4]float64{{0.6, 0.6, 0.9, 0.9}}
	best := models.Place{Box: photo.Box{XMin: 20, YMin: 30, XMax: 100, YMax: 150}}
	looked := func(answer [5]float32, change func(c *models.RefineConfig)) int {
		m := smallModel(t, answering(answer, func(c *models.RefineConfig) {
			c.Anchors, c.Calibration = anchors, [5]float64{0, 0, 0, 0, 1} // the middle answer is 0.73 sure
			change(c)
		}))
		return len(refined(t, m, photo.New(320, 480), best))
	}
	require.Equal(t, 2, looked(middle, func(c *models.RefineConfig) {}), "without thresholds the anchor is looked at as well")
	require.Equal(t, 1, looked(middle, func(c *models.RefineConfig) { c.Sure = 0.7 }))
	require.Equal(t, 2, looked(middle, func(c *models.RefineConfig) { c.Sure = 0.8 }), "not sure enough")
	require.Equal(t, 1, looked(middle, func(c *models.RefineConfig) { c.Hopeless = 0.8 }))
	require.Equal(t, 2, looked(middle, func(c *models.RefineConfig) { c.Hopeless = 0.7 }))
	moving := middle
	moving[1], moving[3] = moving[1]-0.3, moving[3]-0.3
	require.Equal(t, 2, looked(moving, func(c *models.RefineConfig) { c.Sure = 0.7 }), "sure, but not where")
}

func TestRefinerLooksAtASecondDress(t *testing.T) {
	m := smallModel(t, answering(middle, func(c *models.RefineConfig) { c.Anchors, c.Sure = nil, 0.1 }))
	m.Config.Merge.Calibration = [4]float64{-2, 4, 0, 0}
	m.Config.Merge.MinConfidence = 0.5
	at := func(x int, foreground float64) models.Place {
		return models.Place{Box: photo.Box{XMin: x, YMin: 150, XMax: x + 100, YMax: 300}, Evidence: models.Evidence{foreground}}
	}
	require.Len(t, refined(t, m, photo.New(320, 480), at(10, 0.9), at(200, 0.9)), 2)
	require.Len(t, refined(t, m, photo.New(320, 480), at(10, 0.9), at(200, 0.1)), 1, "which is hardly a dress")
}

// TestDistinctJoinsPlacesOfOneDress: what has settled counts for more, and presences are averaged.
func TestDistinctJoinsPlacesOfOneDress(t *testing.T) {
	m := smallModel(t, answering(middle, func(c *models.RefineConfig) { c.Calibration = [5]float64{0, 0, 0, 0, 1} }))
	r := newEmbedder(t, 1, m).locator.refiner
	at := func(x int) photo.Box { return photo.Box{XMin: x, XMax: x + 100, YMax: 100} }
	got := r.distinct([]models.Place{
		{Box: at(10), Confidence: 0.5, Overlap: 0.95, Present: 0}, {Box: at(0), Confidence: 0.8, Overlap: 0.5, Present: 1.2},
		{Box: at(300), Confidence: 0.6, Overlap: 0.2, Present: 0.3}, {Box: at(20), Confidence: 0.4, Overlap: 0.95, Present: 0.6},
	}, nil)
	require.Len(t, got, 2)
	require.Equal(t, at(15), got[0].Box, "between those that have settled, and hardly moved by the third")
	require.Equal(t, at(300), got[1].Box)
	require.InDelta(t, 0.6, got[0].Present, 1e-9)
	require.InDelta(t, 0.6457, got[0].Confidence, 1e-3, "by the logistic function of that")
	require.Equal(t, models.Place{Box: at(300), Confidence: 0.6, Overlap: 0.2, Present: 0.3}, got[1], "what is alone stays as it is")
}
