package photo

import (
	"bytes"
	"image"
	"image/jpeg"
)

// thumbnailQuality is where a face-sized detail of a thumbnail still looks clean.
const thumbnailQuality = 82

// Thumbnail returns the photo as a JPEG file whose longer side has at most longest pixels; a smaller
// photo keeps its size.
func Thumbnail(m *Image, longest int) ([]byte, error) {
	return EncodeJPEG(m.shrink(max(longest, 1)), thumbnailQuality)
}

// EncodeJPEG returns the photo as a JPEG file of a quality from 1 to 100.
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
