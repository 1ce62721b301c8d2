package studio

import (
	"math"

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
	defaultWidth  = 400
	defaultHeight = 533
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
		w = defaultWidth
	}
	if h <= 0 {
		h = defaultHeight
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
	c := newCanvas(w, h)
	c.dress = make([]uint8, w*h)
	kind := shot.kind(d)
	l := drawLight(d, shot.Query)
	switch kind {
	case Worn:
		p.paintWorn(c, d, l, shot.Query)
	case Hanger:
		p.paintHung(c, d, l, shot.Query)
	default:
		p.paintFlat(c, d, l, shot.Query)
	}
	e := drawExposure(d, shot.Query)
	e.develop(c, d)
	return Photo{Image: c.image(), Box: c.dressBox(), Facets: p.Facets, Product: p.ID, Kind: kind, Quality: e.quality}
}

// kind of the shot: the first catalogue photo shows the dress worn, as shops do.
func (s Shot) kind(d dice) Kind {
	switch roll := d.Float64(); {
	case !s.Query && s.Index == 0:
		return Worn
	case roll < 0.58:
		return Worn
	case roll < 0.79:
		return Hanger
	}
	return Flat
}

func (p *Product) paintWorn(c *canvas, d dice, l light, query bool) {
	f := drawFigure(d, query)
	hem := sew(p, 1).hem
	top, bottom := d.between(-9, -4), math.Max(hem+d.between(14, 34), 138)
	if !query && d.chance(0.3) { // the shop crops the head
		top = d.between(6, 15)
	}
	if query {
		top, bottom = d.between(-22, 2), hem+d.between(4, 60)
	}
	lens := aim(c.w, c.h, top, math.Min(bottom, 190), d, query)
	wide := sew(p, 1).body.at(hem) // what would not fit is taken from further away
	lens.scale = math.Min(lens.scale, 0.94*lens.w/(2*math.Max(wide, 30)))
	view := warp(func(q point) point { return lens.project(f.bend(q)) })

	behind := pick(d, plain, plain, plain, room, street)
	if query {
		behind = pick(d, room, room, street, street, nature, plain)
	}
	floor := clamp(lens.project(point{0, soleY - 12}).y/float64(c.h), 0.45, 0.97)
	paintSurroundings(c, behind, d, floor)
	c.paint(rgb{20, 18, 18}, 0.2, view.all(oval(point{3, soleY}, 24, 3, 0, 20)))

	r := makeUp(p, l, d, f.arms, lens.scale, 1)
	f.paintBehind(c, view, l)
	r.paintBody(c, view)
	for side := range 2 {
		if !f.handBehind[side] {
			f.paintArm(c, view, l, side, 27)
		}
	}
	r.paintSleeves(c, view)
	f.paintHead(c, view, l)
	r.paintAtNeck(c, view)
	if query && d.chance(0.4) {
		paintObstacles(c, view, l, d, Worn, f.arms[d.IntN(2)][len(f.arms[0])-1], lens.scale)
	}
}

// laidArms is where sleeves lie without arms in them.
func laidArms(d dice) [2][]point {
	var arms [2][]point
	out, down := d.between(0.15, 0.75), d.between(-0.1, 0.25)
	for side := range 2 {
		s := float64(2*side - 1)
		a := point{s * (shoulderX - 1), shoulderY - 0.2}
		b := a.add(point{s * math.Sin(out) * 29, math.Cos(out) * 29})
		e := b.add(point{s * math.Sin(out-down) * 29, math.Cos(out-down) * 29})
		arms[side] = smooth(6, a, a.to(b, 0.5), b, e)
	}
	return arms
}

func (p *Product) paintHung(c *canvas, d dice, l light, query bool) {
	hem := sew(p, 1).hem
	top, bottom := d.between(2, 14), hem+d.between(5, 14)
	if query {
		top, bottom = d.between(-14, 12), hem+d.between(2, 35)
	}
	lens := aim(c.w, c.h, top, bottom, d, query)
	lens.scale = math.Min(lens.scale, 0.94*lens.w/(2*math.Max(sew(p, 1.05).body.at(hem), 30)))
	paintSurroundings(c, pick(d, wall, wall, plain), d, 1.1)
	lean := d.about(0, 0.03)
	view := warp(func(q point) point { return lens.project(point{q.x + lean*(q.y-20), q.y}) })
	arms := laidArms(d)
	for side := range arms { // sleeves hang
		for i := range arms[side] {
			arms[side][i].x = arms[side][i].x*0.55 + float64(2*side-1)*shoulderX*0.5
		}
	}
	r := makeUp(p, l, d, arms, lens.scale, 1.04)
	r.paintShadow(c, view, point{2.5, 2})
	r.paintBack(c, view)
	wood := pick(d, hex(0x9a6a3f), hex(0xd6b88c), hex(0x2a2828), hex(0xe6e6e6))
	hook := smooth(5, point{0, 27}, point{0, 20}, point{3.2, 16.5}, point{0.4, 13.2}, point{-3, 15})
	c.stroke(view.all(hook), math.Max(0.9*lens.scale, 1.2), hex(0xb9bcc2), 1, false)
	c.stroke(view.all(smooth(6, point{-17, 33.5}, point{-8, 28.6}, point{0, 26.4}, point{8, 28.6}, point{17, 33.5})), 1.9*lens.scale, wood, 1, false)
	if r.bare() && r.cut.neckline != "straight" {
		for _, s := range []float64{-1, 1} { // loops hold it
			r.line(c, view, []point{{s * 12.5, 42.5}, {s * 12, 31.5}}, 0.5, p.look.base.times(0.8), 1)
		}
	}
	r.paintBody(c, view)
	r.paintSleeves(c, view)
	r.paintAtNeck(c, view)
	if query && d.chance(0.4) {
		paintObstacles(c, view, l, d, Hanger, point{}, lens.scale)
	}
}

