package studio

import "math"

// surroundings are what is behind a dress.
type surroundings string

const (
	plain  surroundings = "plain"
	room   surroundings = "room"
	street surroundings = "street"
	nature surroundings = "nature"
	ground surroundings = "ground" // seen from above: floors and beds, for dresses laid flat
	wall   surroundings = "wall"   // a wall, a door or a wardrobe, for dresses on hangers
)

// paintSurroundings fills a canvas. Places out of focus are painted small and stretched.
func paintSurroundings(c *canvas, kind surroundings, d dice, horizon float64) {
	blur := 1
	switch kind {
	case street, nature:
		blur = pick(d, 2, 3, 4)
	case room:
		blur = pick(d, 1, 2, 2)
	}
	small := c
	if blur > 1 {
		small = newCanvas((c.w+blur-1)/blur, (c.h+blur-1)/blur)
	}
	s := &scenery{c: small, d: d, w: float64(small.w), h: float64(small.h), horizon: horizon * float64(small.h)}
	switch kind {
	case plain:
		s.plain()
	case room:
		s.room()
	case street:
		s.street()
	case nature:
		s.nature()
	case ground:
		s.ground()
	case wall:
		s.wall()
	}
	if blur > 1 {
		stretch(c, small, blur)
	}
}

// stretch enlarges small over c, linearly.
func stretch(c, small *canvas, factor int) {
	inverse := 1 / float32(factor)
	for y := range c.h {
		fy := max((float32(y)+0.5)*inverse-0.5, 0)
		y0 := int(fy)
		ay := fy - float32(y0)
		y1 := min(y0+1, small.h-1)
		for x := range c.w {
			fx := max((float32(x)+0.5)*inverse-0.5, 0)
			x0 := int(fx)
			ax := fx - float32(x0)
			x1 := min(x0+1, small.w-1)
			a, b := small.pix[3*(y0*small.w+x0):], small.pix[3*(y0*small.w+x1):]
			e, f := small.pix[3*(y1*small.w+x0):], small.pix[3*(y1*small.w+x1):]
			out := c.pix[3*(y*c.w+x) : 3*(y*c.w+x)+3]
			for i := range out {
				top := float32(a[i]) + (float32(b[i])-float32(a[i]))*ax
				bottom := float32(e[i]) + (float32(f[i])-float32(e[i]))*ax
				out[i] = uint8(top + (bottom-top)*ay + 0.5)
			}
		}
	}
}

// scenery paints in pixels of its canvas; horizon is where floor and wall meet.
type scenery struct {
	c       *canvas
	d       dice
	w, h    float64
	horizon float64
}

func (s *scenery) rect(x0, y0, x1, y1 float64, colour rgb, opacity float32) {
	s.c.paint(colour, opacity, []point{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}})
}

// gradient fills rows from y0 to y1.
func (s *scenery) gradient(y0, y1 float64, top, bottom rgb) {
	a, b := max(int(y0), 0), min(int(math.Ceil(y1)), s.c.h)
	for y := a; y < b; y++ {
		c := top.mix(bottom, float32((float64(y)-y0)/math.Max(y1-y0, 1))).bytes()
		row := s.c.pix[3*y*s.c.w : 3*(y+1)*s.c.w]
		for x := 0; x < len(row); x += 3 {
			row[x], row[x+1], row[x+2] = c[0], c[1], c[2]
		}
	}
}

// plain is a photographer's backdrop.
func (s *scenery) plain() {
	d := s.d
	c := pick(d, hex(0xf5f4f2), hex(0xffffff), hex(0xe9e7e4), hex(0xdcdcdf), hex(0xf1ece4), hex(0xd5d0c8), hsl(d.between(0, 360), d.between(0.08, 0.25), d.between(0.7, 0.88)))
	s.gradient(0, s.h, c.times(float32(d.between(0.94, 1.02))), c.times(float32(d.between(0.9, 1))))
	if d.chance(0.6) {
		s.gradient(s.horizon, s.h, c.times(0.93), c.times(1.01))
	}
}

