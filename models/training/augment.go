package training

import (
	"math"
	"math/rand/v2"

	"github.com/kleid-search/kleid/photo"
)

// jitter is how strongly photos are changed from one look to the next.
type jitter struct {
	shift  float64 // standard deviation of each side of the crop, as a share of the box
	zoomIn float64 // most that is cut off, as a share of the box, for real photos without a box
	flip   float64 // probability to mirror
	light  float64 // standard deviation of exposure and contrast
	tint   float64 // standard deviation of the white balance
	erase  float64 // probability of a patch of one colour
}

// A dress's hue is part of what it is, so tints are weak.
var (
	paintedJitter = jitter{shift: 0.03, flip: 0.5, light: 0.08, tint: 0.025, erase: 0.15}
	realJitter    = jitter{shift: 0.02, zoomIn: 0.35, flip: 0.5, light: 0.15, tint: 0.04, erase: 0.2}
)

// look cuts the crop as location might, a little off, and resamples it to the network's size with the
// light changed.
func (j jitter) look(rng *rand.Rand, c *Crop, margin float64, width, height int) *photo.Image {
	m, _, _ := j.lookWithin(rng, c, margin, width, height)
	return m
}

// lookWithin is look, and also says where the crop is in the picture, and which part of it is photo.
func (j jitter) lookWithin(rng *rand.Rand, c *Crop, margin float64, width, height int) (m *photo.Image, inside, frame photo.Box) {
	b := c.Box.Grow(margin)
	w, h := float64(b.Width()), float64(b.Height())
	move := func(v int, size float64) int { return v + int(math.Round(rng.NormFloat64()*j.shift*size)) }
	region := photo.Box{XMin: move(b.XMin, w), YMin: move(b.YMin, h), XMax: move(b.XMax, w), YMax: move(b.YMax, h)}
	if j.zoomIn > 0 {
		keep := 1 - rng.Float64()*j.zoomIn
		kw, kh := int(keep*w), int(keep*h)
		region.XMin += rng.IntN(max(b.Width()-kw, 1))
		region.YMin += rng.IntN(max(b.Height()-kh, 1))
		region.XMax, region.YMax = region.XMin+kw, region.YMin+kh
	}
	if region.Empty() {
		region = b
	}
	m, placement := photo.Letterbox(c.Image, region, width, height)
	inside, frame = placement.Inside, placement.BoxFromPhoto(c.Frame)
	j.relight(rng, m)
	if rng.Float64() < j.flip {
		mirror(m)
		turn := func(b photo.Box) photo.Box {
			return photo.Box{XMin: width - b.XMax, YMin: b.YMin, XMax: width - b.XMin, YMax: b.YMax}
		}
		inside, frame = turn(inside), turn(frame)
	}
	if rng.Float64() < j.erase {
		erase(rng, m)
	}
	return m, inside, frame
}

// whole looks at the whole photo of a crop, resampled to the network's size with the light changed, and returns where the
// dress is in it, as far off as location might be, and where the photo is.
func (j jitter) whole(rng *rand.Rand, c *Crop, width, height int) (*photo.Image, photo.Box, photo.Placement) {
	b := c.WholeBox
	w, h := float64(b.Width()), float64(b.Height())
	move := func(v int, size float64) int { return v + int(math.Round(rng.NormFloat64()*j.shift*size)) }
	box := photo.Box{XMin: move(b.XMin, w), YMin: move(b.YMin, h), XMax: move(b.XMax, w), YMax: move(b.YMax, h)}
	if box.Empty() {
		box = b
	}
	m, placement := photo.Letterbox(c.Whole, c.Whole.Frame(), width, height)
	j.relight(rng, m)
	if rng.Float64() < j.flip {
		mirror(m)
		box.XMin, box.XMax = c.Whole.Width-box.XMax, c.Whole.Width-box.XMin
	}
	return m, box, placement
}

// relight changes exposure, contrast and white balance.
func (j jitter) relight(rng *rand.Rand, m *photo.Image) {
	contrast := math.Exp(rng.NormFloat64() * j.light)
	exposure := math.Exp(rng.NormFloat64() * j.light)
	gamma := math.Exp(rng.NormFloat64() * j.light)
	var table [3][256]uint8
	for c := range 3 {
		gain := exposure * math.Exp(rng.NormFloat64()*j.tint)
		for v := range 256 {
			x := math.Pow(float64(v)/255*gain, gamma)
			x = (x-0.5)*contrast + 0.5
			table[c][v] = uint8(max(0, min(255, math.Round(x*255))))
		}
	}
	for i, v := range m.Pix {
		m.Pix[i] = table[i%3][v]
	}
}

func mirror(m *photo.Image) {
	for y := range m.Height {
		row := m.Pix[3*y*m.Width : 3*(y+1)*m.Width]
		for a, b := 0, m.Width-1; a < b; a, b = a+1, b-1 {
			for c := range 3 {
				row[3*a+c], row[3*b+c] = row[3*b+c], row[3*a+c]
			}
		}
	}
}

// erase covers a patch of at most a third of each side with one colour, as a bag or a hand would
// (https://arxiv.org/abs/1708.04896).
func erase(rng *rand.Rand, m *photo.Image) {
	w, h := 1+rng.IntN(m.Width/3), 1+rng.IntN(m.Height/3)
	x0, y0 := rng.IntN(m.Width-w), rng.IntN(m.Height-h)
	colour := [3]uint8{uint8(rng.IntN(256)), uint8(rng.IntN(256)), uint8(rng.IntN(256))}
	for y := y0; y < y0+h; y++ {
		for x := x0; x < x0+w; x++ {
			copy(m.Pix[3*(y*m.Width+x):], colour[:])
		}
	}
}
