package photo

import (
	"bytes"
	"image"

	"golang.org/x/image/bmp"
)

var bmpFormat = format{
	name: "BMP",
	size: func(data []byte) (image.Point, error) {
		config, err := bmp.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return image.Point{}, err
		}
		// What the decoder reads is not compressed: eight bits a pixel at least.
		if int64(config.Width)*int64(config.Height) > int64(len(data)) {
			return image.Point{}, errTooShort("BMP", config.Width, config.Height)
		}
		return image.Pt(config.Width, config.Height), nil
	},
	decode: func(data []byte) (*Image, error) {
		src, err := bmp.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return fromImage(src), nil
	},
}
