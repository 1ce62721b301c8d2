package models

import (
	"cmp"
	"math"
	"slices"

	"github.com/kleid-search/kleid/photo"
)

// MergeConfig steers how the answers of the background and location networks become candidates.
type MergeConfig struct {
	// MinForeground is the probability from which a cell's box counts.
	MinForeground float64 `json:"min_foreground"`
	// MinIoU is the overlap from which two boxes are taken for one dress.
	MinIoU float64 `json:"min_iou"`
	// Calibration turns a candidate's evidence (see Evidence) into a confidence by logistic regression:
	// a bias and a weight for each kind of evidence. Of a model that refines it chooses where to look again.
	Calibration [4]float64 `json:"calibration"`
	// MinConfidence is the confidence from which there is a dress.
	MinConfidence float64 `json:"min_confidence"`
	// MaxCandidates bounds the answer.
	MaxCandidates int `json:"max_candidates"`
}

// defaultMergeConfig is what training starts from.
func defaultMergeConfig() MergeConfig {
	return MergeConfig{MinForeground: 0.2, MinIoU: 0.5, Calibration: [4]float64{-6, 5, 5, 2}, MinConfidence: 0.2, MaxCandidates: 5}
}

// CellBox is what the two location networks say at one cell of one scale.
type CellBox struct {
	Foreground float64 // probability
	X, Y       float64 // the cell's centre, in pixels of the photo
	// XMin, YMin, XMax, YMax is the box, in pixels of the photo.
	XMin, YMin, XMax, YMax float64
}

func (c CellBox) iou(o CellBox) float64 {
	w := min(c.XMax, o.XMax) - max(c.XMin, o.XMin)
	h := min(c.YMax, o.YMax) - max(c.YMin, o.YMin)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (c.area() + o.area() - w*h)
}

func (c CellBox) area() float64 { return max(0, c.XMax-c.XMin) * max(0, c.YMax-c.YMin) }

// Evidence speaks for a candidate: the highest foreground probability, the mean foreground
// probability of the cells inside the box, and how well the merged boxes agree (their mean overlap
// with the merged one). All are 0..1.
type Evidence [3]float64

// Place is a place where a dress may be.
type Place struct {
	Box        photo.Box
	Evidence   Evidence
	Confidence float64 // 0..1

	// Of a model that refines:

	Present float64 // what the patch says: about 1 for a dress, -1 for none
	Overlap float64 // of the box before the last look with that after it: how steady it is, of several looks the steadiest
}

// DecodeCells turns the outputs of the location networks for one photo at one scale into boxes.
// logits is [rows, columns] and distances [rows, columns, 4]; stride is the trunk's.
func DecodeCells(logits, distances []float32, rows, columns, stride int, placement photo.Placement) []CellBox {
	cells := make([]CellBox, 0, rows*columns)
	for r := range rows {
		for c := range columns {
			i := r*columns + c
			x, y := (float64(c)+0.5)*float64(stride), (float64(r)+0.5)*float64(stride)
			d := distances[4*i : 4*i+4]
			cell := CellBox{Foreground: 1 / (1 + math.Exp(-float64(logits[i])))}
			cell.X, cell.Y = placement.ToPhoto(x, y)
			cell.XMin, cell.YMin = placement.ToPhoto(x-float64(d[0]), y-float64(d[1]))
			cell.XMax, cell.YMax = placement.ToPhoto(x+float64(d[2]), y+float64(d[3]))
			cells = append(cells, cell)
		}
	}
	return cells
}

