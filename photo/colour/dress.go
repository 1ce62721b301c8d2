package colour

import (
	"math"

	"github.com/kleid-search/kleid/photo"
)

// occupied is how often, in per cent, a place in a dress's box is dress: measured on 600 customers' photos of
// datasets/studio, left and right together. Shoulders and hem are narrower than the box, arms hang beside it.
var occupied = [12][8]int{
	{7, 28, 40, 39, 39, 40, 28, 7},
	{22, 56, 75, 78, 78, 75, 56, 22},
	{28, 56, 74, 90, 90, 74, 56, 28},
	{25, 43, 68, 94, 94, 68, 43, 25},
	{21, 36, 71, 97, 97, 71, 36, 21},
	{16, 37, 80, 97, 97, 80, 37, 16},
	{13, 46, 88, 98, 98, 88, 46, 13},
	{13, 57, 91, 98, 98, 91, 57, 13},
	{18, 67, 92, 99, 99, 92, 67, 18},
	{29, 72, 92, 99, 99, 92, 72, 29},
	{41, 74, 91, 98, 98, 91, 74, 41},
	{34, 56, 75, 85, 85, 75, 56, 34},
}

// zones are places that are dress about as often, the outside of the box first.
const zones = 12

// zoneShare is how often a place of each zone is dress. A box may be a little too tight, and may miss the
// middle of the dress, so no place is certain.
var zoneShare = func() (share [zones]float64) {
	share[0] = 0.02
	for z := 1; z < zones; z++ {
		share[z] = 0.05 + 0.90*(float64(z)-0.5)/(zones-1)
	}
	return share
}()

// zoneOf is the zone of a place of the box.
func zoneOf(row, column int) int {
	return 1 + min(occupied[row][column]*(zones-1)/100, zones-2)
}

// eachPixel tells of the pixels of a crop that are photo, which frame says: which one it is, in which zone of the box it
// lies, and which of the palette's colours it has.
func eachPixel(crop *photo.Image, box, frame photo.Box, tell func(pixel, zone, colour int)) {
	frame = frame.Intersect(crop.Frame())
	if frame.Empty() || box.Empty() {
		return
	}
	columns := make([]int8, frame.Width()) // of occupied; -1 is beside the box
	for i := range columns {
		columns[i] = place(frame.XMin+i, box.XMin, box.Width(), len(occupied[0]))
	}
	for y := frame.YMin; y < frame.YMax; y++ {
		row := place(y, box.YMin, box.Height(), len(occupied))
		first := y*crop.Width + frame.XMin
		pix := crop.Pix[3*first:][:3*frame.Width()]
		for i, column := range columns {
			zone := 0
			if row >= 0 && column >= 0 {
				zone = zoneOf(int(row), int(column))
			}
			tell(first+i, zone, int(pix[3*i]>>3)<<10|int(pix[3*i+1]>>3)<<5|int(pix[3*i+2]>>3))
		}
	}
}

// counted are the pixels of a crop in bins, in the order in which their colours are met.
type counted struct {
	bins   []bin
	number []int32 // of each of the palette's bins, which of these it is, from 1
}

// count sorts the pixels of a crop into bins. frame is the part of the crop that is photo.
func count(crop *photo.Image, box, frame photo.Box) counted {
	p := everyColour()
	c := counted{make([]bin, 0, 256), make([]int32, p.n)}
	eachPixel(crop, box, frame, func(_, zone, colour int) {
		at := &c.number[p.bin[colour]]
		if *at == 0 {
			c.bins = append(c.bins, bin{})
			*at = int32(len(c.bins))
		}
		b := &c.bins[*at-1]
		lab := &p.lab[colour]
		b.sum[0] += int64(lab[0])
		b.sum[1] += int64(lab[1])
		b.sum[2] += int64(lab[2])
		b.zones[zone]++
		b.all++
	})
	return c
}

// place is in which of n equal parts of a side v lies; -1 for beside it.
func place(v, from, size, n int) int8 {
	if v < from || v >= from+size {
		return -1
	}
	return int8((v - from) * n / size)
}

// Division tells the dress in a crop from what is around it, by colours.
type Division struct {
	crop       *photo.Image
	box, frame photo.Box
	counted
	dress, rest []float64 // which shares of the dress's pixels and of the rest's are in each bin
}

// Divide tells them apart. box is where the dress is in the crop, a little of what is around it visible too, and frame the
// part of the crop that is photo.
func Divide(crop *photo.Image, box, frame photo.Box) *Division {
	c := count(crop, box, frame)
	dress, rest := divide(c.bins)
	d := &Division{crop, box, frame, c, dress, rest}
	d.claim()
	return d
}

// whole is a pixel that is dress for certain, in bin.dress.
const whole = 256

// rounds of expectation and maximisation in divide. More make the division harder than the evidence is.
const rounds = 6

// divide tells dress from what is around it, as a mixture of two: dress has its own colours, and is more
// likely where dresses are in their box; the rest has its colours too. A colour is dress that is met more in
// the middle of the box than at its rim and outside; where both have a colour, as a beige dress and skin or a
// white dress and a wall, its place decides for each pixel. It returns which shares of the dress's pixels and of the rest's
// are in each bin.
func divide(bins []bin) (dress, rest []float64) {
	dress, rest = make([]float64, len(bins)), make([]float64, len(bins))
	for i := range dress {
		dress[i], rest[i] = 1, 1
	}
	for range rounds {
		var allDress, allRest float64
		newDress, newRest := make([]float64, len(bins)), make([]float64, len(bins))
		for i := range bins {
			var own float64
			for z, n := range bins[i].zones {
				if n > 0 {
					own += float64(float64(n) * belief(dress[i], rest[i], z))
				}
			}
			newDress[i], newRest[i] = own, float64(bins[i].all)-own
			allDress += newDress[i]
			allRest += newRest[i]
		}
		// A colour that was not met on one side may be there all the same: half a pixel of it.
		for i := range bins {
			dress[i] = (newDress[i] + 0.5) / (allDress + 0.5*float64(len(bins)))
			rest[i] = (newRest[i] + 0.5) / (allRest + 0.5*float64(len(bins)))
		}
	}
	return dress, rest
}

// belief is how likely a pixel of a zone is dress. The conversions forbid fused multiply-adds, so that every
// machine comes to the same.
func belief(dress, rest float64, zone int) float64 {
	yes, no := float64(dress*zoneShare[zone]), float64(rest*(1-zoneShare[zone]))
	return yes / (yes + no)
}

// claim says of each bin how many of its pixels are dress.
func (d *Division) claim() {
	for i := range d.bins {
		var own float64
		for z, n := range d.bins[i].zones {
			own += float64(float64(n) * belief(d.dress[i], d.rest[i], z))
		}
		d.bins[i].dress = int64(math.Round(own * whole))
	}
}

// Likelihood says of each pixel of the crop, in its rows, how likely a pixel of its colour is dress where a place is dress as
// often as not: by its colour alone, wherever it lies. Beyond the frame it is 0.
func (d *Division) Likelihood() []float32 {
	p := everyColour()
	ofBins := make([]float32, len(d.bins))
	for i := range ofBins {
		ofBins[i] = float32(d.dress[i] / (d.dress[i] + d.rest[i]))
	}
	likelihoods := make([]float32, d.crop.Width*d.crop.Height)
	eachPixel(d.crop, d.box, d.frame, func(pixel, _, colour int) {
		likelihoods[pixel] = ofBins[d.number[p.bin[colour]]-1]
	})
	return likelihoods
}
