package embedding

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/photo/colour"
)

// colourOf names the colour of a dress in a photo as the encoder does.
func colourOf(crop Crop) encoded {
	config := models.DefaultConfig()
	small, placement := photo.Letterbox(crop.Image, crop.Box.Grow(config.CropMargin), config.CropWidth, config.CropHeight)
	var e encoded
	e.addColours(&models.Model{Config: config}, coloursOf(crop, small, placement).Read())
	return e
}

// TestColourHead checks that a head that was trained to tell colours does, and that they are measured all the
// same.
func TestColourHead(t *testing.T) {
	painted := studio.Products("colours", 3, 1)[0].Paint(studio.Shot{})
	head := models.FacetConfig{Facet: catalog.Facet{Name: "colour", Labels: []string{"bright", "dark"}}}
	model := &models.Model{Config: models.Config{Facets: []models.FacetConfig{head}}}
	small, placement := photo.Letterbox(painted.Image, painted.Box.Grow(0.04), 128, 192)
	var e encoded
	e.addColours(model, coloursOf(Crop{painted.Image, painted.Box}, small, placement).Read())
	require.NotEmpty(t, e.colours)
	require.Empty(t, e.facets, "the head answers")
	require.Equal(t, []catalog.Facet{head.Facet}, model.RowFacets())
}

// TestColoursOfPaintedDresses keeps how often the colour of painted dresses is named right, in catalogue and
// customers' photos, in true boxes.
func TestColoursOfPaintedDresses(t *testing.T) {
	const photos = 500
	products := studio.Products("colours", 1, photos)
	right, plain, plainRight, sure, sureRight := 0, 0, 0, 0, 0
	for i := range products {
		p := &products[i]
		painted := p.Paint(studio.Shot{Query: i%2 == 0, Width: 240, Height: 320})
		got := colourOf(Crop{painted.Image, painted.Box})
		require.Len(t, got.facets, 1)
		require.NotEmpty(t, got.colours)
		hit := 0
		if got.facets[0].Label == p.MainColour() {
			hit = 1
		}
		right += hit
		if p.Facets["pattern"] == "plain" {
			plain++
			plainRight += hit
		}
		if got.facets[0].Confident {
			sure++
			sureRight += hit
		}
	}
	share := func(n, of int) float64 { return float64(n) / float64(of) }
	t.Logf("right %.3f; of %d plain dresses %.3f; of %d confident answers %.3f",
		share(right, photos), plain, share(plainRight, plain), sure, share(sureRight, sure))
	require.GreaterOrEqual(t, share(right, photos), 0.74)
	require.GreaterOrEqual(t, share(plainRight, plain), 0.84)
	require.GreaterOrEqual(t, share(sure, photos), 0.6)
	require.GreaterOrEqual(t, share(sureRight, sure), 0.79)
}

// TestStudioKnowsTheLabels checks that true colours are labels of the facet.
func TestStudioKnowsTheLabels(t *testing.T) {
	for _, p := range studio.Products("colours", 2, 60) {
		require.Contains(t, colour.Labels(), p.MainColour())
	}
}

// TestBodyColours checks that a person is not taken for her dress, nor a beige dress for a person.
func TestBodyColours(t *testing.T) {
	skin, floor := [3]uint8{214, 168, 140}, [3]uint8{120, 122, 126}
	for _, c := range []struct {
		dress [3]uint8
		want  string
	}{
		{[3]uint8{190, 20, 40}, "red"},
		{[3]uint8{18, 18, 22}, "black"},
		{[3]uint8{214, 190, 160}, "beige"},
		{[3]uint8{214, 168, 140}, "beige"},
		{[3]uint8{122, 122, 127}, "grey"},
	} {
		m := photo.New(200, 300)
		paint := func(b photo.Box, with [3]uint8) {
			for y := b.YMin; y < b.YMax; y++ {
				for x := b.XMin; x < b.XMax; x++ {
					copy(m.Pix[3*(y*m.Width+x):], with[:])
				}
			}
		}
		paint(m.Frame(), floor)
		paint(photo.Box{XMin: 60, YMin: 60, XMax: 140, YMax: 230}, skin) // arms
		paint(photo.Box{XMin: 88, YMin: 10, XMax: 112, YMax: 65}, skin)  // head and neck
		paint(photo.Box{XMin: 85, YMin: 230, XMax: 115, YMax: 295}, skin)
		paint(photo.Box{XMin: 75, YMin: 55, XMax: 125, YMax: 130}, c.dress)
		paint(photo.Box{XMin: 60, YMin: 130, XMax: 140, YMax: 235}, c.dress)
		got := colourOf(Crop{m, photo.Box{XMin: 60, YMin: 55, XMax: 140, YMax: 235}})
		require.Equal(t, c.want, got.facets[0].Label, "%v", got.colours)
		require.Equal(t, c.want, got.colours[0].Name)
		require.Greater(t, got.colours[0].Share, float32(0.9))
	}
}
