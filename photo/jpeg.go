package photo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"

	fastjpeg "github.com/kleid-search/kleid/photo/jpeg"
)

var jpegFormat = format{name: "JPEG", header: jpegHeader, decode: jpegDecode, open: openJPEG, exif: jpegEXIF, profile: jpegProfile}

// maxJPEGScans is how many scans a small picture may have. Each scan of a progressive JPEG visits every block of the
// picture, however few bytes the scan has, so that a larger picture may have fewer: maxScanned pixels in all scans
// together, which take about as long as the largest ordinary file. usualScans, as cameras and encoders write, are never
// too many.
const maxJPEGScans, maxScanned, usualScans = 100, 1_200_000_000, 12

func jpegHeader(data []byte) (header, error) {
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, err
	}
	scans := 0
	for marker := range jpegSegments(data) {
		if marker == 0xda {
			scans++
		}
	}
	size := image.Pt(config.Width, config.Height)
	if most := min(maxJPEGScans, max(usualScans, maxScanned/max(area(size), 1))); int64(scans) > most {
		return header{}, fmt.Errorf("%d scans, and %d are read of a picture of its size", scans, most)
	}
	// Every block of 8 x 8 pixels takes one bit at least.
	if blocks := ((config.Width + 7) / 8) * ((config.Height + 7) / 8); blocks > 8*len(data) {
		return header{}, errTooShort("JPEG", config.Width, config.Height)
	}
	h := header{size: size}
	if h.memory, err = fastjpeg.Memory(data); err != nil {
		h.memory = patientMemory(data, h.size)
	}
	return h, nil
}

func jpegDecode(data []byte, limits Limits) (*Image, error) {
	if m := fastDecode(data, 1); m != nil {
		return m, nil
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	h := header{size: image.Pt(config.Width, config.Height)}
	h.memory = patientMemory(data, h.size)
	if err := limits.checkMemory("JPEG", h); err != nil {
		return nil, err
	}
	src, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return fromImage(src), nil
}

// patientMemory is what image/jpeg takes for a file that is left to it: planes, coefficients of 32 bits in progressive
// files, and what it makes of the planes where they are not luma and chroma.
func patientMemory(data []byte, size image.Point) int64 {
	for marker, p := range jpegSegments(data) {
		if marker < 0xc0 || marker > 0xc2 || len(p) < 6 {
			continue
		}
		each := int64(1)
		if marker == 0xc2 {
			each += 4
		}
		count := min(int(p[5]), (len(p)-6)/3)
		widest, highest, blocks := 1, 1, 0
		for i := range count {
			factors := p[6+3*i+1]
			h, v := int(factors>>4), int(factors&15)
			widest, highest, blocks = max(widest, h), max(highest, v), blocks+h*v
		}
		if count == 1 {
			widest, highest, blocks = 1, 1, 1
		}
		mcus := int64((size.X+8*widest-1)/(8*widest)) * int64((size.Y+8*highest-1)/(8*highest))
		return max(each*64*mcus*int64(blocks)+4*area(size), (4+3)*area(size))
	}
	return 0
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

// jpegProfile puts together the ICC profile that lies in segments of the kind APP2, each with its number and how many
// there are (ICC.1:2022, B.4). One that is not whole is none.
func jpegProfile(data []byte) []byte {
	const header = "ICC_PROFILE\x00"
	var parts [256][]byte
	count := 0
	for marker, payload := range jpegSegments(data) {
		if marker == 0xda {
			break
		}
		if marker == 0xe2 && len(payload) > len(header)+2 && string(payload[:len(header)]) == header {
			number, of := int(payload[len(header)]), int(payload[len(header)+1])
			if count == 0 {
				count = of
			}
			if number < 1 || number > count || of != count || parts[number] != nil {
				return nil
			}
			parts[number] = payload[len(header)+2:]
		}
	}
	var profile []byte
	for _, part := range parts[1 : count+1] {
		if part == nil {
			return nil
		}
		profile = append(profile, part...)
	}
	return profile
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
