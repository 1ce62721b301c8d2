package vocabulary

import (
	"slices"

	"github.com/kleid-search/kleid/models"
)

// Initial are the weights that the heads start from, for cells of so many columns, of which the first are of crops: those of
// the labels that stay, and the mean of a head's for its new labels, so that they begin as likely as any other. trunk is
// that of the cells, see models.FacetConfig.
func (p Plan) Initial(model *models.Model, trunk string, crop, columns int) models.Weights {
	known := map[string][]string{}
	for _, f := range model.Config.Facets {
		if f.Trunk == trunk && f.Roots == p.Roots { // else they are of other cells
			known[f.Name] = f.Labels
		}
	}
	weights := models.Weights{}
	for _, facet := range p.Facets {
		weight, bias := models.NewTensor(len(facet.Labels), columns), models.NewTensor(len(facet.Labels))
		weights["facets."+facet.Name+".weight"], weights["facets."+facet.Name+".bias"] = weight, bias
		oldWeight, oldBias := model.Weights["facets."+facet.Name+".weight"], model.Weights["facets."+facet.Name+".bias"]
		labels := known[facet.Name]
		if oldWeight == nil || oldBias == nil || len(labels) == 0 || oldWeight.Shape[0] != len(labels) || oldWeight.Shape[1] < crop {
			continue
		}
		width, same := oldWeight.Shape[1], columns
		if width != columns {
			same = crop // one of them reads other surroundings, or none
		}
		row := func(t *models.Tensor, i, n int) []float32 { return t.Data[i*n : (i+1)*n] }
		meanWeight, meanBias := make([]float32, same), float32(0)
		for i := range labels {
			for j, v := range row(oldWeight, i, width)[:same] {
				meanWeight[j] += v / float32(len(labels))
			}
			meanBias += oldBias.Data[i] / float32(len(labels))
		}
		for i, label := range facet.Labels {
			copy(row(weight, i, columns), meanWeight)
			bias.Data[i] = meanBias
			if kept := slices.Index(labels, p.from(facet.Name, label)); kept >= 0 {
				copy(row(weight, i, columns), row(oldWeight, kept, width)[:same])
				bias.Data[i] = oldBias.Data[kept]
			}
		}
	}
	return weights
}

// from is the model's label whose weights a label keeps, "" for none.
func (p Plan) from(facet, label string) string {
	for _, c := range p.Changes {
		if c.Facet == facet && c.Label == label && c.Fate != Gone {
			return c.From
		}
	}
	return ""
}
