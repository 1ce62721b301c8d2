package embedding

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// steep makes a small model whose edges are where, from outside, pixels become dress at once.
func steep(m *models.Model) {
	answering(middle, func(c *models.RefineConfig) { c.Edges = models.DefaultEdgesConfig() })(m)
	conv := func(out, in, kernel int, set func(w *models.Tensor)) *models.Tensor {
		w := models.NewTensor(out, in, 1, kernel)
		set(w)
		return w
	}
	const filters, channels, kernel = 12, 8, 9
	for _, side := range []string{"side", "top", "bottom"} {
		name := "refine.edges." + side + "."
		m.Weights[name+"0.weight"] = conv(filters, channels, kernel, func(w *models.Tensor) { w.Data[3], w.Data[4] = -1, 1 }) // of the means
		m.Weights[name+"1.weight"] = conv(filters, filters, kernel, func(w *models.Tensor) { w.Data[4] = 1 })
		m.Weights[name+"2.weight"] = conv(1, filters, 1, func(w *models.Tensor) { w.Data[0] = 60 })
		m.Weights[name+"0.bias"], m.Weights[name+"1.bias"], m.Weights[name+"2.bias"] = models.NewTensor(filters), models.NewTensor(filters), models.NewTensor(1)
	}
}

// TestEdgesMoveSidesToTheDress: those of the best place, whatever its confidence, and of others that may be a dress.
func TestEdgesMoveSidesToTheDress(t *testing.T) {
	dress := photo.Box{XMin: 100, YMin: 120, XMax: 220, YMax: 330}
	image := photo.New(400, 480)
	for i := range image.Pix {
		image.Pix[i] = 120
	}
	for y := dress.YMin; y < dress.YMax; y++ {
		for x := dress.XMin; x < dress.XMax; x++ {
			copy(image.Pix[3*(y*image.Width+x):], []uint8{190, 30, 40})
		}
	}
	off := photo.Box{XMin: 88, YMin: 128, XMax: 226, YMax: 318}
	l := newEmbedder(t, 1, smallModel(t, steep)).locator
	follow := func(places ...models.Place) []models.Place {
		t.Helper()
		_, err := l.edges.follow([]*photo.Image{photo.New(30, 40), image}, [][]models.Place{nil, places})
		require.NoError(t, err)
		return places
	}
	near := func(got photo.Box) {
		t.Helper()
		require.Greater(t, got.IoU(dress), 0.92, "%v", got)
	}
	require.Less(t, off.IoU(dress), 0.85)
	places := follow(models.Place{Box: off, Confidence: 0.01}, models.Place{Box: off, Confidence: 0.06}, models.Place{Box: off, Confidence: 0.04})
	near(places[0].Box)
	require.Equal(t, places[0].Box, places[1].Box)
	require.Equal(t, off, places[2].Box, "it is hopeless, and not the best")

	nine := make([]models.Place, maxBatch+1)
	for i := range nine {
		nine[i] = models.Place{Box: off, Confidence: 0.5}
	}
	for _, p := range follow(nine...) {
		require.Equal(t, places[0].Box, p.Box, "whatever the batch")
	}

	corner := follow(models.Place{Box: photo.Box{XMin: 340, YMin: 400, XMax: 400, YMax: 480}})[0].Box
	require.Equal(t, corner, corner.Intersect(image.Frame()))
	require.Nil(t, newEmbedder(t, 1, smallModel(t, answering(middle, func(*models.RefineConfig) {}))).locator.edges, "a model may have none")
}
