package photo

import "image"

// An animation's canvas costs three bytes a pixel, which nothing in the file need be there for. Up to smallCanvas it
// does not matter; a larger one is worth its memory if the first frame shows a part of it.
const (
	smallCanvas = 1 << 22
	emptyCanvas = 16 // times as large as the frame
)

// canvasOf is the size of the picture that an animation begins with, and where on it the first frame lies: its canvas,
// or the frame alone where a large canvas would be nearly empty.
func canvasOf(canvas image.Point, frame image.Rectangle) (size, at image.Point) {
	if area(canvas) > smallCanvas && area(canvas) > emptyCanvas*area(frame.Size()) {
		return frame.Size(), image.Point{}
	}
	return canvas, frame.Min
}

// onCanvas lays a frame of an animation at a place of its white canvas. A frame that fills the canvas
// is returned as it is.
func onCanvas(frame *Image, width, height int, at image.Point) *Image {
	if frame.Width == width && frame.Height == height && at == (image.Point{}) {
		return frame
	}
	canvas := New(width, height)
	for i := range canvas.Pix {
		canvas.Pix[i] = 255
	}
	shared := frame.Frame().Intersect(Box{-at.X, -at.Y, width - at.X, height - at.Y})
	if shared.Empty() {
		return canvas
	}
	for y := shared.YMin; y < shared.YMax; y++ {
		from := 3 * (y*frame.Width + shared.XMin)
		to := 3 * ((y+at.Y)*width + shared.XMin + at.X)
		copy(canvas.Pix[to:to+3*shared.Width()], frame.Pix[from:])
	}
	return canvas
}