func (s *scenery) room() {
	d := s.d
	paintColour := pick(d, hex(0xece6dc), hex(0xdfe3e4), hex(0xf2efe9), hex(0xcfd8d3), hex(0xd9c9b8), hex(0xc9cfdc), hsl(d.between(0, 360), d.between(0.1, 0.35), d.between(0.45, 0.85)))
	s.gradient(0, s.horizon, paintColour, paintColour.times(0.9))
	s.boards(s.horizon, s.h, pick(d, hex(0x9b7350), hex(0xb98f63), hex(0x7a5638), hex(0xc8b79d), hex(0x8f8c88), hex(0x5c4736)))
	s.rect(0, s.horizon-s.h*0.018, s.w, s.horizon, hex(0xf3f0ea), 0.95)
	for range 2 + d.IntN(3) {
		x, wide := d.between(-0.1, 0.95)*s.w, d.between(0.15, 0.34)*s.w
		switch pick(d, "window", "picture", "wardrobe", "plant", "sofa", "lamp", "door", "shelf") {
		case "window":
			top, high := d.between(0.04, 0.15)*s.h, d.between(0.3, 0.45)*s.h
			s.rect(x, top, x+wide, top+high, hex(0xf4f3ef), 1)
			s.rect(x+wide*0.07, top+high*0.05, x+wide*0.47, top+high*0.95, hex(0xd9e9f3), 1)
			s.rect(x+wide*0.53, top+high*0.05, x+wide*0.93, top+high*0.95, hex(0xe6f0f5), 1)
			if d.chance(0.5) {
				curtain := hsl(d.between(0, 360), 0.25, d.between(0.5, 0.85))
				s.rect(x-wide*0.2, top-6, x+wide*0.1, top+high*1.25, curtain, 0.95)
				s.rect(x+wide*0.9, top-6, x+wide*1.2, top+high*1.25, curtain.times(0.94), 0.95)
			}
		case "picture":
			top, high := d.between(0.06, 0.3)*s.h, d.between(0.12, 0.24)*s.h
			s.rect(x, top, x+wide*0.8, top+high, pick(d, hex(0x2a2522), hex(0xf6f4f0), hex(0x9c7a4e)), 1)
			s.rect(x+wide*0.06, top+high*0.08, x+wide*0.74, top+high*0.92, hsl(d.between(0, 360), 0.4, d.between(0.35, 0.8)), 1)
			s.c.paint(hsl(d.between(0, 360), 0.5, 0.5), 0.8, oval(point{x + wide*0.4, top + high*0.55}, wide*0.2, high*0.25, 0, 14))
		case "wardrobe":
			wood := pick(d, hex(0xe9e4da), hex(0x8c6a48), hex(0xc2a77f), hex(0x4d3b2f), hex(0x6f7d86))
			s.rect(x, s.h*0.12, x+wide*1.5, s.horizon+s.h*0.03, wood, 1)
			s.rect(x+wide*0.745, s.h*0.13, x+wide*0.755, s.horizon+s.h*0.02, wood.times(0.6), 1)
			s.rect(x+wide*0.69, s.h*0.42, x+wide*0.72, s.h*0.5, hex(0xcdb98a), 1)
		case "door":
			wood := pick(d, hex(0xf1eee8), hex(0xa67d55), hex(0xdad5cb))
			s.rect(x, s.h*0.08, x+wide*1.2, s.horizon, wood.times(0.88), 1)
			for _, v := range []float64{0.13, 0.48} {
				s.rect(x+wide*0.15, s.h*v, x+wide*1.05, s.h*v+(s.horizon-s.h*0.12)*0.38, wood, 1)
			}
		case "plant":
			s.rect(x, s.horizon-s.h*0.1, x+wide*0.4, s.horizon+s.h*0.03, pick(d, hex(0xb5623f), hex(0xefeae2), hex(0x4f5a5e)), 1)
			for range 14 {
				a := d.between(-2.7, -0.4)
				tip := point{x + wide*0.2, s.horizon - s.h*0.1}.add(point{math.Cos(a), math.Sin(a)}.times(s.h * d.between(0.1, 0.26)))
				s.c.paint(hsl(d.between(90, 145), 0.4, d.between(0.22, 0.42)), 0.95, oval(point{x + wide*0.2, s.horizon - s.h*0.1}.to(tip, 0.6), s.h*0.09, s.h*0.016, a, 10))
			}
		case "sofa":
			fabric := hsl(d.between(0, 360), d.between(0.1, 0.4), d.between(0.25, 0.65))
			s.rect(x, s.horizon-s.h*0.17, x+wide*2, s.horizon-s.h*0.05, fabric, 1)
			s.rect(x-wide*0.1, s.horizon-s.h*0.08, x+wide*2.1, s.horizon+s.h*0.05, fabric.times(0.85), 1)
		case "lamp":
			s.rect(x+wide*0.2, s.h*0.25, x+wide*0.24, s.horizon+s.h*0.03, hex(0x35302c), 1)
			s.c.paint(hex(0xf7e6bd), 1, []point{{x + wide*0.08, s.h * 0.14}, {x + wide*0.36, s.h * 0.14}, {x + wide*0.46, s.h * 0.27}, {x - wide*0.02, s.h * 0.27}})
		case "shelf":
			y := d.between(0.1, 0.4) * s.h
			s.rect(x, y, x+wide*1.3, y+s.h*0.015, hex(0x8d6f4f), 1)
			for b := x; b < x+wide*1.2; b += wide * 0.09 {
				high := s.h * d.between(0.05, 0.085)
				s.rect(b, y-high, b+wide*0.075, y, hsl(d.between(0, 360), d.between(0.1, 0.6), d.between(0.25, 0.8)), 1)
			}
		}
	}
}

