package report

import (
	"fmt"

	"github.com/kleid-search/kleid/photo"
)

// Figures are what was measured of a model that was made, for its report.
type Figures struct {
	Tables  []Table       `json:"tables,omitempty"`
	Located *LocatedGroup `json:"located,omitempty"`
}

// Table has a head for each column, of which the first names the row; the others are numbers.
type Table struct {
	Title   string     `json:"title"`
	Caption string     `json:"caption,omitempty"`
	Head    []string   `json:"head"`
	Rows    [][]string `json:"rows"`
}

// LocatedGroup are photos with where the dress is, and where it was found.
type LocatedGroup struct {
	Legend string         `json:"legend"` // which photos they are
	Photos []LocatedPhoto `json:"photos"`
}

// LocatedPhoto is a small copy of a photo; its boxes are in pixels of the copy, and nil where there is no dress, or none was
// found.
type LocatedPhoto struct {
	Name       string     `json:"name"`
	JPEG       []byte     `json:"jpeg"`
	Width      int        `json:"width"`
	Height     int        `json:"height"`
	True       *photo.Box `json:"true,omitempty"`
	Found      *photo.Box `json:"found,omitempty"`
	IoU        float64    `json:"iou"`
	Confidence float64    `json:"confidence"` // of Found
}

// The most pixels that a LocatedPhoto has. A report of two dozen stays below half a megabyte.
const locatedHeight, locatedWidth = 200, 260

// locatedQuality of their JPEG files.
const locatedQuality = 75

// NewLocatedPhoto makes a photo small; the boxes are in its pixels, and nil for none.
func NewLocatedPhoto(name string, image *photo.Image, truth, found *photo.Box, confidence float64) (LocatedPhoto, error) {
	small, placement := photo.Shrink(image, image.Frame(), locatedWidth, locatedHeight)
	data, err := photo.EncodeJPEG(small, locatedQuality)
	p := LocatedPhoto{Name: name, JPEG: data, Width: small.Width, Height: small.Height, Confidence: confidence}
	if truth != nil {
		p.True = new(placement.BoxFromPhoto(*truth))
	}
	if found != nil {
		p.Found = new(placement.BoxFromPhoto(*found))
	}
	if truth != nil && found != nil {
		p.IoU = truth.IoU(*found)
	}
	return p, err
}

// Kind is what is wrong with what was found, in a word.
func (p LocatedPhoto) Kind() string {
	switch {
	case p.True != nil && p.Found == nil:
		return "missed"
	case p.True == nil && p.Found != nil:
		return "false"
	}
	return ""
}

// Caption says how well the dress was found.
func (p LocatedPhoto) Caption() string {
	switch {
	case p.True == nil && p.Found == nil:
		return "no dress, none found"
	case p.True == nil:
		return fmt.Sprintf("no dress, confidence %.2f", p.Confidence)
	case p.Found == nil:
		return "a dress, none found"
	}
	return fmt.Sprintf("IoU %.2f, confidence %.2f", p.IoU, p.Confidence)
}
