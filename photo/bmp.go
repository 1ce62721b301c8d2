package photo

import (
	"bytes"
	"encoding/binary"
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
		size := image.Pt(config.Width, config.Height)
		// What the decoder reads is not compressed, and rows are padded to four bytes. DecodeConfig has checked the bits
		// of a pixel, which may be fewer than eight.
		bits := int64(binary.LittleEndian.Uint16(data[28:]))
		row := (int64(size.X)*bits + 31) / 32 * 4
		if size.Y > 0 && row > int64(len(data))/int64(size.Y) {
			return header{}, errTooShort("BMP", size.X, size.Y)
		}
		each := int64(4)
		if bits <= 8 {
			each = 1 // an index into the palette
		}
		return header{size: size, memory: (each + 3) * area(size)}, nil
	},
	decode: func(data []byte, _ Limits) (*Image, error) {
		src, err := bmp.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return fromImage(src), nil
	},
}
