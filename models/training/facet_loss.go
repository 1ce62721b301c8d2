package training

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
)

// FacetLoss is how the facet heads' answers are judged, and what of a dress they answer from.
type FacetLoss struct {
	Weighting models.WeightingScheme
	// Given are class weights by hand: facet, then label.
	Given map[string]map[string]float64
	// Smoothing is the share of a target that all labels share.
	Smoothing float64
	// Focal is the exponent of models.FocalCrossEntropy.
	Focal float64
	// Upper is the share of a dress's height, from the top, that a facet shows in: its head reads no cells that lie below.
	// Facets that it does not have show anywhere. Trunks, which see it all, are trained without.
	Upper map[string]float64
	// Surroundings says which facets are read from what is around a dress, where the model sees it (models.Config): Also or
	// Alone. Others are read from the dress.
	Surroundings map[string]string
}

// Also and Alone are how facets are read from a dress's surroundings: beside the dress, or in its place.
const (
	Also  = "also"
	Alone = "alone"
)

// DefaultFacetLoss is that of the shipped model. Without weights, what is rare among real photos is hardly ever said.
// Of some hundred photos, heads learn that necklines and sleeves have to do with hems, if they see them; of thousands they
// learn that they have not. Whoever sees the knees knows how long a dress is.
func DefaultFacetLoss() FacetLoss {
	return FacetLoss{
		Weighting: models.EffectiveNumber, Smoothing: labelSmoothing,
		Upper:        map[string]float64{"neckline": 1.0 / 3, "sleeve": 2.0 / 3},
		Surroundings: map[string]string{"length": Also, "occasion": Alone},
	}
}

// DatasetFacetLoss is that of a shop's own photos, which may be thousands.
func DatasetFacetLoss() FacetLoss {
	loss := DefaultFacetLoss()
	loss.Upper, loss.Surroundings = nil, map[string]string{"length": Also, "occasion": Also}
	return loss
}

// Check says what cannot be, before photos are read.
func (l FacetLoss) Check(facets []catalog.Facet) error {
	for name := range l.Given {
		if !slices.ContainsFunc(facets, func(f catalog.Facet) bool { return f.Name == name }) {
			return fmt.Errorf("class weights: there is no facet %q", name)
		}
	}
	if !(l.Smoothing >= 0 && l.Smoothing < 1) {
		return fmt.Errorf("label smoothing is %v, but must be at least 0 and less than 1", l.Smoothing)
	}
	if !(l.Focal >= 0) {
		return fmt.Errorf("the focal exponent is %v, but must not be negative", l.Focal)
	}
	for _, name := range slices.Sorted(maps.Keys(l.Upper)) {
		if share := l.Upper[name]; !(share > 0 && share <= 1) {
			return fmt.Errorf("the upper part of a dress that %s shows in is %v, but must be more than 0 and at most 1", name, share)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Surroundings)) {
		if how := l.Surroundings[name]; how != Also && how != Alone {
			return fmt.Errorf("the surroundings of %s are read %q, but can be read %s or %s", name, how, Also, Alone)
		}
	}
	for _, facet := range facets {
		if _, err := l.weighting(facet).Weights(facet.Labels, make([]int, len(facet.Labels))); err != nil {
			return fmt.Errorf("%s: %w", facet.Name, err)
		}
	}
	return nil
}

// readsSurroundings says whether any of these facets does.
func (l FacetLoss) readsSurroundings(facets []catalog.Facet) bool {
	return slices.ContainsFunc(facets, func(f catalog.Facet) bool { return l.Surroundings[f.Name] != "" })
}

// surroundings is what a model of this configuration sees around a dress once these facets are trained: nothing, where no
// facet reads it.
func (l FacetLoss) surroundings(config models.Config, trained []catalog.Facet) *models.SurroundingsConfig {
	for _, own := range config.Facets {
		if own.Surroundings && !slices.ContainsFunc(trained, func(f catalog.Facet) bool { return f.Name == own.Name }) {
			return config.Surroundings
		}
	}
	if !l.readsSurroundings(trained) {
		return nil
	}
	seen := models.DefaultSurroundingsConfig()
	return &seen
}

// looking is the configuration of what these facets are trained on, which sees surroundings where one of them reads those.
func (l FacetLoss) looking(config models.Config, trained []catalog.Facet) models.Config {
	var seen *models.SurroundingsConfig
	if l.readsSurroundings(trained) {
		seen = l.surroundings(config, trained)
	}
	config.Surroundings = seen
	return config
}

// reads says which of a sample's columns, of which the first are of the crop, the facet's head reads, as ones and zeros; nil
// for all. Of the crop they are whole rows, from the top.
func (l FacetLoss) reads(pool *Pool, facet string, crop, columns int) []float32 {
	upper := crop
	if share, ok := l.Upper[facet]; ok && pool.cellRows > 0 {
		upper = int(math.Ceil(share*float64(pool.cellRows)-1e-9)) * crop / pool.cellRows
	}
	how, around := l.Surroundings[facet], crop
	if how != "" {
		around = columns
	}
	if how == Alone && crop < columns {
		upper = 0
	}
	if upper == crop && around == columns {
		return nil
	}
	mask := make([]float32, columns)
	for j := range mask {
		if j < upper || j >= crop && j < around {
			mask[j] = 1
		}
	}
	return mask
}

func (l FacetLoss) weighting(facet catalog.Facet) models.ClassWeighting {
	return models.ClassWeighting{Scheme: l.Weighting, Given: l.Given[facet.Name]}
}

// realAndPainted are numbers for each label of each facet, for the real samples and the painted ones: a label that is
// rare among real photos need not be among painted ones.
type realAndPainted[T any] struct{ real, painted [][]T }

func (r *realAndPainted[T]) add(real, painted []T) {
	r.real, r.painted = append(r.real, real), append(r.painted, painted)
}

// classWeights returns the weights of each facet's labels for the samples, and how many samples each has.
func (l FacetLoss) classWeights(facets []catalog.Facet, samples facetSamples) (weights realAndPainted[float64], counts realAndPainted[int], err error) {
	for i, facet := range facets {
		real, painted := make([]int, len(facet.Labels)), make([]int, len(facet.Labels))
		for s, labels := range samples.labels {
			if labels[i] < 0 {
				continue
			}
			if samples.real[s] {
				real[labels[i]]++
			} else {
				painted[labels[i]]++
			}
		}
		ofReal, err := l.weighting(facet).Weights(facet.Labels, real)
		if err != nil {
			return weights, counts, fmt.Errorf("%s: %w", facet.Name, err)
		}
		ofPainted, err := l.weighting(facet).Weights(facet.Labels, painted)
		if err != nil {
			return weights, counts, fmt.Errorf("%s: %w", facet.Name, err)
		}
		counts.add(real, painted)
		weights.add(ofReal, ofPainted)
	}
	return weights, counts, nil
}