// boards is a floor of planks in perspective.
func (s *scenery) boards(y0, y1 float64, wood rgb) {
	s.gradient(y0, y1, wood.times(0.92), wood.times(1.06))
	vanish := point{s.w / 2, y0 - (y1-y0)*1.4}
	for i := -14; i <= 14; i++ {
		at := point{s.w/2 + float64(i)*s.w*0.14, y1}
		up := vanish.to(at, (y0-vanish.y)/(y1-vanish.y))
		s.c.stroke([]point{up, at}, math.Max(s.w/300, 0.8), wood.times(0.7), 0.5, false)
	}
}

func (s *scenery) street() {
	d := s.d
	s.gradient(0, s.horizon, hex(0xcfe0ee).mix(hex(0xf1ead9), float32(d.Float64())), hex(0xe9edf0))
	for x := -0.1 * s.w; x < s.w; {
		wide := d.between(0.2, 0.5) * s.w
		top := d.between(-0.2, 0.25) * s.h
		stone := pick(d, hex(0xb9a58c), hex(0xa85f48), hex(0xd8cdb9), hex(0x8f959b), hex(0xc7b3a2), hex(0x6d7278), hsl(d.between(0, 360), d.between(0.1, 0.35), d.between(0.4, 0.75)))
		s.rect(x, top, x+wide, s.horizon, stone, 1)
		pane := pick(d, hex(0x4a5866), hex(0x2e3742), hex(0x93a7b5))
		step, high := wide/float64(2+d.IntN(3)), d.between(0.1, 0.17)*s.h
		for y := top + high*0.3; y < s.horizon-high*1.8; y += high * 1.5 {
			for wx := x + step*0.2; wx < x+wide-step*0.4; wx += step {
				s.rect(wx-2, y-2, wx+step*0.55+2, y+high+2, stone.times(1.12), 1)
				s.rect(wx, y, wx+step*0.55, y+high, pane, 1)
			}
		}
		if d.chance(0.6) { // a shop
			awning := hsl(d.between(0, 360), d.between(0.3, 0.7), d.between(0.25, 0.55))
			s.rect(x+wide*0.08, s.horizon-s.h*0.24, x+wide*0.92, s.horizon-s.h*0.02, hex(0x39424a).mix(hex(0xf0e0b8), float32(d.between(0, 0.6))), 1)
			s.rect(x+wide*0.04, s.horizon-s.h*0.28, x+wide*0.96, s.horizon-s.h*0.22, awning, 1)
		}
		x += wide
	}
	pavement := pick(d, hex(0xa9a6a0), hex(0x8b8985), hex(0xbdb5a8), hex(0x6e6d6c))
	s.gradient(s.horizon, s.h, pavement.times(0.9), pavement.times(1.05))
	for i := range 5 {
		y := s.horizon + (s.h-s.horizon)*math.Pow(float64(i+1)/6, 1.6)
		s.c.stroke([]point{{0, y}, {s.w, y}}, 1, pavement.times(0.72), 0.5, false)
	}
	for range d.IntN(4) { // passers-by, trees and cars
		x := d.between(0, 1) * s.w
		switch pick(d, "person", "tree", "car") {
		case "person":
			tall := d.between(0.2, 0.42) * s.h
			foot := s.horizon + d.between(0, 0.06)*s.h
			top := hsl(d.between(0, 360), d.between(0.1, 0.5), d.between(0.15, 0.6))
			s.c.paint(hex(0x30343c).mix(hex(0x4f6280), float32(d.Float64())), 1, []point{{x - tall*0.08, foot - tall*0.5}, {x + tall*0.08, foot - tall*0.5}, {x + tall*0.07, foot}, {x - tall*0.07, foot}})
			s.c.paint(top, 1, oval(point{x, foot - tall*0.65}, tall*0.12, tall*0.22, 0, 14))
			s.c.paint(skins[d.IntN(len(skins))], 1, oval(point{x, foot - tall*0.93}, tall*0.055, tall*0.075, 0, 12))
		case "tree":
			s.rect(x-s.w*0.012, s.horizon-s.h*0.4, x+s.w*0.012, s.horizon, hex(0x53402f), 1)
			for range 9 {
				s.c.paint(hsl(d.between(80, 130), 0.35, d.between(0.25, 0.45)), 0.85, oval(point{x + d.about(0, 0.08)*s.w, s.horizon - s.h*d.between(0.35, 0.65)}, s.w*0.1, s.w*0.085, 0, 18))
			}
		case "car":
			paintwork := hsl(d.between(0, 360), d.between(0, 0.6), d.between(0.2, 0.7))
			y, long := s.horizon+s.h*0.02, s.w*d.between(0.35, 0.55)
			s.c.paint(paintwork, 1, smooth(4, point{x, y}, point{x, y - s.h*0.06}, point{x + long*0.2, y - s.h*0.07}, point{x + long*0.35, y - s.h*0.125}, point{x + long*0.7, y - s.h*0.125}, point{x + long*0.85, y - s.h*0.07}, point{x + long, y - s.h*0.055}, point{x + long, y}))
			for _, f := range []float64{0.22, 0.78} {
				s.c.paint(hex(0x1d1d20), 1, oval(point{x + long*f, y}, long*0.085, long*0.085, 0, 14))
			}
		}
	}
}

