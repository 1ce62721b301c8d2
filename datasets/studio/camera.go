package studio

import "math"

// camera turns centimetres into pixels, and light into a photo.
type camera struct {
	w, h     float64
	focus    point   // what stands in the middle, in centimetres
	centre   point   // where that is, in pixels
	scale    float64 // pixels for each centimetre there
	roll     float64 // radians
	keystone point   // how much the scale changes over half the frame
}

// aim frames what lies between two heights.
func aim(w, h int, top, bottom float64, d dice, query bool) camera {
	c := camera{w: float64(w), h: float64(h), focus: point{0, (top + bottom) / 2}}
	c.scale = c.h / (bottom - top)
	c.centre = point{c.w/2 + d.about(0, 0.012)*c.w, c.h / 2}
	c.roll = d.about(0, 0.012)
	c.keystone = point{d.about(0, 0.015), d.about(0, 0.025)}
	if query {
		c.centre = point{c.w/2 + d.about(0, 0.055)*c.w, c.h/2 + d.about(0, 0.02)*c.h}
		c.roll = d.about(0, 0.06)
		c.keystone = point{d.about(0, 0.05), d.about(0, 0.09)}
	}
	return c
}

func (c camera) project(p point) point {
	q := p.sub(c.focus).turned(c.roll).times(c.scale)
	z := math.Max(1+c.keystone.x*q.x/(c.w/2)+c.keystone.y*q.y/(c.h/2), 0.3)
	return c.centre.add(q.times(1 / z))
}

// exposure is what film and lens make of the light.
type exposure struct {
	gain, contrast float32
	balance        rgb // factors
	vignette       float32
	noise          float32 // deviation, in 8-bit steps
	blur           int     // passes of a three-pixel kernel
	shake          int     // pixels of motion
	quality        int     // of the JPEG file
}

func drawExposure(d dice, query bool) exposure {
	e := exposure{
		gain: float32(d.between(0.94, 1.06)), contrast: float32(d.between(0.95, 1.06)),
		balance:  rgb{1 + float32(d.about(0, 0.012)), 1, 1 + float32(d.about(0, 0.015))},
		vignette: float32(d.between(0, 0.08)), noise: float32(d.between(0.5, 2)), quality: 84 + d.IntN(11),
	}
	if query {
		e.gain, e.contrast = float32(math.Exp2(d.about(-0.03, 0.24))), float32(d.between(0.8, 1.15))
		warm := float32(d.about(0.01, 0.045))
		e.balance = rgb{1 + warm, 1 + float32(d.about(0, 0.015)), 1 - warm}
		e.vignette, e.noise = float32(d.between(0, 0.25)), float32(d.between(2, 8))
		e.blur, e.quality = pick(d, 0, 0, 1, 1, 2, 3), 45+d.IntN(40)
		if d.chance(0.1) {
			e.shake = 2 + d.IntN(3)
		}
	}
	return e
}

// develop changes the canvas into the photo that the camera takes.
func (e exposure) develop(c *canvas, d dice) {
	for range e.blur {
		soften(c)
	}
	if e.shake > 0 {
		smear(c, e.shake)
	}
	var tone [3][256]float32
	for i := range tone {
		for v := range tone[i] {
			x := float32(v) / 255 * e.gain * e.balance[i]
			x = (x-0.5)*e.contrast + 0.5
			tone[i][v] = x * 255
		}
	}
	grain := grainTable()
	w, h := float32(c.w), float32(c.h)
	seed := d.Uint64() | 1
	for y := range c.h {
		fy := (float32(y) - h/2) / (h / 2)
		row := c.pix[3*y*c.w : 3*(y+1)*c.w]
		for x := range c.w {
			fx := (float32(x) - w/2) / (w / 2)
			fall := 1 - e.vignette*0.5*(fx*fx+fy*fy)
			seed ^= seed << 13
			seed ^= seed >> 7
			seed ^= seed << 17
			for i := range 3 {
				n := grain[0][(seed>>(i*14))&(1<<14-1)]
				v := tone[i][row[3*x+i]]*fall + n*e.noise + 0.5
				row[3*x+i] = uint8(min(max(v, 0), 255))
			}
		}
	}
}

// soften blurs with the kernel 1 2 1 in both directions.
func soften(c *canvas) {
	stride := 3 * c.w
	for y := range c.h {
		row := c.pix[y*stride : (y+1)*stride]
		a, b, d := row[0], row[1], row[2]
		for x := 3; x+3 < stride; x += 3 {
			na, nb, nd := row[x], row[x+1], row[x+2]
			row[x] = uint8((uint16(a) + 2*uint16(na) + uint16(row[x+3]) + 2) >> 2)
			row[x+1] = uint8((uint16(b) + 2*uint16(nb) + uint16(row[x+4]) + 2) >> 2)
			row[x+2] = uint8((uint16(d) + 2*uint16(nd) + uint16(row[x+5]) + 2) >> 2)
			a, b, d = na, nb, nd
		}
	}
	before := append([]uint8(nil), c.pix[:stride]...)
	for y := 1; y+1 < c.h; y++ {
		row, below := c.pix[y*stride:(y+1)*stride], c.pix[(y+1)*stride:(y+2)*stride]
		for x, v := range row {
			row[x] = uint8((uint16(before[x]) + 2*uint16(v) + uint16(below[x]) + 2) >> 2)
			before[x] = v
		}
	}
}

// smear averages pixels along the rows.
func smear(c *canvas, n int) {
	for y := range c.h {
		row := c.pix[3*y*c.w : 3*(y+1)*c.w]
		for x := 0; x+n < c.w; x++ {
			for i := range 3 {
				sum := 0
				for k := range n {
					sum += int(row[3*(x+k)+i])
				}
				row[3*x+i] = uint8(sum / n)
			}
		}
	}
}
