package models

import (
	"errors"
	"fmt"
	"math"

	"github.com/kleid-search/kleid/catalog"
)

// Bounds of a configuration's sizes, far above any that makes sense: what is beyond them is a damaged file.
const (
	mostPixels    = 1 << 13 // of a side
	mostCells     = 1 << 8  // of an axis
	mostNumbers   = 1 << 16 // of an embedding
	mostCropShare = 8       // of a box's size around it
	mostFacets    = 1 << 12
	mostWeight    = 1 << 10 // of a place with the dress's colours, to one without
	mostLabels    = 1 << 14 // of a facet
	mostNameBytes = 1 << 12 // of a facet or a label
)

// checkFacetSizes looks at how many facets and labels there are, and at how long they are.
func checkFacetSizes(facets []FacetConfig) error {
	if len(facets) > mostFacets {
		return fmt.Errorf("there are %d facets, but must be no more than %d", len(facets), mostFacets)
	}
	for _, f := range facets {
		if len(f.Labels) > mostLabels {
			return fmt.Errorf("facet %.64q has %d labels, but must have no more than %d", f.Name, len(f.Labels), mostLabels)
		}
		for _, name := range append([]string{f.Name}, f.Labels...) {
			if len(name) > mostNameBytes {
				return fmt.Errorf("the name of facet %.64q, or of a label of it, has %d bytes, but must have no more than %d", f.Name, len(name), mostNameBytes)
			}
		}
	}
	return nil
}

// check refuses what no network can be built from, or would give answers that are no numbers.
func (c Config) check() error {
	if err := checkFacetSizes(c.Facets); err != nil {
		return err
	}
	size := func(name string, value, least, most int) error {
		if value < least || value > most {
			return fmt.Errorf("%s is %d, but must be between %d and %d", name, value, least, most)
		}
		return nil
	}
	errs := []error{
		size("crop_height", c.CropHeight, 1, mostPixels), size("crop_width", c.CropWidth, 1, mostPixels),
		size("patch_height", c.PatchHeight, 0, mostPixels), size("patch_width", c.PatchWidth, 0, mostPixels),
		size("cell_rows", c.CellRows, 1, mostCells), size("cell_columns", c.CellColumns, 1, mostCells),
		size("embedding_size", c.EmbeddingSize, 1, mostNumbers), size("the number of scales", len(c.Scales), 1, mostCells),
	}
	for _, s := range c.Scales {
		errs = append(errs, size("a scale's height", s[0], 1, mostPixels), size("a scale's width", s[1], 1, mostPixels))
	}
	if !(c.CropMargin >= 0 && c.CropMargin <= mostCropShare) {
		errs = append(errs, fmt.Errorf("crop_margin is %v, but must be between 0 and %d", c.CropMargin, mostCropShare))
	}
	if !(c.CellFocus >= 0 && c.CellFocus <= math.MaxFloat32) {
		errs = append(errs, fmt.Errorf("cell_focus is %v, but must be 0 or more", c.CellFocus))
	}
	if !(c.DressWeight >= 0 && c.DressWeight <= mostWeight) {
		errs = append(errs, fmt.Errorf("dress_weight is %v, but must be between 0 and %d", c.DressWeight, mostWeight))
	}
	if s := c.Surroundings; s != nil {
		errs = append(errs, size("the surroundings' rows", s.Rows, 1, mostCells), size("the surroundings' columns", s.Columns, 1, mostCells))
		for name, share := range map[string]float64{"beside": s.Beside, "above": s.Above, "below": s.Below} {
			if !(share >= 0 && share <= mostCropShare) {
				errs = append(errs, fmt.Errorf("the surroundings reach %v %s a dress, but must reach between 0 and %d", share, name, mostCropShare))
			}
		}
	}
	if r := c.Refine; r != nil {
		errs = append(errs, size("the second look's rows", r.Rows, 1, mostCells), size("the second look's columns", r.Columns, 1, mostCells),
			size("the number of candidates that are looked at again", r.Candidates, 0, mostCells), size("the number of anchors", len(r.Anchors), 0, mostCells))
		if e := r.Edges; e != nil {
			errs = append(errs, size("the edges' height", e.Height, 1, mostPixels), size("the edges' width", e.Width, 1, mostPixels))
			if !(e.Margin >= 0 && e.Margin <= mostCropShare) {
				errs = append(errs, fmt.Errorf("the edges' margin is %v, but must be between 0 and %d", e.Margin, mostCropShare))
			}
		}
	}
	if o := c.ONNX; o != nil {
		errs = append(errs, size("the ONNX network's stride", o.Stride, 1, mostPixels), size("the ONNX network's channels", o.Channels, 1, mostNumbers),
			size("the ONNX network's height", o.Height, 0, mostPixels), size("the ONNX network's width", o.Width, 0, mostPixels),
			size("the ONNX network's batch", o.Batch, 0, mostNumbers), size("the ONNX network's tokens before those of places", o.Prefix, 0, mostCells))
	}
	facets := make([]catalog.Facet, len(c.Facets))
	for i, f := range c.Facets {
		facets[i] = f.Facet
		if len(f.Labels) == 0 {
			errs = append(errs, fmt.Errorf("facet %q has no labels", f.Name))
		}
		if f.Surroundings && c.Surroundings == nil {
			errs = append(errs, fmt.Errorf("facet %q reads surroundings, of which the model says nothing", f.Name))
		}
		if !(f.Temperature > 0 && f.Temperature <= math.MaxFloat32) {
			errs = append(errs, fmt.Errorf("the temperature of facet %q is %v, but must be above 0", f.Name, f.Temperature))
		}
	}
	return errors.Join(append(errs, catalog.CheckFacets(facets))...)
}
