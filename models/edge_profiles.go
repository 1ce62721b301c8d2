package models

import (
	"math"
	"slices"

	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/photo/colour"
)

// What a profile says of a bin, which is a row or a column of the picture within the box: how likely its pixels are dress,
// in the mean, in the tenth of them where that is likeliest and in the fifth behind, and in each third of the box; and how
// far the bin is from the box's own side, in tenths of the picture, with its sign and without.
const (
	edgeMean = iota
	edgeMost
	edgeMore
	edgeFirst
	edgeSecond
	edgeThird
	edgeOff
	edgeFar
	edgeChannels
)

// EdgeProfiles are what EdgesGraph reads of a box.
type EdgeProfiles struct {
	Across []float32 // [2, Width, edgeChannels], of the columns from the left, and from the right
	Down   []float32 // [2, Height, edgeChannels], of the rows from the top, and from below

	config    EdgesConfig
	placement photo.Placement // of the picture in the photo
}

// Sides are where a box's sides are in the picture, left, top, right, bottom, in shares of its size.
func (p EdgeProfiles) Sides(box photo.Box) [4]float32 {
	x0, y0 := p.placement.FromPhoto(float64(box.XMin), float64(box.YMin))
	x1, y1 := p.placement.FromPhoto(float64(box.XMax), float64(box.YMax))
	w, h := float64(p.config.Width), float64(p.config.Height)
	return [4]float32{float32(x0 / w), float32(y0 / h), float32(x1 / w), float32(y1 / h)}
}

// Box is what EdgesGraph's answer means in a photo with that frame.
func (p EdgeProfiles) Box(answer []float32, frame photo.Box) photo.Box {
	at := func(x, y float32) (int, int) {
		px, py := p.placement.ToPhoto(float64(x)*float64(p.config.Width), float64(y)*float64(p.config.Height))
		return int(math.Round(px)), int(math.Round(py))
	}
	var b photo.Box
	b.XMin, b.YMin = at(answer[0], answer[1])
	b.XMax, b.YMax = at(answer[2], answer[3])
	return b.Intersect(frame)
}

// sizes are the lengths of Across and Down.
func (c EdgesConfig) sizes() (across, down int) {
	return 2 * c.Width * edgeChannels, 2 * c.Height * edgeChannels
}

// Tensors are the inputs of EdgesGraph for some boxes, and zeros up to a size of batch.
func (c EdgesConfig) Tensors(profiles []EdgeProfiles, size int) (across, down *tensors.Tensor) {
	a, d := c.sizes()
	columns, rows := make([]float32, size*a), make([]float32, size*d)
	for i, p := range profiles {
		copy(columns[i*a:], p.Across)
		copy(rows[i*d:], p.Down)
	}
	return tensors.FromFlatDataAndDimensions(columns, size, 2, c.Width, edgeChannels), tensors.FromFlatDataAndDimensions(rows, size, 2, c.Height, edgeChannels)
}

// Profiles sums up what is around a box in a photo.
func (c EdgesConfig) Profiles(image *photo.Image, box photo.Box) EdgeProfiles {
	across, down := c.sizes()
	picture, placement := photo.Letterbox(image, c.region(box), c.Width, c.Height)
	p := EdgeProfiles{make([]float32, across), make([]float32, down), c, placement}
	frame := placement.BoxFromPhoto(image.Frame()).Intersect(picture.Frame())
	own := placement.BoxFromPhoto(box).Intersect(frame)
	if own.Empty() {
		return p // nothing is likely to be dress, and no bin is off: sides end in the middle of the picture
	}
	dress := colour.Divide(picture, own, frame).Likelihood()
	line := make([]float32, max(c.Width, c.Height))
	for x := range c.Width {
		column := line[:own.Height()]
		for i := range column {
			column[i] = dress[(own.YMin+i)*c.Width+x]
		}
		p.sum(p.Across, x, c.Width, own.XMin, own.XMax, column)
	}
	for y := range c.Height {
		row := line[:own.Width()]
		copy(row, dress[y*c.Width+own.XMin:])
		p.sum(p.Down, y, c.Height, own.YMin, own.YMax, row)
	}
	return p
}

// sum writes what there is to say of the bin at a place, of so many, into the profiles from either end; the box lies between
// two of its places. It sorts the likelihoods.
func (EdgeProfiles) sum(profiles []float32, at, bins, begin, end int, likelihoods []float32) {
	said := [edgeChannels]float32{edgeMean: mean(likelihoods)}
	n := len(likelihoods)
	for third := range 3 {
		said[edgeFirst+third] = mean(likelihoods[third*n/3 : (third+1)*n/3])
	}
	slices.Sort(likelihoods)
	tenth := max(1, n/10)
	said[edgeMost] = mean(likelihoods[n-tenth:])
	said[edgeMore] = mean(likelihoods[max(0, n-3*tenth) : n-tenth])
	for end, from := range [2]struct{ at, begin int }{{at, begin}, {bins - 1 - at, bins - end}} {
		off := 10 * (float32(from.at) + 0.5 - float32(from.begin)) / float32(bins)
		said[edgeOff], said[edgeFar] = off, max(off, -off)
		copy(profiles[(end*bins+from.at)*edgeChannels:], said[:])
	}
}

// mean of some numbers; 0 of none.
func mean(numbers []float32) float32 {
	var sum float32
	for _, v := range numbers {
		sum += v
	}
	return sum / float32(max(1, len(numbers)))
}