// Merge joins the boxes of all cells and scales into candidates, the most confident first
// (in the spirit of OverFeat's greedy merge, https://arxiv.org/abs/1312.6229): the most certain box
// gathers those that overlap it, their mean weighted by certainty is the candidate, and how well they
// agree is part of its confidence. The boxes are clipped to the frame, the part of the photo that was looked at.
func Merge(cells []CellBox, frame photo.Box, config MergeConfig) []Place {
	var open []CellBox
	for _, c := range cells {
		if c.Foreground >= config.MinForeground && c.XMax > c.XMin && c.YMax > c.YMin {
			open = append(open, c)
		}
	}
	slices.SortStableFunc(open, func(a, b CellBox) int { return cmp.Compare(b.Foreground, a.Foreground) })
	var places []Place
	for len(open) > 0 && len(places) < config.MaxCandidates {
		group, rest := gather(open, config.MinIoU)
		open = rest
		merged := weightedMean(group)
		// A second round around the mean, so that the first box's error does not decide who belongs.
		merged = weightedMean(append([]CellBox{merged}, overlapping(group, merged, config.MinIoU)...))
		box := clip(merged, frame)
		if box.Empty() {
			continue
		}
		p := Place{Box: box, Evidence: evidence(group, merged, cells)}
		p.Confidence = p.Evidence.Confidence(config.Calibration)
		places = append(places, p)
		open = slices.DeleteFunc(open, func(c CellBox) bool { return c.iou(merged) >= config.MinIoU })
	}
	slices.SortStableFunc(places, func(a, b Place) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return places
}

// EvidenceFor a box is what the cells of all scales say of it, whoever says that a dress is there.
func EvidenceFor(box photo.Box, cells []CellBox, config MergeConfig) Evidence {
	at := CellBox{XMin: float64(box.XMin), YMin: float64(box.YMin), XMax: float64(box.XMax), YMax: float64(box.YMax)}
	var group []CellBox
	for _, c := range overlapping(cells, at, config.MinIoU) {
		if c.Foreground >= config.MinForeground {
			group = append(group, c)
			at.Foreground = max(at.Foreground, c.Foreground)
		}
	}
	return evidence(group, at, cells)
}

// Confidence is the calibrated probability that the candidate is a dress.
func (e Evidence) Confidence(calibration [4]float64) float64 {
	z := calibration[0]
	for i, v := range e {
		z += float64(calibration[i+1] * v)
	}
	return 1 / (1 + math.Exp(-z))
}

func gather(open []CellBox, minIoU float64) (group, rest []CellBox) {
	for i, c := range open {
		if i == 0 || c.iou(open[0]) >= minIoU {
			group = append(group, c)
		} else {
			rest = append(rest, c)
		}
	}
	return group, rest
}

func overlapping(cells []CellBox, with CellBox, minIoU float64) []CellBox {
	var out []CellBox
	for _, c := range cells {
		if c.iou(with) >= minIoU {
			out = append(out, c)
		}
	}
	return out
}

func weightedMean(group []CellBox) CellBox {
	var m CellBox
	var sum float64
	for _, c := range group {
		w := c.Foreground * c.Foreground
		sum += w
		m.XMin += float64(w * c.XMin)
		m.YMin += float64(w * c.YMin)
		m.XMax += float64(w * c.XMax)
		m.YMax += float64(w * c.YMax)
		m.Foreground = max(m.Foreground, c.Foreground)
	}
	m.XMin, m.YMin, m.XMax, m.YMax = m.XMin/sum, m.YMin/sum, m.XMax/sum, m.YMax/sum
	return m
}

func evidence(group []CellBox, merged CellBox, all []CellBox) Evidence {
	var inside, foreground, agreement float64
	for _, c := range all {
		if c.X >= merged.XMin && c.X < merged.XMax && c.Y >= merged.YMin && c.Y < merged.YMax {
			inside++
			foreground += c.Foreground
		}
	}
	for _, c := range group {
		agreement += c.iou(merged)
	}
	return Evidence{merged.Foreground, foreground / max(inside, 1), agreement / float64(max(len(group), 1))}
}

func clip(c CellBox, frame photo.Box) photo.Box {
	round := func(v float64, least, most int) int { return max(least, min(most, int(math.Round(v)))) }
	return photo.Box{
		XMin: round(c.XMin, frame.XMin, frame.XMax), YMin: round(c.YMin, frame.YMin, frame.YMax),
		XMax: round(c.XMax, frame.XMin, frame.XMax), YMax: round(c.YMax, frame.YMin, frame.YMax),
	}
}
