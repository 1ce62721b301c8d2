package studio

import "math"

// dress is a product made up for one photo: its cut, its cloth in the photo's light, and how it falls.
type dress struct {
	p     *Product
	cut   cut
	cloth *cloth
	trim  *cloth // belts, collars and cuffs
	drape *drape
	scale float64 // pixels for each centimetre
	arms  [2][]point
	d     dice
}

// makeUp prepares a dress for a photo. arms is where its sleeves lie; loose is more than 1 without a
// body in it.
func makeUp(p *Product, l light, d dice, arms [2][]point, scale, loose float64) *dress {
	r := &dress{p: p, cut: sew(p, loose), scale: scale, arms: arms, d: d}
	f := fabrics[p.look.fabric]
	r.cloth = &cloth{tile: printCloth(p), f: f, l: l, grain: grainTable(), shift: point{d.between(0, 2), d.between(0, 2)}}
	r.drape = newDrape(&r.cut, d, f)
	r.trim = r.cloth.tinted(p.look.base.times(0.82))
	if p.look.contrast {
		r.trim = r.cloth.tinted(p.look.accent[0])
	}
	return r
}

// line draws a seam or a trim's edge on the dress.
func (r *dress) line(c *canvas, view warp, line []point, cm float64, colour rgb, opacity float32) {
	c.stroke(view.all(line), math.Max(cm*r.scale, 0.8), colour, opacity, true)
}

// dark is the colour of seams.
func (r *dress) dark() rgb {
	if r.p.look.base.luma() < 60 {
		return r.p.look.base.mix(rgb{150, 150, 160}, 0.45)
	}
	return r.p.look.base.times(0.5)
}

// paintBack paints the inside of the back, seen through the neckline where nobody wears the dress.
func (r *dress) paintBack(c *canvas, view warp) {
	if r.bare() {
		return
	}
	inside := r.cloth.tinted(r.p.look.base.times(0.6))
	_, opening := r.cut.upper()
	left, right := opening[0], opening[len(opening)-1]
	back := smooth(6, left, point{left.x * 0.5, left.y + 1.8}, point{0, left.y + 2.6}, point{right.x * 0.5, right.y + 1.8}, right)
	c.cloth(append(back, reversed(opening)...), view, func(u, v float32) (rgb, float32) { return inside.lit(u, v, u/20), 1 }, true)
}

// bare says whether the neckline leaves both shoulders bare.
func (r *dress) bare() bool {
	switch r.cut.neckline {
	case "strapless", "straight", "halter", "off-shoulder", "one-shoulder":
		return true
	}
	return false
}

// paintBody paints skirt, bodice and what is sewn on them.
func (r *dress) paintBody(c *canvas, view warp) {
	cut := &r.cut
	if cut.neckline == "straight" {
		r.paintStraps(c, view)
	}
	if cut.silhouette == "ball-gown" && r.cloth.f.sheer > 0 || cut.silhouette == "ball-gown" && r.p.look.ruffle {
		r.paintUnderskirt(c, view)
	}
	var holes [][]point
	if cut.neckline == "keyhole" {
		holes = append(holes, reversed(oval(point{0, 40.6}, 1.7, 3.4, 0, 16)))
	}
	c.cloth(cut.outline(), view, r.cloth.draped(r.drape), true, holes...)
	r.paintSeams(c, view)
	r.paintNeckline(c, view)
	if r.p.look.ruffle {
		r.paintRuffle(c, view)
	}
	if r.p.look.contrast && cut.silhouette != "ball-gown" {
		r.band(c, view, cut.hem-4, cut.hem, r.trim)
	}
	r.paintFront(c, view)
	r.paintWaist(c, view)
	if r.p.look.sparkle {
		r.paintSparkle(c, view)
	}
}

func (r *dress) paintStraps(c *canvas, view warp) {
	for _, s := range []float64{-1, 1} {
		strap := []point{{s * 9.2, 40.5}, {s * 9, 34}, {s * 8.6, shoulderLine(8.6) - 0.3}}
		r.line(c, view, strap, 1.1, r.p.look.base, 1)
	}
}

