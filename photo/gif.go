package photo

import (
	"bytes"
	"image"
	"image/gif"
)

var gifFormat = format{
	name: "GIF",
	header: func(data []byte) (header, error) {
		config, err := gif.DecodeConfig(bytes.NewReader(data))
		size := image.Pt(config.Width, config.Height)
		// A byte for each pixel of the frame, twice if it is interlaced; its colours; and the canvas.
		return header{size: size, memory: (2 + 3 + 3) * area(size)}, err
	},
	decode: func(data []byte, _ Limits) (*Image, error) {
		config, err := gif.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		src, err := gif.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return onCanvas(fromImage(src), config.Width, config.Height, src.Bounds().Min), nil
	},
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
