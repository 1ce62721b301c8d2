package studio

// outfit is what a figure wears who wears no dress: a top, and trousers, shorts or a skirt of other
// cloth. Its parts are cut from dresses that nobody sees whole.
func paintOutfit(c *canvas, view warp, l light, d dice, f *figure, scale float64) {
	top := garment(d, pick(d, "shift", "sheath", "blouson", "shirt"), pick(d, "round", "v-neck", "scoop", "collared", "high", "boat"), pick(d, "sleeveless", "short", "long", "three-quarters"))
	lower := garment(d, pick(d, "a-line", "sheath", "fit-and-flare"), "round", "sleeveless")
	for lower.look.base.mix(top.look.base, 0.5) == lower.look.base || near(lower.look.base, top.look.base) {
		lower.look.base = findDye(pick(d, "black", "navy", "denim", "beige", "white", "olive", "charcoal", "camel", "red")).draw(d)
		lower.Facets["pattern"] = "plain"
	}
	below := makeUp(&lower, l, d, f.arms, scale, 1)
	if d.chance(0.72) {
		paintTrousers(c, view, below, d, f)
	} else {
		paintSkirt(c, view, below, d)
	}
	above := makeUp(&top, l, d, f.arms, scale, 1.03)
	above.cut.hem = d.between(74, 90)
	above.cut.seam = 0
	c.cloth(above.cut.outline(), view, above.cloth.draped(above.drape), false)
	above.paintNeckline(c, view)
	for side := range 2 {
		f.paintArm(c, view, l, side, 27)
	}
	above.paintSleeves(c, view)
	if d.chance(0.25) {
		paintJacket(c, view, l, d, f, scale)
	}
}

func near(a, b rgb) bool {
	var sum float32
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return sum < 70*70
}

// garment is a piece of clothing that is no dress, as a product so that cloth and cut are to be had.
func garment(d dice, silhouette, neckline, sleeve string) Product {
	p := design(d.Uint64(), d.Uint64())
	p.Facets["silhouette"], p.Facets["neckline"], p.Facets["sleeve"] = silhouette, neckline, sleeve
	p.look.ruffle, p.look.bow, p.look.belt = false, false, false
	return p
}

func paintTrousers(c *canvas, view warp, r *dress, d dice, f *figure) {
	end := pick(d, 100.0, 150.0, 164.0, 164.0)
	wide := d.between(1.05, 1.6)
	hips := smooth(4, point{-12, waistY}, point{-16.5, 80}, point{-16.8, 92}, point{0, 98}, point{16.8, 92}, point{16.5, 80}, point{12, waistY})
	c.cloth(hips, view, r.cloth.draped(r.drape), false)
	widths := profile{[]point{{9.2, 86}, {8.2, 104}, {6.2, 121}, {5.2, 148}, {4.6, 166}}}
	for side := range 2 {
		leg := resampled(keepLine(smooth(5, f.legs[side][:3]...), end-88), 12)
		c.tube(leg, func(i int) float64 {
			return widths.at(leg[i].y) * (1 + (wide-1)*clamp((leg[i].y-95)/60, 0.3, 1))
		}, view, r.cloth.rolled(8, 0.2))
	}
}

func paintSkirt(c *canvas, view warp, r *dress, d dice) {
	hem := pick(d, 100.0, 118.0, 135.0)
	var half []point
	for i := range 15 {
		y := lerp(waistY, hem, float64(i)/14)
		half = append(half, point{r.cut.body.at(y), y})
	}
	c.cloth(append(half, mirrored(half)...), view, r.cloth.draped(r.drape), false)
}

func paintJacket(c *canvas, view warp, l light, d dice, f *figure, scale float64) {
	p := garment(d, "shift", "v-neck", "long")
	r := makeUp(&p, l, d, f.arms, scale, 1.1)
	hem := d.between(84, 120)
	for _, s := range []float64{-1, 1} {
		front := smooth(4, point{s * 7, 28}, point{s * 17, 32}, point{s * 18, 46}, point{s * 17.5, waistY}, point{s * 20, hem}, point{s * 8, hem + 2}, point{s * 7, 60}, point{s * 5.5, 44}, point{s * 7, 28})
		c.cloth(front, view, r.cloth.draped(r.drape), false)
	}
	r.paintSleeves(c, view)
}

// paintLaidOut paints a garment that is no dress, laid flat or hung.
func paintLaidOut(c *canvas, view warp, l light, d dice, scale float64) {
	arms := laidArms(d)
	switch pick(d, "top", "top", "trousers", "skirt", "shorts") {
	case "top":
		p := garment(d, pick(d, "shift", "shirt", "sheath"), pick(d, "round", "v-neck", "collared", "high", "scoop"), pick(d, "short", "long", "sleeveless"))
		r := makeUp(&p, l, d, arms, scale, 1.1)
		r.cut.hem, r.cut.seam = d.between(78, 92), 0
		r.paintBack(c, view)
		c.cloth(r.cut.outline(), view, r.cloth.draped(r.drape), false)
		r.paintNeckline(c, view)
		r.paintSleeves(c, view)
	case "skirt":
		p := garment(d, pick(d, "a-line", "fit-and-flare", "sheath"), "round", "sleeveless")
		r := makeUp(&p, l, d, arms, scale, 1.08)
		paintSkirt(c, view, r, d)
		r.band(c, view, waistY-2, waistY+2, r.trim)
	default:
		p := garment(d, "sheath", "round", "sleeveless")
		r := makeUp(&p, l, d, arms, scale, 1.1)
		f := figure{legs: [2][]point{{{-8, 88}, {-9, 122}, {-10, 161}, {-10, 170}}, {{8, 88}, {9, 122}, {10, 161}, {10, 170}}}}
		paintTrousers(c, view, r, d, &f)
		r.line(c, view, []point{{0, waistY + 2}, {0, 82}}, 0.4, r.dark(), 0.8)
	}
	for i := range c.dress {
		c.dress[i] = 0
	}
}
