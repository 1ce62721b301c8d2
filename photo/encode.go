package photo

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	fastjpeg "github.com/kleid-search/kleid/photo/jpeg"
)

// thumbnailQuality is where a face-sized detail of a thumbnail still looks clean.
const thumbnailQuality = 82

// Thumbnail returns the photo as a JPEG file whose longer side has at most longest pixels; a smaller
// photo keeps its size.
func Thumbnail(m *Image, longest int) ([]byte, error) {
	small := m.shrink(max(longest, 1))
	if small.Width > maxJPEGSide || small.Height > maxJPEGSide || small.Width < 1 || small.Height < 1 {
		return nil, fmt.Errorf("no JPEG file holds %d x %d pixels", small.Width, small.Height)
	}
	return fastjpeg.Encode(small.Width, small.Height, small.Pix, thumbnailQuality), nil
}

// maxJPEGSide is the most that 16 bits of a header hold.
const maxJPEGSide = 1<<16 - 1

// EncodeJPEG returns the photo as a JPEG file of a quality from 1 to 100, with the encoder of Go's library:
// painted data sets are named after these bytes.
func EncodeJPEG(m *Image, quality int) ([]byte, error) {
	// The encoder of the standard library is fast with this type, and calls At for each pixel otherwise.
	src := image.NewRGBA(m.Bounds())
	for i, j := 0, 0; i+2 < len(m.Pix) && j+3 < len(src.Pix); i, j = i+3, j+4 {
		src.Pix[j], src.Pix[j+1], src.Pix[j+2], src.Pix[j+3] = m.Pix[i], m.Pix[i+1], m.Pix[i+2], 255
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, src, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