func (r *dress) paintUnderskirt(c *canvas, view warp) {
	cut := &r.cut
	var half []point
	for i := range 15 {
		y := lerp(cut.seam, cut.hem+2, float64(i)/14)
		half = append(half, point{cut.body.at(y) * (1 + 0.03*float64(i)/14), y})
	}
	pale := r.cloth.tinted(r.p.look.base.mix(rgb{255, 255, 255}, 0.35))
	c.cloth(append(half, mirrored(half)...), view, pale.draped(r.drape), true)
}

// across is a line over the dress from side to side at a height, hanging through by sag.
func (r *dress) across(y, sag float64) []point {
	w := r.cut.body.at(y)
	return smooth(4, point{-w, y}, point{-w / 2, y + sag*0.75}, point{0, y + sag}, point{w / 2, y + sag*0.75}, point{w, y})
}

// band lies around the dress between two heights.
func (r *dress) band(c *canvas, view warp, top, bottom float64, k *cloth) {
	sag := 0.8
	if bottom > r.cut.hem-6 {
		sag = r.cut.sag
	}
	lower := reversed(r.across(bottom, sag))
	if bottom >= r.cut.hem {
		w := r.cut.body.at(r.cut.hem)
		lower = append(append([]point{{w, r.cut.hem}}, r.cut.hemLine()...), point{-w, r.cut.hem})
	}
	outline := append(r.across(top, sag), lower...)
	c.cloth(outline, view, k.draped(r.drape), true)
	r.line(c, view, r.across(top, sag), 0.25, r.dark(), 0.5)
}

func (r *dress) paintSeams(c *canvas, view warp) {
	cut, dark := &r.cut, r.dark()
	switch cut.silhouette {
	case "sheath", "bodycon":
		for _, s := range []float64{-1, 1} {
			dart := smooth(4, point{s * 8.5, 50}, point{s * 6.2, waistY}, point{s * 8.2, hipY})
			r.line(c, view, dart, 0.28, dark, 0.5)
		}
		if cut.silhouette == "bodycon" {
			for i := range 5 {
				y := 52 + 9*float64(i)
				r.line(c, view, r.across(y, 1.5)[2:9], 0.3, dark, 0.18)
			}
		}
	case "mermaid":
		flare := math.Max(cut.hem-38, 108)
		r.line(c, view, r.across(flare-3, 4), 0.3, dark, 0.5)
		for _, s := range []float64{-1, 1} {
			r.line(c, view, smooth(4, point{s * 7.5, 47}, point{s * 5.4, waistY}, point{s * 7.6, hipY}, point{s * 6.5, flare - 2}), 0.28, dark, 0.45)
		}
	case "a-line", "shift":
		for _, s := range []float64{-1, 1} {
			r.line(c, view, smooth(4, point{s * 12.4, 47.5}, point{s * 9, 51}, point{s * 6.6, 53}), 0.28, dark, 0.5)
		}
	}
	if cut.seam > 0 {
		r.line(c, view, r.across(cut.seam, 0.8), 0.4, dark, 0.7)
		w := cut.body.at(cut.seam)
		n := 7 + r.d.IntN(4)
		for i := range n { // gathers below the seam
			s := (float64(i)+0.5)/float64(n)*2 - 1
			long := r.d.between(5, 11)
			r.line(c, view, []point{{s * w * 0.95, cut.seam + 1}, {s * w * (0.98 + long/90), cut.seam + 1 + long}}, 0.35, dark, 0.28)
			if cut.silhouette == "blouson" {
				r.line(c, view, []point{{s * w * 0.95, cut.seam - 0.5}, {s * w * 1.2, cut.seam - 6}}, 0.35, dark, 0.35)
			}
		}
	}
}

