package models

import (
	"math"

	. "github.com/gomlx/gomlx/pkg/core/graph"

	"github.com/kleid-search/kleid/photo"
)

// RefineConfig steers the second look, at the patch of a photo around each candidate: there a linear layer on the
// trunk's features tells where in the patch the dress is, as TiefVision's location network does, and whether there
// is one. Whole photos show a dress in a few cells, a patch in all of them.
type RefineConfig struct {
	// Margin is the share of the candidate's size that the patch shows on each side of it.
	Margin float64 `json:"margin"`
	// Rows and Columns are the grid that the patch's features are averaged over.
	Rows    int `json:"rows"`
	Columns int `json:"columns"`
	// Anchors are boxes where dresses often are, x_min, y_min, x_max, y_max in shares of the photo. They are looked
	// at like candidates, for photos whose dress the location networks do not see.
	Anchors [][4]float64 `json:"anchors"`
	// Candidates are looked at, the most confident ones.
	Candidates int `json:"candidates"`
	// Again is the overlap of a candidate with what the patch says below which there is one more look.
	Again float64 `json:"again"`
	// Sure and Hopeless are confidences: from the one and below the other, what is seen at the best candidate is taken
	// for the answer, if it has settled there, and the other places are not looked at. 0 does without.
	Sure     float64 `json:"sure,omitempty"`
	Hopeless float64 `json:"hopeless,omitempty"`
	// Calibration makes a confidence by logistic regression, of all that is known of a place after the last look: a
	// bias, a weight for each kind of Evidence and one for what the patch says.
	Calibration [5]float64 `json:"confidence"`
	// Edges say where the sides of a place are to the pixel, once the looks have ended; nil leaves them where those end.
	Edges *EdgesConfig `json:"edges,omitempty"`
}

// DefaultRefineConfig is what training starts from.
func DefaultRefineConfig() RefineConfig {
	return RefineConfig{Margin: 0.3, Rows: 6, Columns: 4, Anchors: [][4]float64{{0.1, 0.1, 0.9, 0.9}}, Candidates: 2, Again: 0.75, Sure: 0.9, Hopeless: 0.05, Calibration: [5]float64{-2, 1, 2, 0.5, 3}}
}

// refineOutputs are the patch's share at which the dress begins and ends, left, top, right, bottom, and whether there
// is one: about 1 for yes, about -1 for no.
const refineOutputs = 5

// refineHead reads cells of a patch and gives [batch, 5]: see RefineConfig.Box.
func refineHead(net *Net, cells *Node) *Node { return net.Linear("refine", cells, refineOutputs) }

// RefineCellsGraph maps patches [batch, PatchSize, 3], normalised, to what refineHead reads.
func (m *Model) RefineCellsGraph(pixels *Node) *Node {
	return Cells(m.trunk(NewFrozenNet(m.Weights), pixels), m.Config.Refine.Rows, m.Config.Refine.Columns)
}

// RefineGraph maps patches [batch, PatchSize, 3], normalised, to [batch, 5].
func (m *Model) RefineGraph(pixels *Node) *Node {
	return refineHead(NewFrozenNet(m.Weights), m.RefineCellsGraph(pixels))
}

// Patch is the part of a photo around a candidate that the network looks at. It has the aspect of
// width x height, so that no part of the network's input lies idle, and may reach over the photo's border.
func (c RefineConfig) Patch(candidate photo.Box, width, height int) photo.Box {
	w, h := float64(candidate.Width())*(1+2*c.Margin), float64(candidate.Height())*(1+2*c.Margin)
	aspect := float64(width) / float64(height)
	w, h = max(w, h*aspect), max(h, w/aspect)
	x, y := float64(candidate.XMin+candidate.XMax)/2, float64(candidate.YMin+candidate.YMax)/2
	round := func(v float64) int { return int(math.Round(v)) }
	return photo.Box{XMin: round(x - w/2), YMin: round(y - h/2), XMax: round(x + w/2), YMax: round(y + h/2)}
}

// AnchorBoxes are the anchors in a frame, which is a photo or a part of one.
func (c RefineConfig) AnchorBoxes(frame photo.Box) []photo.Box {
	var boxes []photo.Box
	w, h := float64(frame.Width()), float64(frame.Height())
	round := func(v float64) int { return int(math.Round(v)) }
	for _, a := range c.Anchors {
		b := photo.Box{
			XMin: frame.XMin + round(a[0]*w), YMin: frame.YMin + round(a[1]*h), XMax: frame.XMin + round(a[2]*w), YMax: frame.YMin + round(a[3]*h),
		}
		if !b.Empty() { // as it is in a photo of a few pixels
			boxes = append(boxes, b)
		}
	}
	return boxes
}

// Box is what refineHead's answer for a patch means in a photo with that frame.
func (c RefineConfig) Box(answer []float32, patch, frame photo.Box) photo.Box {
	x := func(share float32) int {
		return int(math.Round(float64(patch.XMin) + float64(share)*float64(patch.Width())))
	}
	y := func(share float32) int {
		return int(math.Round(float64(patch.YMin) + float64(share)*float64(patch.Height())))
	}
	return photo.Box{XMin: x(answer[0]), YMin: y(answer[1]), XMax: x(answer[2]), YMax: y(answer[3])}.Intersect(frame)
}

// Settles says whether a place with that confidence, which the last look left with that overlap, is the answer.
func (c RefineConfig) Settles(confidence, overlap float64) bool {
	return overlap >= c.Again && (c.Sure > 0 && confidence >= c.Sure || confidence < c.Hopeless)
}

// Confidence joins what the location networks' cells say of a place and what refineHead says of a dress's presence there.
func (c RefineConfig) Confidence(evidence Evidence, present float64) float64 {
	z := c.Calibration[0]
	for i, v := range evidence {
		z += float64(c.Calibration[1+i] * v)
	}
	z += float64(c.Calibration[1+len(evidence)] * present)
	return 1 / (1 + math.Exp(-z))
}
