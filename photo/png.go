package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/png"
	"io"
	"strings"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

var pngFormat = format{name: "PNG", header: pngHeader, decode: pngDecode, exif: pngEXIF, profile: pngProfile}

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
	end, whole := len(pngMagic), false
	for name, payload := range pngChunks(data) {
		end += 12 + len(payload)
		if whole = name == "IEND"; whole {
			break
		}
	}
	if !whole {
		return pngWithoutEnd(data[:end])
	}
	src, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return fromImage(src), nil
}

// pngWithoutEnd decodes a file that ends before its last chunk does, which may have nothing to do with the picture.
func pngWithoutEnd(data []byte) (*Image, error) {
	end := strings.NewReader("\x00\x00\x00\x00IEND\xae\x42\x60\x82")
	src, err := png.Decode(io.MultiReader(bytes.NewReader(data), end))
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return fromImage(src), nil
}

// pngEXIF returns the TIFF block of the eXIf chunk (PNG, third edition, 11.3.2.8). Some writers put JPEG's "Exif"
// header before it.
func pngEXIF(data []byte) []byte {
	for name, payload := range pngChunks(data) {
		if name == "eXIf" {
			return bytes.TrimPrefix(payload, []byte("Exif\x00\x00"))
		}
	}
	return nil
}

// maxProfile is the most bytes of a compressed ICC profile. Those of cameras and displays have some thousand.
const maxProfile = 1 << 20

// pngProfile returns the ICC profile of the iCCP chunk (PNG, third edition, 11.3.2.3): a name, a zero, the method and
// what zlib has compressed. A file that says that it is sRGB needs none.
func pngProfile(data []byte) []byte {
	var packed []byte
	for name, payload := range pngChunks(data) {
		switch name {
		case "sRGB":
			return nil
		case "iCCP":
			if at := bytes.IndexByte(payload, 0); at >= 0 && at+2 <= len(payload) {
				packed = payload[at+2:]
			}
		case "IDAT":
			return inflate(packed)
		}
	}
	return nil
}

// inflate returns nil for what is too large, or not what zlib has compressed.
func inflate(packed []byte) []byte {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	profile, err := io.ReadAll(io.LimitReader(r, maxProfile+1))
	if err != nil || len(profile) > maxProfile {
		return nil
	}
	return profile
}

// pngChunks yields the chunks that are whole, up to the end of the file or to where it makes no sense.
func pngChunks(data []byte) func(yield func(name string, payload []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for at := int64(len(pngMagic)); at+12 <= int64(len(data)); {
			end := at + 8 + int64(binary.BigEndian.Uint32(data[at:]))
			if end+4 > int64(len(data)) || !yield(string(data[at+4:at+8]), data[at+8:end]) {
				return
			}
			at = end + 4
		}
	}
}