func (r *dress) paintNeckline(c *canvas, view warp) {
	cut, dark := &r.cut, r.dark()
	_, opening := cut.upper()
	switch cut.neckline {
	case "collared":
		r.paintCollar(c, view)
		return
	case "cowl":
		for i := range 4 {
			f := float64(i + 1)
			fold := smooth(5, point{-10.4, 30 + 1.2*f}, point{-5.5, 40 + 2.4*f}, point{0, 42 + 3*f}, point{5.5, 40 + 2.4*f}, point{10.4, 30 + 1.2*f})
			r.line(c, view, fold, 1.5, dark, 0.24)
			r.line(c, view, shifted(fold, 0, -1.2), 0.8, r.p.look.base.mix(rgb{255, 255, 255}, 0.45), 0.35)
		}
	case "high":
		r.line(c, view, []point{{-5.4, 27.6}, {0, 29.4}, {5.4, 27.6}}, 0.35, dark, 0.6)
	case "keyhole":
		r.line(c, view, oval(point{0, 40.6}, 1.9, 3.6, 0, 16), 0.4, dark, 0.8)
		c.stroke(view.all(oval(point{0, 35.6}, 0.8, 0.8, 0, 8)), math.Max(r.scale*0.7, 1), dark, 0.9, true)
	case "off-shoulder":
		flounce := append(append([]point(nil), opening...), reversed(shifted(opening, 0, 8.5))...)
		c.cloth(flounce, view, r.cloth.draped(r.drape), true)
		r.line(c, view, shifted(opening, 0, 8.5), 0.5, dark, 0.55)
	}
	if r.p.look.contrast && cut.neckline != "straight" {
		r.line(c, view, shifted(opening, 0, 0.5), 1.5, r.trim.tile.pix[0], 1)
		return
	}
	r.line(c, view, shifted(opening, 0, 0.5), 0.5, dark, 0.6)
}

// paintCollar lays the two flaps of a shirt's collar.
func (r *dress) paintCollar(c *canvas, view warp) {
	k := r.trim
	if !r.p.look.contrast {
		k = r.cloth
	}
	for _, s := range []float64{-1, 1} {
		flap := []point{{s * 5.2, 25.2}, {s * 7.6, 27}, {s * 8.6, 35.5}, {s * 4.2, 37.5}, {s * 0.2, 36.6}, {s * 4.4, 28}}
		if s < 0 {
			flap = reversed(flap)
		}
		c.cloth(flap, view, func(u, v float32) (rgb, float32) { return k.lit(u, v, u/14), 1 }, true)
		r.line(c, view, append(flap, flap[0]), 0.35, r.dark(), 0.8)
	}
}

func shifted(line []point, dx, dy float64) []point {
	out := make([]point, len(line))
	for i, p := range line {
		out[i] = point{p.x + dx, p.y + dy}
	}
	return out
}

// paintFront paints button rows and the overlap of a wrap dress.
func (r *dress) paintFront(c *canvas, view warp) {
	cut, dark := &r.cut, r.dark()
	switch cut.silhouette {
	case "wrap":
		over := smooth(6, point{-8.6, shoulderLine(8.6)}, point{-3.5, 38}, point{2.6, 49}, point{11.6, waistY})
		r.line(c, view, over, 0.5, dark, 0.85)
		edge := smooth(6, point{10.5, waistY + 1}, point{9, 85}, point{10.5, cut.hem - 14}, point{5, cut.hem + 0.5})
		r.line(c, view, edge, 0.5, dark, 0.75)
		r.line(c, view, shifted(edge, 0.9, 0), 0.9, dark, 0.25)
	case "shirt":
		top := 37.0
		if cut.neckline == "v-neck" {
			top = 47
		}
		r.line(c, view, []point{{-1.6, top}, {-1.6, cut.hem}}, 0.3, dark, 0.7)
		r.line(c, view, []point{{1.6, top}, {1.6, cut.hem}}, 0.3, dark, 0.7)
		r.paintButtons(c, view, top+2, cut.hem-8, 8.5)
		for _, s := range []float64{-1, 1} { // breast pockets
			r.line(c, view, []point{{s * 5, 47}, {s * 5, 54}, {s * 10.4, 54}, {s * 10.4, 47}, {s * 5, 47}}, 0.28, dark, 0.55)
		}
		return
	}
	if r.p.look.buttons && cut.neckline != "cowl" && cut.neckline != "keyhole" && cut.silhouette != "wrap" {
		r.paintButtons(c, view, 49, math.Max(cut.seam-3, 62), 4.2)
	}
}

