package studio

import "math"

// tile is a square of printed cloth that repeats in both directions.
type tile struct {
	pix  []rgb // [tileSize, tileSize]
	per  float32
	inks inks
}

// inks are what cloth is printed with besides the colour that it has.
type inks struct {
	accent [3]rgb
	used   [3]bool
}

func (k *inks) dip(i int) rgb {
	k.used[i] = true
	return k.accent[i]
}

const (
	tileSize = 128
	tileMask = tileSize - 1
	tileEdge = 24.0 // centimetres
)

// at returns the colour at a place of the cloth, in centimetres, between the four nearest pixels.
func (t *tile) at(u, v float32) rgb {
	x, y := u*t.per, v*t.per
	fx, fy := floor(x), floor(y)
	ax, ay := x-float32(fx), y-float32(fy)
	x0, y0 := fx&tileMask, (fy&tileMask)*tileSize
	x1, y1 := (fx+1)&tileMask, ((fy+1)&tileMask)*tileSize
	a, b, c, d := &t.pix[y0+x0], &t.pix[y0+x1], &t.pix[y1+x0], &t.pix[y1+x1]
	var out rgb
	for i := range out {
		top := a[i] + (b[i]-a[i])*ax
		bottom := c[i] + (d[i]-c[i])*ax
		out[i] = top + (bottom-top)*ay
	}
	return out
}

func floor(v float32) int {
	n := int(v)
	if float32(n) > v {
		n--
	}
	return n
}

// printCloth prints the cloth of a product. Siblings share it.
func printCloth(p *Product) *tile {
	d := roll(p.look.print, key("print"))
	t := &tile{pix: make([]rgb, tileSize*tileSize), per: tileSize / tileEdge, inks: inks{accent: p.look.accent}}
	for i := range t.pix {
		t.pix[i] = p.look.base
	}
	base := p.look.base
	switch p.Facets["pattern"] {
	case "floral":
		t.floral(d, base)
	case "stripes":
		t.stripes(d)
	case "dots":
		t.dots(d)
	case "checks":
		t.checks(d, base)
	case "animal":
		t.animal(d, base)
	case "lace":
		t.lace(d, base)
	}
	return t
}

// stamp sets the pixels within a radius of a place where inside says how much of the colour, 0..1, at
// a distance and an angle; it wraps around the edges.
func (t *tile) stamp(x, y, radius float64, inside func(dx, dy float64) (rgb, float64)) {
	for py := int(y - radius - 1); py <= int(y+radius+1); py++ {
		for px := int(x - radius - 1); px <= int(x+radius+1); px++ {
			c, a := inside(float64(px)-x, float64(py)-y)
			if a <= 0 {
				continue
			}
			q := &t.pix[(py&tileMask)*tileSize+px&tileMask]
			*q = q.mix(c, float32(min(a, 1)))
		}
	}
}

// scatter returns places that keep their distance, wrapping around, by best of several candidates.
func scatter(d dice, n int) []point {
	var out []point
	for range n {
		best, far := point{}, -1.0
		for range 8 {
			p := point{d.between(0, tileSize), d.between(0, tileSize)}
			near := math.Inf(1)
			for _, q := range out {
				dx, dy := math.Abs(p.x-q.x), math.Abs(p.y-q.y)
				dx, dy = math.Min(dx, tileSize-dx), math.Min(dy, tileSize-dy)
				near = math.Min(near, dx*dx+dy*dy)
			}
			if near > far {
				best, far = p, near
			}
		}
		out = append(out, best)
	}
	return out
}

