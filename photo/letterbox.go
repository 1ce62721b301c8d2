package photo

import "math"

// grey is what lies outside the photo: in the middle between black and white, so that after
// normalisation a network sees about nothing there.
const grey = 128

// Letterbox reads a region of the photo and scales it, its aspect kept, into the middle of a picture of
// width x height pixels. Whatever is not the region, or is a part of the region that lies beyond the
// photo, is mid grey. It is antialiased (see resample), and gives the same bits on every platform.
// An empty region, or one of more than 2^24 pixels a side, gives a grey picture.
func Letterbox(m *Image, region Box, width, height int) (*Image, Placement) {
	out := New(width, height)
	whole := region
	if m.file != nil && !fit(region, width, height).Empty() {
		m, region, whole = m.covering(region, width, height)
	}
	inside := fit(region, width, height)
	out.fillAround(inside)
	if inside.Empty() {
		return out, Placement{Region: Box{0, 0, 1, 1}, Inside: Box{0, 0, 1, 1}}
	}
	resample(out, inside, m, region)
	return out, Placement{Region: whole, Inside: inside}
}

// Shrink reads a region of the photo and scales it, its aspect kept, until it has at most width x height pixels. What fits
// already stays as large as it is.
func Shrink(m *Image, region Box, width, height int) (*Image, Placement) {
	scale := min(1, float64(width)/float64(region.Width()), float64(height)/float64(region.Height()))
	size := func(n int) int { return max(1, int(math.Round(scale*float64(n)))) }
	return Letterbox(m, region, size(region.Width()), size(region.Height()))
}

// fillAround makes all grey that is not inside the box, which may be empty.
func (m *Image) fillAround(inside Box) {
	if inside.Empty() {
		fillGrey(m.Pix)
		return
	}
	fillGrey(m.Pix[:3*inside.YMin*m.Width])
	fillGrey(m.Pix[3*inside.YMax*m.Width:])
	if inside.Width() < m.Width {
		for y := inside.YMin; y < inside.YMax; y++ {
			row := m.row(y)
			fillGrey(row[:3*inside.XMin])
			fillGrey(row[3*inside.XMax:])
		}
	}
}

// fit returns the largest box of the region's aspect in the middle of width x height; empty if the
// region is empty or absurdly large.
func fit(region Box, width, height int) Box {
	const most = 1 << 24
	w, h := region.Width(), region.Height()
	if w <= 0 || h <= 0 || w > most || h > most || width <= 0 || height <= 0 {
		return Box{}
	}
	inW, inH := width, height
	if w*height >= h*width { // wider than the target: bars above and below
		inH = max(1, (2*h*width+w)/(2*w))
	} else {
		inW = max(1, (2*w*height+h)/(2*h))
	}
	x, y := (width-inW)/2, (height-inH)/2
	return Box{x, y, x + inW, y + inH}
}

// shrink returns the whole photo scaled down so that its longer side has at most longest pixels.
func (m *Image) shrink(longest int) *Image {
	long := max(m.Width, m.Height)
	if long <= longest {
		return m
	}
	scale := func(side int) int { return max(1, (2*side*longest+long)/(2*long)) }
	out := New(scale(m.Width), scale(m.Height))
	resample(out, out.Frame(), m, Box{0, 0, m.Width, m.Height})
	return out
}
