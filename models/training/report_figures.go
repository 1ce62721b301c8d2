package training

import (
	"context"
	"fmt"

	"github.com/kleid-search/kleid/models"
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
	small, placement := shrunk(image, image.Frame(), locatedWidth, locatedHeight)
	data, err := photo.EncodeJPEG(small, locatedQuality)
	p := LocatedPhoto{Name: name, JPEG: data, Width: small.Width, Height: small.Height, Confidence: confidence}
	if truth != nil {
		p.True = new(mapBox(*truth, placement))
	}
	if found != nil {
		p.Found = new(mapBox(*found, placement))
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

// measure measures the model that was made, as far as Options.Measure does, for the report.
func (m *maker) measure(ctx context.Context, model *models.Model) error {
	if m.Options.Measure == nil {
		return nil
	}
	figures, err := m.Options.Measure(ctx, model)
	m.report.Figures = figures
	if err != nil {
		return measuringFailed(err)
	}
	if m.report.State == stageDone { // nothing was trained again, and so nothing else writes it
		m.writeReport()
	}
	return nil
}

// measuringFailed is an error of what comes after the training.
func measuringFailed(err error) error {
	return fmt.Errorf("the model is made, and measuring it failed: %w", err)
}