func (t *tile) floral(d dice, base rgb) {
	style := pick(d, "bloom", "ditsy", "tropical", "daisy")
	count, size := 9, d.between(13, 18)
	switch style {
	case "ditsy":
		count, size = 34, d.between(5, 7)
	case "tropical":
		count, size = 7, d.between(16, 21)
	case "daisy":
		count, size = 15, d.between(8, 11)
	}
	leaf := hsl(d.between(95, 150), d.between(0.25, 0.5), d.between(0.25, 0.42))
	places := scatter(d, count*2)
	for i, p := range places[count:] { // leaves first, so that flowers lie over them
		long, wide := size*d.between(0.8, 1.3), size*d.between(0.22, 0.36)
		if style == "tropical" {
			long, wide = size*1.5, size*0.5
		}
		angle := d.between(0, 2*math.Pi)
		shade := leaf.mix(base, 0.15*float32(i%3))
		t.stamp(p.x, p.y, long, func(dx, dy float64) (rgb, float64) {
			q := point{dx, dy}.turned(-angle)
			k := 1 - math.Abs(q.x)/long
			half := wide * math.Sin(math.Pi*clamp(k, 0, 1))
			if math.Abs(q.y) < 0.7 {
				return shade.times(0.75), half - math.Abs(q.y) + 0.5
			}
			return shade, half - math.Abs(q.y) + 0.5
		})
	}
	heart := hex(0xe8c24a)
	if d.chance(0.4) {
		heart = base.times(0.6)
	}
	for i, p := range places[:count] {
		ink := i % 3
		radius, petals, phase := size*d.between(0.75, 1.1), 5.0, d.between(0, math.Pi)
		if style == "daisy" {
			petals = 8
			ink = 0
		}
		c := t.inks.dip(ink)
		t.stamp(p.x, p.y, radius, func(dx, dy float64) (rgb, float64) {
			r, angle := math.Hypot(dx, dy), math.Atan2(dy, dx)
			edge := radius * (0.66 + 0.34*math.Cos(petals*angle+phase))
			if r < radius*0.22 {
				return heart, 1
			}
			return c.times(float32(1.08 - 0.33*(1-r/radius))), edge - r + 0.5
		})
	}
}

// stripes run along or across, in one or two widths that fit the tile.
func (t *tile) stripes(d dice) {
	period := pick(d, 8, 16, 16, 32, 32)
	duty := d.between(0.3, 0.55)
	across, diagonal := d.chance(0.65), d.chance(0.15)
	second := d.chance(0.3)
	for y := range tileSize {
		for x := range tileSize {
			w := x
			if across {
				w = y
			}
			if diagonal {
				w = (x + y) & tileMask
			}
			phase := float64(w%period) / float64(period)
			edge := smoothstep(0, 0.8/float64(period), phase) * (1 - smoothstep(duty, duty+0.8/float64(period), phase))
			ink := 0
			if second && (w/period)%2 == 1 {
				ink = 1
			}
			c, q := t.inks.dip(ink), &t.pix[y*tileSize+x]
			*q = q.mix(c, float32(edge))
		}
	}
}

func (t *tile) dots(d dice) {
	n := pick(d, 4, 6, 8, 8, 12)
	step := float64(tileSize) / float64(n)
	radius := step * d.between(0.2, 0.33)
	many := d.chance(0.2)
	for j := range n {
		for i := range n {
			x := (float64(i) + 0.5*float64(j%2)) * step
			ink := 0
			if many {
				ink = (i + 2*j) % 3
			}
			c := t.inks.dip(ink)
			t.stamp(x, float64(j)*step, radius, func(dx, dy float64) (rgb, float64) { return c, radius - math.Hypot(dx, dy) + 0.5 })
		}
	}
}

func (t *tile) checks(d dice, base rgb) {
	style := pick(d, "gingham", "gingham", "tartan", "tartan", "windowpane", "houndstooth")
	period := pick(d, 16, 32, 32, 64)
	if style == "gingham" {
		period = pick(d, 8, 16, 16, 32)
	}
	for y := range tileSize {
		for x := range tileSize {
			px, py := x%period, y%period
			q := &t.pix[y*tileSize+x]
			switch style {
			case "gingham":
				a := float32(0)
				if px < period/2 {
					a += 0.5
				}
				if py < period/2 {
					a += 0.5
				}
				*q = q.mix(t.inks.dip(0), a)
			case "tartan":
				band := func(v int) (c rgb, a float32) {
					f := float64(v) / float64(period)
					switch {
					case f < 0.28:
						return t.inks.dip(0), 0.5
					case f > 0.42 && f < 0.5:
						return t.inks.dip(1), 0.55
					case f > 0.72 && f < 0.78:
						return t.inks.dip(2), 0.55
					}
					return base, 0
				}
				c, a := band(px)
				*q = q.mix(c, a)
				c, a = band(py)
				*q = q.mix(c, a)
			case "windowpane":
				if px < max(period/16, 1) || py < max(period/16, 1) {
					*q = q.mix(t.inks.dip(0), 0.8)
				}
			case "houndstooth":
				u, v := px*4/period, py*4/period
				dark := u < 2 && v < 2
				if (u < 2) != (v < 2) {
					dark = ((px+py)*8/period)%2 == 0
				}
				if dark {
					*q = q.mix(t.inks.dip(0), 0.9)
				}
			}
		}
	}
}

