package photo

import "math"

// Box is a rectangle in pixels of the upright photo, half-open: it covers XMin <= x < XMax and
// YMin <= y < YMax. It may reach beyond the photo.
type Box struct {
	XMin, YMin, XMax, YMax int
}

// Width in pixels; not positive for an empty box.
func (b Box) Width() int { return b.XMax - b.XMin }

// Height in pixels; not positive for an empty box.
func (b Box) Height() int { return b.YMax - b.YMin }

// Empty says whether the box covers no pixel.
func (b Box) Empty() bool { return b.XMax <= b.XMin || b.YMax <= b.YMin }

// Area in pixels, 0 for an empty box.
func (b Box) Area() int {
	if b.Empty() {
		return 0
	}
	return b.Width() * b.Height()
}

// Intersect returns the part that both boxes cover; it may be empty.
func (b Box) Intersect(o Box) Box {
	return Box{max(b.XMin, o.XMin), max(b.YMin, o.YMin), min(b.XMax, o.XMax), min(b.YMax, o.YMax)}
}

// IoU is the intersection over the union of the two areas, 0..1.
func (b Box) IoU(o Box) float64 {
	inter := b.Intersect(o).Area()
	union := b.Area() + o.Area() - inter
	if union <= 0 {
		return 0
	}
	return float64(inter) / float64(union)
}

// Grow adds a share of the box's size on each side; a negative share takes it off.
func (b Box) Grow(share float64) Box {
	dx := int(math.Round(share * float64(b.Width())))
	dy := int(math.Round(share * float64(b.Height())))
	return Box{b.XMin - dx, b.YMin - dy, b.XMax + dx, b.YMax + dy}
}