func (s *scenery) nature() {
	d := s.d
	if d.chance(0.45) { // a beach
		s.gradient(0, s.horizon*0.75, hex(0x8fc4ec), hex(0xd5ebf5))
		s.gradient(s.horizon*0.75, s.horizon, hex(0x3f93b5), hex(0x78bcc9))
		sand := hex(0xe6d3ac).mix(hex(0xd2b98d), float32(d.Float64()))
		s.gradient(s.horizon, s.h, sand.times(1.03), sand.times(0.92))
		for range 40 {
			s.c.paint(sand.times(0.82), 0.35, oval(point{d.Float64() * s.w, lerp(s.horizon, s.h, d.Float64())}, s.w*0.02, s.w*0.006, 0, 8))
		}
		return
	}
	s.gradient(0, s.horizon, hex(0xc3dcec), hex(0xe8efe6))
	for i := range 60 {
		y := s.horizon * (0.25 + 0.75*float64(i)/60)
		s.c.paint(hsl(d.between(75, 140), d.between(0.25, 0.45), d.between(0.2, 0.46)), 0.8, oval(point{d.Float64() * s.w, y - s.h*0.03}, s.w*d.between(0.05, 0.14), s.w*d.between(0.04, 0.1), 0, 18))
	}
	grass := hsl(d.between(75, 115), 0.38, d.between(0.33, 0.48))
	s.gradient(s.horizon, s.h, grass.times(0.88), grass.times(1.08))
	for range 120 {
		x, y := d.Float64()*s.w, lerp(s.horizon, s.h, d.Float64())
		s.c.stroke([]point{{x, y}, {x + d.about(0, 2), y - s.h*0.02}}, 1.2, grass.times(float32(d.between(0.7, 1.3))), 0.6, false)
	}
}

