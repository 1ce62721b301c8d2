package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

var pngFormat = format{name: "PNG", header: pngHeader, decode: pngDecode, exif: pngEXIF}

// maxDeflateRatio is how many bytes one byte of deflate can stand for, at most (zlib's manual: 1032).
const maxDeflateRatio = 1032

func pngHeader(data []byte) (header, error) {
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, err
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
		return header{}, errTooShort("PNG", config.Width, config.Height)
	}
	h := header{size: image.Pt(config.Width, config.Height)}
	each := int64(4) // bytes a pixel in image/png, which gives grey with transparency four channels as well
	if data[25] == 3 {
		each = 1
	}
	h.memory = area(h.size) * each
	if depth == 16 {
		h.memory *= 2
	}
	if data[28] != 0 { // interlaced: a pass has up to half of the pixels
		h.memory += h.memory / 2
	}
	h.memory += 3 * area(h.size)
	return h, nil
}

func pngDecode(data []byte, _ Limits) (*Image, error) {
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