func (r *dress) paintButtons(c *canvas, view warp, from, to, step float64) {
	colour := hex(0xf2eee4)
	if r.p.look.base.luma() > 150 {
		colour = hex(0x4b4038)
	}
	for y := from; y < to; y += step {
		c.stroke(view.all(oval(point{0, y}, 0.3, 0.3, 0, 6)), math.Max(0.9*r.scale, 1.2), colour, 1, true)
	}
}

func (r *dress) paintWaist(c *canvas, view warp) {
	cut := &r.cut
	at := waistY
	if cut.seam > 0 {
		at = cut.seam
	}
	switch {
	case cut.silhouette == "wrap":
		r.band(c, view, waistY-1.8, waistY+1.8, r.trim)
		for _, end := range []point{{15, 84}, {9.5, 88}} {
			r.line(c, view, smooth(4, point{10.5, waistY + 1}, point{end.x - 1, 73}, end), 1.7, r.trim.tile.pix[0], 1)
		}
		c.cloth(oval(point{10.5, waistY}, 2.2, 1.8, 0.4, 12), view, func(u, v float32) (rgb, float32) { return r.trim.lit(u, v, 0.2), 1 }, true)
	case r.p.look.belt || cut.silhouette == "shirt":
		k := r.trim
		if !r.p.look.contrast {
			k = r.cloth.tinted(hex(0x2a211d).mix(r.p.look.base, 0.25))
		}
		r.band(c, view, at-1.7, at+1.7, k)
		buckle := box(-1.8, at-1.9, 1.8, at+2.8, 10)
		r.line(c, view, append(buckle, buckle[0]), 0.5, hex(0xd9c389), 1)
	}
	if r.p.look.bow && !r.p.look.belt {
		for _, s := range []float64{-1, 1} {
			loop := smooth(4, point{0, at}, point{s * 5, at - 4}, point{s * 8, at - 2}, point{s * 7.5, at + 2.5}, point{s * 4, at + 2}, point{0, at})
			if s < 0 {
				loop = reversed(loop)
			}
			c.cloth(loop, view, func(u, v float32) (rgb, float32) { return r.trim.lit(u, v, u/10), 1 }, true)
			r.line(c, view, loop, 0.35, r.dark(), 0.7)
			r.line(c, view, []point{{s * 0.6, at + 1}, {s * 4, at + 12}}, 1.8, r.trim.tile.pix[0], 1)
		}
	}
}

// paintRuffle adds a gathered tier at the hem.
func (r *dress) paintRuffle(c *canvas, view warp) {
	cut := &r.cut
	top := cut.hem - 11
	r.line(c, view, r.across(top, cut.sag), 0.5, r.dark(), 0.7)
	w := cut.body.at(top)
	n := 9 + r.d.IntN(5)
	for i := range n {
		s := (float64(i)+0.5)/float64(n)*2 - 1
		r.line(c, view, []point{{s * w * 0.97, top + 1}, {s * w * 1.02, top + r.d.between(5, 10)}}, 0.4, r.dark(), 0.4)
	}
}

// paintSparkle scatters stones on bodice and waist.
func (r *dress) paintSparkle(c *canvas, view warp) {
	d := roll(r.p.look.print, key("sparkle"))
	for range 40 {
		y := 46 + 24*math.Sqrt(d.Float64())
		x := (d.Float64()*2 - 1) * r.cut.body.at(y) * 0.85
		colour := pick(d, hex(0xffffff), hex(0xf4e7c0), hex(0xd8e6f4))
		c.stroke(view.all(oval(point{x, y}, 0.12, 0.12, 0, 4)), math.Max(0.5*r.scale, 1), colour, float32(d.between(0.5, 1)), true)
	}
}

