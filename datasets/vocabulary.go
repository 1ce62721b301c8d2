package datasets

import (
	"slices"

	"github.com/kleid-search/kleid/catalog"
)

// vocabulary is the default facets. The labels' order is part of every trained head: append, never
// reorder.
var vocabulary = []catalog.Facet{
	{Name: "silhouette", Labels: []string{
		"a-line", "fit-and-flare", "sheath", "bodycon", "shift", "empire", "mermaid", "ball-gown", "shirt", "wrap", "blouson"}},
	{Name: "neckline", Labels: []string{
		"round", "scoop", "v-neck", "boat", "square", "sweetheart", "halter", "one-shoulder", "off-shoulder", "strapless",
		"high", "collared", "cowl", "keyhole", "straight"}},
	{Name: "sleeve", Labels: []string{"sleeveless", "cap", "short", "three-quarters", "long"}},
	{Name: "occasion", Labels: []string{"casual", "work", "cocktail", "evening", "beach"}},
	{Name: "length", Labels: []string{"mini", "knee", "midi", "maxi"}},
	{Name: "pattern", Labels: []string{"plain", "floral", "stripes", "dots", "checks", "animal", "lace"}},
}

// Facets returns what Kleid describes a dress by unless told otherwise, the labels in their order.
// "sleeveless" holds dresses with straps or none, "straight" a straight edge held by thin straps,
// "strapless" one held by nothing.
func Facets() []catalog.Facet {
	facets := slices.Clone(vocabulary)
	for i := range facets {
		facets[i].Labels = slices.Clone(facets[i].Labels)
	}
	return facets
}
