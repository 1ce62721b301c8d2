package embedding

import (
	"math"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/photo/colour"
)

// coloursOf tells the colours of a dress from those around it, in a crop as cropInput has scaled it for the network:
// nothing is decoded or scaled again.
func coloursOf(crop Crop, small *photo.Image, placement photo.Placement) *colour.Division {
	within := func(b photo.Box) photo.Box {
		xMin, yMin := placement.FromPhoto(float64(b.XMin), float64(b.YMin))
		xMax, yMax := placement.FromPhoto(float64(b.XMax), float64(b.YMax))
		return photo.Box{XMin: nearest(xMin), YMin: nearest(yMin), XMax: nearest(xMax), YMax: nearest(yMax)}
	}
	return colour.Divide(small, within(crop.Box), within(crop.Image.Frame()).Intersect(placement.Inside))
}

func nearest(v float64) int { return int(math.Round(v)) }

// addColours puts what was read of a dress's colours into what the network says of it.
func (e *encoded) addColours(model *models.Model, r colour.Reading) {
	for _, d := range r.Dominant {
		e.colours = append(e.colours, catalog.Colour{Name: d.Name, L: float32(d.L), A: float32(d.A), B: float32(d.B), Share: float32(d.Share)})
	}
	if facet, ok := model.ColourFacet(); ok && len(r.Evidence) > 0 {
		e.facets = append(e.facets, predict([]models.FacetConfig{facet}, r.Logits())...)
	}
}
