package photo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"

	fastjpeg "github.com/kleid-search/kleid/photo/jpeg"
)

var jpegFormat = format{name: "JPEG", size: jpegSize, decode: jpegDecode, open: openJPEG, exif: jpegEXIF}

// maxJPEGScans bounds the work a file can ask for: each scan of a progressive JPEG visits every block
// of the picture, however few bytes the scan has. Cameras and encoders write about ten.
const maxJPEGScans = 100

func jpegSize(data []byte) (image.Point, error) {
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return image.Point{}, err
	}
	scans := 0
	for marker := range jpegSegments(data) {
		if marker == 0xda {
			scans++
		}
	}
	if scans > maxJPEGScans {
		return image.Point{}, fmt.Errorf("%d scans", scans)
	}
	// Every block of 8 x 8 pixels takes one bit at least.
	if blocks := ((config.Width + 7) / 8) * ((config.Height + 7) / 8); blocks > 8*len(data) {
		return image.Point{}, errTooShort("JPEG", config.Width, config.Height)
	}
	return image.Pt(config.Width, config.Height), nil
}

func jpegDecode(data []byte) (*Image, error) {
	if m := fastDecode(data, 1); m != nil {
		return m, nil
	}
	src, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return fromImage(src), nil
}

// fastDecode decodes an ordinary file at 1/reduce of its size; nil for others.
func fastDecode(data []byte, reduce int) *Image {
	pix := recycled.Get().(*[]uint8)
	p, err := fastjpeg.DecodeInto(*pix, data, reduce)
	if err != nil {
		recycled.Put(pix)
		return nil
	}
	return &Image{Width: p.Width, Height: p.Height, Pix: p.Pix}
}

// jpegEXIF returns the TIFF block of the first EXIF segment (APP1, Exif 2.3 section 4.7.2).
func jpegEXIF(data []byte) []byte {
	const header = "Exif\x00\x00"
	for marker, payload := range jpegSegments(data) {
		if marker == 0xe1 && bytes.HasPrefix(payload, []byte(header)) {
			return payload[len(header):]
		}
		if marker == 0xda { // EXIF comes before the picture
			return nil
		}
	}
	return nil
}

// jpegSegments yields the marker and the payload of each segment (ITU T.81, B.1.1). It stops where the
// file ends or makes no sense.
func jpegSegments(data []byte) func(yield func(marker byte, payload []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		for at := 0; ; {
			i := bytes.IndexByte(data[at:], 0xff)
			if i < 0 || at+i+1 >= len(data) {
				return
			}
			at += i + 1
			marker := data[at]
			switch {
			case marker == 0xff: // fill byte: what follows may be the marker
				continue
			case marker == 0x00, marker == 0x01, marker >= 0xd0 && marker <= 0xd8: // no payload
				at++
				continue
			case marker == 0xd9: // end of image
				return
			}
			if at+3 > len(data) {
				return
			}
			length := int(binary.BigEndian.Uint16(data[at+1:]))
			if length < 2 || at+1+length > len(data) {
				return
			}
			if !yield(marker, data[at+3:at+1+length]) {
				return
			}
			at += 1 + length
		}
	}
}

// errTooShort refuses a file that cannot hold the pixels its header claims, before memory is taken.
func errTooShort(format string, width, height int) error {
	return newError(CodeTruncated, "the %s file is too short for the %d x %d pixels that its header claims: transfer it again", format, width, height)
}
