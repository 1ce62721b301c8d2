// Package photo turns bytes into upright pixels within limits, and pixels into what a network
// reads: letterbox, crop, normalise. It is the one preprocessing path, for training, index and
// query alike.
//
// Pixels are sRGB: those of files with another matrix-based colour profile (ICC), such as Display P3 of telephones and
// Adobe RGB of cameras, are brought to it when they are decoded. Other profiles, those of printers, are ignored.
package photo

import (
	"image"
	"image/color"
	"sync"
)

// Image is an upright photo: 8-bit sRGB, three bytes a pixel, row by row without padding.
// It implements image.Image, so that any encoder takes it.
type Image struct {
	Width, Height int
	Pix           []uint8 // [Height, Width, 3]

	file *file // where a photo that Open has reduced came from; nil for others
}

// recycled is the memory of pixels that nobody needs any longer.
var recycled = sync.Pool{New: func() any { return new([]uint8) }}

// maxRecycled is the most bytes of one image that are kept.
const maxRecycled = 16 << 20

// Recycle gives the memory of an image back, for photos that are decoded later. Neither it nor Pix may be
// used afterwards. To call it is never necessary, but it saves a program that sees many photos the time of
// clearing new memory.
func (m *Image) Recycle() {
	if pix := m.Pix; cap(pix) > 0 && cap(pix) <= maxRecycled {
		recycled.Put(&pix)
	}
	m.Pix, m.file = nil, nil
}

// New returns a black image.
func New(width, height int) *Image {
	return &Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
}

// ColorModel implements image.Image.
func (m *Image) ColorModel() color.Model { return color.RGBAModel }

// Bounds implements image.Image.
func (m *Image) Bounds() image.Rectangle { return image.Rect(0, 0, m.Width, m.Height) }

// At implements image.Image.
func (m *Image) At(x, y int) color.Color {
	if !(image.Point{X: x, Y: y}).In(m.Bounds()) {
		return color.RGBA{}
	}
	i := 3 * (y*m.Width + x)
	return color.RGBA{m.Pix[i], m.Pix[i+1], m.Pix[i+2], 255}
}

// Frame is the box of the whole photo.
func (m *Image) Frame() Box {
	if m.file != nil {
		return Box{0, 0, m.file.width, m.file.height}
	}
	return Box{0, 0, m.Width, m.Height}
}