func (p *Product) paintFlat(c *canvas, d dice, l light, query bool) {
	hem := sew(p, 1).hem
	top, bottom := d.between(12, 20), hem+d.between(5, 12)
	if query {
		top, bottom = d.between(-6, 18), hem+d.between(4, 28)
	}
	lens := aim(c.w, c.h, top, bottom, d, query)
	lens.scale = math.Min(lens.scale, 0.94*lens.w/(2*math.Max(sew(p, 1.08).body.at(hem), 33)))
	lens.roll = d.about(0, 0.04)
	if query {
		lens.roll = d.about(0, 0.2)
		lens.scale *= 0.94
	}
	behind := pick(d, ground, ground, plain)
	if query {
		behind = ground
	}
	paintSurroundings(c, behind, d, 1.1)
	wave := d.about(0, 1.2)
	view := warp(func(q point) point { return lens.project(point{q.x + wave*math.Sin(q.y/24), q.y}) })
	r := makeUp(p, l, d, laidArms(d), lens.scale, 1.07)
	r.paintShadow(c, view, point{1.2, 1.6})
	r.paintBack(c, view)
	r.paintBody(c, view)
	r.paintSleeves(c, view)
	r.paintAtNeck(c, view)
	if query && d.chance(0.4) {
		paintObstacles(c, view, l, d, Flat, point{}, lens.scale)
	}
}

// paintShadow darkens what the dress lies or hangs before.
func (r *dress) paintShadow(c *canvas, view warp, offset point) {
	outline := r.cut.outline()
	for i := range 3 {
		c.paint(rgb{15, 14, 16}, 0.09, view.all(shifted(outline, offset.x*(0.4+0.5*float64(i)), offset.y*(0.4+0.5*float64(i)))))
	}
}

// Background takes a photo without a dress: rooms, streets, people in other clothes, garments that are
// no dress. The seed and the shot select it.
func Background(seed uint64, shot Shot) Photo {
	w, h := shot.size()
	d := shot.dice(mix(seed, key("background")))
	c := newCanvas(w, h)
	l := drawLight(d, shot.Query)
	switch pick(d, "empty", "person", "person", "person", "laid", "laid") {
	case "empty":
		paintSurroundings(c, pick(d, room, street, nature, ground, wall, plain), d, d.between(0.5, 0.85))
	case "person":
		f := drawFigure(d, shot.Query)
		lens := aim(w, h, d.between(-15, 5), d.between(120, 190), d, shot.Query)
		view := warp(func(q point) point { return lens.project(f.bend(q)) })
		paintSurroundings(c, pick(d, room, street, nature, plain), d, clamp(lens.project(point{0, soleY - 12}).y/float64(h), 0.45, 0.97))
		f.paintBehind(c, view, l)
		paintOutfit(c, view, l, d, &f, lens.scale)
		f.paintHead(c, view, l)
	default:
		lens := aim(w, h, d.between(5, 20), d.between(100, 180), d, shot.Query)
		lens.roll *= 2
		paintSurroundings(c, pick(d, ground, ground, wall, plain), d, 1.1)
		paintLaidOut(c, lens.project, l, d, lens.scale)
	}
	e := drawExposure(d, shot.Query)
	e.develop(c, d)
	return Photo{Image: c.image(), Quality: e.quality}
}

func (c *canvas) image() *photo.Image { return &photo.Image{Width: c.w, Height: c.h, Pix: c.pix} }

// dressBox is tight around the pixels that are the dress by half or more.
func (c *canvas) dressBox() photo.Box {
	b := photo.Box{XMin: c.w, YMin: c.h}
	for y := range c.h {
		row := c.dress[y*c.w : (y+1)*c.w]
		for x, v := range row {
			if v >= 128 {
				b.XMin, b.XMax = min(b.XMin, x), max(b.XMax, x+1)
				b.YMin, b.YMax = min(b.YMin, y), max(b.YMax, y+1)
			}
		}
	}
	if b.Empty() {
		return photo.Box{}
	}
	return b
}
