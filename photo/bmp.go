package photo

import (
	"bytes"
	"image"

	"golang.org/x/image/bmp"
)

var bmpFormat = format{
	name: "BMP",
	header: func(data []byte) (header, error) {
		config, err := bmp.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return header{}, err
		}
		// What the decoder reads is not compressed: eight bits a pixel at least.
		if int64(config.Width)*int64(config.Height) > int64(len(data)) {
			return header{}, errTooShort("BMP", config.Width, config.Height)
		}
		size := image.Pt(config.Width, config.Height)
		return header{size: size, memory: (4 + 3) * area(size)}, nil
	},
	decode: func(data []byte, _ Limits) (*Image, error) {
		src, err := bmp.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return fromImage(src), nil
	},
}
