package photo

import "math"

// Placement says where Letterbox put what: the region of the photo that it read, and where that region
// lies in the letterboxed picture. Points are continuous: pixel i covers i to i+1.
type Placement struct {
	Region Box // in pixels of the photo
	Inside Box // in pixels of the letterboxed picture
}

// ToPhoto maps a point of the letterboxed picture to the photo. Points on the grey bars map to beyond
// the region.
func (p Placement) ToPhoto(x, y float64) (float64, float64) {
	return between(x, p.Inside.XMin, p.Inside.Width(), p.Region.XMin, p.Region.Width()),
		between(y, p.Inside.YMin, p.Inside.Height(), p.Region.YMin, p.Region.Height())
}

// FromPhoto maps a point of the photo to the letterboxed picture; it undoes ToPhoto.
func (p Placement) FromPhoto(x, y float64) (float64, float64) {
	return between(x, p.Region.XMin, p.Region.Width(), p.Inside.XMin, p.Inside.Width()),
		between(y, p.Region.YMin, p.Region.Height(), p.Inside.YMin, p.Inside.Height())
}

// between maps linearly. The conversion of the product forbids a fused multiply-add, so that every
// platform gives the same bits.
func between(v float64, from, fromSize, to, toSize int) float64 {
	return float64((v-float64(from))*float64(toSize))/float64(fromSize) + float64(to)
}

// BoxFromPhoto maps a box of the photo to the picture's, in whole pixels, where it still has one.
func (p Placement) BoxFromPhoto(b Box) Box {
	x0, y0 := p.FromPhoto(float64(b.XMin), float64(b.YMin))
	x1, y1 := p.FromPhoto(float64(b.XMax), float64(b.YMax))
	m := Box{XMin: int(math.Round(x0)), YMin: int(math.Round(y0)), XMax: int(math.Round(x1)), YMax: int(math.Round(y1))}
	m.XMax, m.YMax = max(m.XMax, m.XMin+1), max(m.YMax, m.YMin+1)
	return m
}
