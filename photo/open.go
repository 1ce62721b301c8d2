package photo

import (
	"math/bits"
	"sync"
	"weak"
)

// detail is how many pixels the longer side of a reduced photo has at least: a dress a third as high as the
// photo still has more of them than a network looks at, and a thumbnail fits in twice.
const detail = 768

// file is where an image that Open has reduced came from.
type file struct {
	data          []byte
	finish        finish
	width, height int // of the whole upright photo
	reduce        int // 2, 4 or 8

	mu sync.Mutex
	// finer are the photo at 1/1, 1/2 and 1/4 of its size, as far as somebody asked for it and still has it or the
	// garbage collector has not come by.
	finer [3]weak.Pointer[Image]
}

// Open decodes a photo for being located, cropped and shrunk, as Decode does but large JPEG files at a half,
// a quarter or an eighth of their size, so that their longer side still has detail pixels. Width, Height and
// Pix of such a photo are those of the reduced one; Frame, and the boxes that Letterbox takes and gives, are
// those of the whole one. Where a small part of it is asked for, Letterbox goes back to the file, which the
// photo keeps in memory: the caller does not change data.
func Open(data []byte, limits Limits) (*Image, error) { return decode(data, limits, true) }

// openJPEG decodes a JPEG file that is large at a reduced size. It returns nil for others, and for those that
// are left to Decode.
func openJPEG(data []byte, width, height int, how finish) *Image {
	reduce := 1
	for reduce < 8 && max(width, height) >= 2*reduce*detail {
		reduce *= 2
	}
	if reduce == 1 || min(width, height) < reduce {
		return nil
	}
	m := reducedJPEG(data, reduce, how)
	if m == nil {
		return nil
	}
	f := &file{data: data, finish: how, width: width, height: height, reduce: reduce}
	if how.orientation >= 5 {
		f.width, f.height = height, width
	}
	m.file = f
	return m
}

func reducedJPEG(data []byte, reduce int, how finish) *Image {
	m := fastDecode(data, reduce)
	if m == nil {
		return nil
	}
	return how.apply(m)
}

// at returns the photo at 1/reduce of its size. Several patches of a photo are looked at at once: the first one decodes
// the file and the others take what it got, so that they cost its time and memory once.
func (f *file) at(reduce int) *Image {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := &f.finer[bits.TrailingZeros(uint(reduce))]
	m := kept.Value()
	if m == nil {
		if m = reducedJPEG(f.data, reduce, f.finish); m != nil {
			*kept = weak.Make(m)
		}
	}
	return m
}

// offset is what of the whole photo lies left of a reduced one, and above it. What does not fill a reduced
// pixel is cut off at the right and below, which is elsewhere once the photo is turned.
func (f *file) offset(reduce int) (left, top int) {
	switch f.finish.orientation {
	case 2, 3, 6, 7:
		left = f.width % reduce
	}
	switch f.finish.orientation {
	case 3, 4, 7, 8:
		top = f.height % reduce
	}
	return left, top
}

// covering returns the smallest picture of a reduced photo that has half as many pixels again of a region,
// in each direction, as a network is to see of it, the region in its pixels, and the region of the whole
// photo that this is.
func (m *Image) covering(region Box, width, height int) (at *Image, part, whole Box) {
	f := m.file
	inside := fit(region, width, height)
	reduce := f.reduce
	for reduce > 1 && (2*region.Width() < 3*reduce*inside.Width() || 2*region.Height() < 3*reduce*inside.Height()) {
		reduce /= 2
	}
	at = m
	if reduce < f.reduce {
		if at = f.at(reduce); at == nil {
			at, reduce = m, f.reduce // cannot be: the file was readable before
		}
	}
	left, top := f.offset(reduce)
	part = Box{
		nearest(region.XMin-left, reduce), nearest(region.YMin-top, reduce),
		nearest(region.XMax-left, reduce), nearest(region.YMax-top, reduce),
	}
	// Where the region ends within the photo, it ends within what was not cut off, too.
	if region.XMin >= 0 {
		part.XMin = max(part.XMin, 0)
	}
	if region.YMin >= 0 {
		part.YMin = max(part.YMin, 0)
	}
	if region.XMax <= f.width {
		part.XMax = min(part.XMax, at.Width)
	}
	if region.YMax <= f.height {
		part.YMax = min(part.YMax, at.Height)
	}
	return at, part, Box{left + reduce*part.XMin, top + reduce*part.YMin, left + reduce*part.XMax, top + reduce*part.YMax}
}

// nearest divides, rounding to the nearest.
func nearest(v, by int) int { return floorDiv(2*v+by, 2*by) }
