package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

var pngFormat = format{name: "PNG", size: pngSize, decode: pngDecode, exif: pngEXIF}

// maxDeflateRatio is how many bytes one byte of deflate can stand for, at most (zlib's manual: 1032).
const maxDeflateRatio = 1032

func pngSize(data []byte) (image.Point, error) {
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return image.Point{}, err
	}
	// DecodeConfig has checked bit depth and colour type, which follow width and height in the header.
	depth, channels := int64(data[24]), int64(1)
	switch data[25] {
	case 2:
		channels = 3
	case 4:
		channels = 2
	case 6:
		channels = 4
	}
	rowBytes := (int64(config.Width)*depth*channels + 7) / 8
	if rowBytes*int64(config.Height) > int64(len(data))*maxDeflateRatio {
		return image.Point{}, errTooShort("PNG", config.Width, config.Height)
	}
	return image.Pt(config.Width, config.Height), nil
}

func pngDecode(data []byte) (*Image, error) {
	src, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return fromImage(src), nil
}

// pngEXIF returns the payload of the eXIf chunk (PNG, third edition, 11.3.2.8).
func pngEXIF(data []byte) []byte {
	for at := len(pngMagic); at+12 <= len(data); {
		length := int64(binary.BigEndian.Uint32(data[at:]))
		end := int64(at) + 8 + length
		if end+4 > int64(len(data)) {
			return nil
		}
		if string(data[at+4:at+8]) == "eXIf" {
			return data[at+8 : end]
		}
		at = int(end) + 4
	}
	return nil
}
