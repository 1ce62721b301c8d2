package embedding

import (
	"cmp"
	"slices"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// view is a part of a photo that is looked at as if it were a photo of its own.
type view struct {
	image *photo.Image
	frame photo.Box // in pixels of the photo
}

// Photos that are wider than tall, so many times at least and at most, are too wide for one look: networks read photos that
// are taller than wide, and in them people who stand beside each other would be a few features wide. What is still wider is a
// banner.
const leastWide, mostWide = 1.2, 4

// viewsOf returns a photo as a whole, and behind it, if it is wide, square windows of it, of which each overlaps the next
// by half at least: what is not wider than half of the photo's height lies in one of them from side to side.
func viewsOf(image *photo.Image) []view {
	whole := image.Frame()
	views := []view{{image, whole}}
	side := whole.Height()
	if aspect := float64(whole.Width()) / float64(side); !(aspect >= leastWide && aspect <= mostWide) {
		return views
	}
	steps := (2*(whole.Width()-side) + side - 1) / side
	for i := range steps + 1 {
		at := i * (whole.Width() - side) / steps
		views = append(views, view{image, photo.Box{XMin: at, XMax: at + side, YMax: side}})
	}
	return views
}

// cuts is whether a box in the view ends where the view does and the photo does not: it holds a part of something.
func (v view) cuts(box photo.Box) bool {
	whole, edge := v.image.Frame(), max(1, v.frame.Width()/50)
	return v.frame.XMin > whole.XMin && box.XMin-v.frame.XMin < edge || v.frame.XMax < whole.XMax && v.frame.XMax-box.XMax < edge
}

// sameInViews is the share of the smaller of two boxes that lies in the other from which they are of one dress: views show
// it in different sizes.
const sameInViews = 0.6

// joined are the places of all views of a photo, the most confident first: of each dress the most confident one.
func joined(views []view, places [][]models.Place, most int) []models.Place {
	if len(views) == 1 {
		return places[0]
	}
	var all, kept []models.Place
	for i, v := range views {
		for _, p := range places[i] {
			if !v.cuts(p.Box) {
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b models.Place) int { return cmp.Compare(b.Confidence, a.Confidence) })
	for _, p := range all {
		same := func(k models.Place) bool {
			common := k.Box.Intersect(p.Box)
			return !common.Empty() && float64(common.Area()) >= sameInViews*float64(min(k.Box.Area(), p.Box.Area()))
		}
		if len(kept) < most && !slices.ContainsFunc(kept, same) {
			kept = append(kept, p)
		}
	}
	return kept
}