// ground is a floor, a bed or a table seen from above.
func (s *scenery) ground() {
	d := s.d
	switch pick(d, "planks", "planks", "sheet", "sheet", "carpet", "concrete", "tiles", "white") {
	case "white":
		c := pick(d, hex(0xf7f6f4), hex(0xefece6), hex(0xe3e3e6))
		s.gradient(0, s.h, c, c.times(0.96))
	case "planks":
		wood := pick(d, hex(0xb88c5f), hex(0x8d6743), hex(0xd0b48c), hex(0x6b4a31), hex(0xa59a8c))
		s.gradient(0, s.h, wood, wood.times(0.94))
		wide := s.w * d.between(0.1, 0.22)
		tilt := d.about(0, 0.15) * s.w
		for x := -wide; x < s.w+wide; x += wide {
			s.c.paint(wood.times(float32(d.between(0.88, 1.1))), 0.7, []point{{x, 0}, {x + wide, 0}, {x + wide + tilt, s.h}, {x + tilt, s.h}})
			s.c.stroke([]point{{x, 0}, {x + tilt, s.h}}, 1.4, wood.times(0.55), 0.8, false)
			for range 3 {
				g := x + wide*d.between(0.15, 0.85)
				s.c.stroke([]point{{g, d.Float64() * s.h}, {g + tilt*0.3, d.Float64() * s.h}}, 1, wood.times(0.8), 0.4, false)
			}
		}
	case "sheet":
		linen := pick(d, hex(0xf0eeea), hex(0xdfe4ea), hex(0xe8ded2), hex(0xd0d6cf), hsl(d.between(0, 360), d.between(0.1, 0.35), d.between(0.55, 0.88)))
		s.gradient(0, s.h, linen, linen.times(0.93))
		stripes := d.chance(0.25)
		if stripes {
			other := linen.times(0.8)
			for x := 0.0; x < s.w; x += s.w / 9 {
				s.rect(x, 0, x+s.w/18, s.h, other, 0.6)
			}
		}
		for range 9 { // creases
			a := point{d.Float64() * s.w, d.Float64() * s.h}
			b := a.add(point{d.about(0, 0.35) * s.w, d.about(0, 0.35) * s.h})
			m := a.to(b, 0.5).add(point{d.about(0, 0.05) * s.w, d.about(0, 0.05) * s.h})
			crease := smooth(5, a, m, b)
			s.c.stroke(crease, s.w*0.02, linen.times(0.84), 0.35, false)
			s.c.stroke(shifted(crease, 2, 3), s.w*0.012, linen.times(1.08), 0.35, false)
		}
	case "tiles":
		tone := pick(d, hex(0xd9d5cf), hex(0xb5aca0), hex(0x9aa3a8), hex(0xe9e7e3))
		s.gradient(0, s.h, tone, tone.times(0.95))
		side := s.w * d.between(0.22, 0.4)
		for x := d.Float64() * side; x < s.w; x += side {
			s.rect(x, 0, x+2, s.h, tone.times(0.75), 0.8)
		}
		for y := d.Float64() * side; y < s.h; y += side {
			s.rect(0, y, s.w, y+2, tone.times(0.75), 0.8)
		}
	default:
		tone := pick(d, hex(0x8f8c88), hex(0xb4aea4), hex(0x6f757c), hex(0x9d8f80), hsl(d.between(0, 360), d.between(0.1, 0.3), d.between(0.3, 0.65)))
		s.gradient(0, s.h, tone, tone.times(0.95))
		s.speckle(0.07)
	}
}

// speckle roughens the whole canvas.
func (s *scenery) speckle(strength float32) {
	grain := grainTable()
	start := s.d.IntN(1 << 14)
	for i := 0; i < len(s.c.pix); i += 3 {
		f := 1 + strength*grain[0][(start+i*5)&(1<<14-1)]
		for k := range 3 {
			s.c.pix[i+k] = uint8(min(max(float32(s.c.pix[i+k])*f, 0), 255))
		}
	}
}

// wall is what a hanger hangs on.
func (s *scenery) wall() {
	d := s.d
	c := pick(d, hex(0xf0ece4), hex(0xe2e4e5), hex(0xd6cbbc), hex(0xc7d0cc), hex(0xf7f6f4), hsl(d.between(0, 360), d.between(0.08, 0.3), d.between(0.5, 0.85)))
	s.gradient(0, s.h, c.times(1.02), c.times(0.92))
	switch pick(d, "door", "wardrobe", "bare", "bare", "bricks") {
	case "door":
		wood := pick(d, hex(0xf3f0ea), hex(0xa87e54), hex(0xd9d2c6), hex(0x775437))
		x := d.between(-0.05, 0.15) * s.w
		s.rect(x, 0, x+s.w*0.9, s.h, wood, 1)
		for _, v := range []float64{0.06, 0.54} {
			for _, u := range []float64{0.08, 0.5} {
				s.rect(x+s.w*u, s.h*v, x+s.w*(u+0.32), s.h*(v+0.4), wood.times(0.9), 1)
				s.rect(x+s.w*u+4, s.h*v+4, x+s.w*(u+0.32)-3, s.h*(v+0.4)-3, wood.times(1.01), 1)
			}
		}
	case "wardrobe":
		wood := pick(d, hex(0xcbb491), hex(0x8a6746), hex(0xe8e3d8), hex(0x54412f))
		s.gradient(0, s.h, wood, wood.times(0.92))
		for x := s.w * 0.25; x < s.w; x += s.w * 0.5 {
			s.rect(x, 0, x+3, s.h, wood.times(0.6), 1)
		}
	case "bricks":
		brick := pick(d, hex(0xa55c45), hex(0xb8b2aa), hex(0xe6e2db))
		s.gradient(0, s.h, brick.times(0.75), brick.times(0.7))
		high := s.h / 22
		for j := range 23 {
			for x := -float64(j%2) * high; x < s.w; x += high * 2.1 {
				s.rect(x, float64(j)*high, x+high*2, float64(j)*high+high*0.9, brick.times(float32(d.between(0.9, 1.1))), 1)
			}
		}
	}
}
