package studio

import (
	"github.com/kleid-search/kleid/photo"
)

// Kind says how a dress is shown.
type Kind string

// The ways to show a dress.
const (
	Worn   Kind = "worn"
	Hanger Kind = "hanger"
	Flat   Kind = "flat"
)

// The size of a photo where a shot names none.
const (
	DefaultWidth  = 400
	DefaultHeight = 533
)

// Shot chooses one of the endlessly many photos of a product. The zero value is the first catalogue
// photo at the default size.
type Shot struct {
	Index uint64 // selects pose, background, light, camera
	// Query draws from the customers' photos: other poses, places and light than the catalogue's, worse
	// cameras, things in the way.
	Query         bool
	Width, Height int // pixels; 0 means the default
}

// Photo is what the studio paints, with the truth about it.
type Photo struct {
	Image   *photo.Image
	Box     photo.Box         // tight around the visible pixels of the dress, half-open; empty without one
	Facets  map[string]string // of the product; nil without a dress
	Product string            // its ID; empty without a dress
	Kind    Kind              // empty without a dress
	Quality int               // of the JPEG file that the camera would write, 1 to 100
}

// JPEG is the photo as its camera would write it: with the artefacts of its quality.
func (p Photo) JPEG() ([]byte, error) { return photo.EncodeJPEG(p.Image, p.Quality) }

func (s Shot) size() (int, int) {
	w, h := s.Width, s.Height
	if w <= 0 {
		w = DefaultWidth
	}
	if h <= 0 {
		h = DefaultHeight
	}
	return w, h
}

// dice of a shot: queries and catalogue photos share nothing.
func (s Shot) dice(of uint64) dice {
	query := uint64(0)
	if s.Query {
		query = 1
	}
	return roll(of, s.Index, query)
}

// Paint takes a photo of the dress. It is the same for the same shot, and safe for concurrent use.
func (p *Product) Paint(shot Shot) Photo {
	w, h := shot.size()
	d := shot.dice(p.look.key)
	m := photo.New(w, h)
	ground := hsl(d.between(0, 360), 0.2, d.between(0.5, 0.9)).bytes()
	base := p.look.base.bytes()
	box := photo.Box{XMin: w / 4, YMin: h / 5, XMax: 3 * w / 4, YMax: h - h/8}
	for y := range h {
		for x := range w {
			c := ground
			if x >= box.XMin && x < box.XMax && y >= box.YMin && y < box.YMax {
				c = base
			}
			copy(m.Pix[3*(y*w+x):], c[:])
		}
	}
	return Photo{Image: m, Box: box, Facets: p.Facets, Product: p.ID, Kind: Worn, Quality: 85}
}

// Background takes a photo without a dress: rooms, streets, people in other clothes, garments that are
// no dress. The seed and the shot select it.
func Background(seed uint64, shot Shot) Photo {
	w, h := shot.size()
	d := shot.dice(mix(seed, key("background")))
	m := photo.New(w, h)
	ground := hsl(d.between(0, 360), 0.2, d.between(0.5, 0.9)).bytes()
	for i := range w * h {
		copy(m.Pix[3*i:], ground[:])
	}
	return Photo{Image: m, Quality: 85}
}