func (t *tile) animal(d dice, base rgb) {
	ink := pick(d, hex(0x1d1712), hex(0x2a1c12), hex(0x3a2a20))
	if base.luma() < 90 {
		ink = base.mix(hex(0xe8d9bd), 0.75)
	}
	switch pick(d, "leopard", "leopard", "zebra", "snake") {
	case "leopard":
		heart := base.mix(ink, 0.28)
		count := int(d.between(36, 60))
		for _, p := range scatter(d, count) {
			radius := math.Sqrt(tileSize*tileSize/float64(count)) * d.between(0.36, 0.46)
			phase, gaps, squash := d.between(0, 6.28), pick(d, 2.0, 3.0), d.between(0.7, 1)
			t.stamp(p.x, p.y, radius, func(dx, dy float64) (rgb, float64) {
				q := point{dx, dy}.turned(phase)
				r, angle := math.Hypot(q.x, q.y/squash), math.Atan2(q.y, q.x)
				outer := radius * (0.88 + 0.12*math.Sin(3*angle+phase))
				inner := outer * 0.52
				if r < inner {
					return heart, 0.9
				}
				if math.Cos(gaps*angle+phase) > 0.78 {
					return ink, 0
				}
				return ink, outer - r + 0.5
			})
		}
	case "zebra":
		a, b, c := d.between(0, 6.28), d.between(0, 6.28), d.between(0, 6.28)
		waves := pick(d, 5.0, 6.0, 8.0)
		for y := range tileSize {
			for x := range tileSize {
				fx, fy := 2*math.Pi*float64(x)/tileSize, 2*math.Pi*float64(y)/tileSize
				v := math.Sin(waves*fy + 1.6*math.Sin(fx+a) + 0.9*math.Sin(2*fx-fy+b) + 0.6*math.Sin(3*fx+2*fy+c))
				q := &t.pix[y*tileSize+x]
				*q = q.mix(ink, float32(smoothstep(0, 0.25, v)))
			}
		}
	case "snake":
		for y := range tileSize {
			for x := range tileSize {
				u, v := float64(x)*8/tileSize, float64(y)*16/tileSize
				if int(v)%2 == 1 {
					u += 0.5
				}
				du, dv := u-math.Floor(u)-0.5, v-math.Floor(v)-0.5
				edge := smoothstep(0.3, 0.5, math.Max(math.Abs(du)+0.3*math.Abs(dv), math.Abs(dv)))
				blotch := 0.5 + 0.5*math.Sin(2*math.Pi*float64(x)/tileSize*2)*math.Sin(2*math.Pi*float64(y)/tileSize*3)
				q := &t.pix[y*tileSize+x]
				*q = q.mix(ink, float32(0.55*edge+0.6*smoothstep(0.55, 0.75, blotch)))
			}
		}
	}
}

// lace is a net with flowers over a lining.
func (t *tile) lace(d dice, base rgb) {
	lining := base.mix(hex(0xe2bfa2), 0.55)
	if base.luma() > 200 {
		lining = base.mix(hex(0xc9a184), 0.45)
	} else if d.chance(0.3) {
		lining = base.times(0.55)
	}
	for y := range tileSize {
		for x := range tileSize {
			net := (x+y)%6 == 0 || (x-y+6*tileSize)%6 == 0
			c := lining
			if net {
				c = lining.mix(base, 0.6)
			}
			t.pix[y*tileSize+x] = c
		}
	}
	count := pick(d, 8, 12, 18)
	size := math.Sqrt(tileSize*tileSize/float64(count)) * 0.47
	petals := pick(d, 5.0, 6.0, 8.0)
	for _, p := range scatter(d, count) {
		phase := d.between(0, 6.28)
		t.stamp(p.x, p.y, size, func(dx, dy float64) (rgb, float64) {
			r, angle := math.Hypot(dx, dy), math.Atan2(dy, dx)
			edge := size * (0.72 + 0.28*math.Cos(petals*angle+phase))
			a := edge - r + 0.5
			ring := math.Abs(r - edge*0.55)
			if r > size*0.16 && ring < size*0.09 {
				a *= 0.25
			}
			return base, a
		})
		vine := d.between(0, 6.28)
		t.stamp(p.x, p.y, size*1.9, func(dx, dy float64) (rgb, float64) {
			q := point{dx, dy}.turned(vine)
			if q.x < size*0.8 {
				return base, 0
			}
			return base, 1.6 - math.Abs(q.y-2.5*math.Sin(q.x/4))
		})
	}
}