// paintSleeves paints what covers the arms.
func (r *dress) paintSleeves(c *canvas, view warp) {
	cut := &r.cut
	long := cut.sleeveLength()
	for side, has := range cut.sleeves() {
		if !has {
			continue
		}
		arm := r.arms[side]
		from := 0.0
		if cut.neckline == "off-shoulder" {
			from = 7.5
		}
		line := keepLine(arm, long)
		if from > 0 {
			line = cutLine(line, from)
		} else { // begin within the shoulder, so that no gap shows
			line = append([]point{arm[0].add(point{float64(1-2*side) * 2.2, -0.4})}, line...)
		}
		line = resampled(line, 24)
		total := lineLength(line)
		widths := profile{[]point{{6.4, 0}, {5.9, 12}, {4.9, 28}, {4.6, 36}, {3.5, 56}, {3.4, 62}}}
		half := func(i int) float64 {
			y := from + total*float64(i)/float64(len(line)-1)
			w := widths.at(y) * (cut.ease + cut.flare*y/20)
			if cut.sleeve == "cap" {
				w = 6.2 * cut.ease
			}
			if from == 0 {
				w *= rounded(y/9) * (0.9 + 0.1*clamp(y/15, 0, 1))
			}
			return w
		}
		c.tubeCloth(line, half, view, r.cloth.rolled(5.5, float32(side)*0.37+0.1), true)
		n := len(line)
		end := line[n-2:]
		q := normal(line, n-1).times(half(n - 1))
		cuff := []point{end[1].add(q), end[1].sub(q)}
		if cut.silhouette == "shirt" && cut.sleeve != "cap" || r.p.look.contrast {
			back := end[1].sub(end[0]).times(-2.6 / math.Max(end[1].sub(end[0]).length(), 0.1))
			patch := []point{cuff[0], cuff[1], cuff[1].add(back), cuff[0].add(back)}
			k := r.trim
			if !r.p.look.contrast {
				k = r.cloth
			}
			c.cloth(patch, view, func(u, v float32) (rgb, float32) { return k.lit(u, v, 0), 1 }, true)
			r.line(c, view, []point{cuff[0].add(back), cuff[1].add(back)}, 0.3, r.dark(), 0.7)
		}
		r.line(c, view, cuff, 0.4, r.dark(), 0.65)
		r.line(c, view, []point{arm[0].add(point{float64(2*side-1) * -1.5, -2.5}), arm[0].add(point{float64(2*side-1) * -2.6, 7}), arm[0].add(point{float64(2*side-1) * -3, 12})}, 0.3, r.dark(), 0.4)
	}
}

// paintAtNeck paints what lies around the neck, over it.
func (r *dress) paintAtNeck(c *canvas, view warp) {
	switch r.cut.neckline {
	case "collared":
		r.paintCollar(c, view)
	case "high":
		collar := append(smooth(4, point{-5.3, 23.4}, point{0, 24.6}, point{5.3, 23.4}), smooth(4, point{5.9, 28}, point{0, 30}, point{-5.9, 28})...)
		c.cloth(collar, view, func(u, v float32) (rgb, float32) { return r.cloth.lit(u, v, u/7), 1 }, true)
		r.line(c, view, []point{{-5.3, 23.6}, {0, 24.8}, {5.3, 23.6}}, 0.4, r.dark(), 0.7)
	case "halter":
		c.cloth([]point{{-5.5, 25}, {5.5, 25}, {5.4, 27}, {-5.4, 27}}, view, func(u, v float32) (rgb, float32) { return r.cloth.lit(u, v, u/7), 1 }, true)
	}
}

// resampled returns n points at equal distances along a line.
func resampled(line []point, n int) []point {
	total := lineLength(line)
	out := make([]point, n)
	for i := range n {
		part := keepLine(line, total*float64(i)/float64(n-1)*0.9999)
		out[i] = part[len(part)-1]
	}
	return out
}
