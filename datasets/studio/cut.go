package studio

import "math"

// cut is how a dress is sewn, in centimetres of the figure's plane.
type cut struct {
	silhouette, neckline, sleeve string
	body                         profile // half-width from the armpit to the hem
	seam                         float64 // where the skirt begins, 0 for a dress in one piece
	hem                          float64
	sag                          float64 // how much lower the hem is in the middle
	folds                        float64 // how many folds the skirt falls in, across its front
	depth                        float64 // of the folds, 0..1
	shoulder                     float64 // where the shoulder seam lies
	ease                         float64 // how wide the sleeves are, 1 for close ones
	flare                        float64 // how much the sleeves widen towards the hand
	neckDepth                    float64 // factor of the neckline's depth
}

var hemY = map[string]float64{"mini": 105, "knee": 123, "midi": 143, "maxi": 167}

// sew makes the cut that a product's facets and key ask for; loose is more than 1 without a body in it.
func sew(p *Product, loose float64) cut {
	d := roll(p.look.cut, key("cut"))
	c := cut{
		silhouette: p.Facets["silhouette"], neckline: p.Facets["neckline"], sleeve: p.Facets["sleeve"],
		hem: hemY[p.Facets["length"]] + d.between(-4, 4), sag: d.between(0.5, 2.5), shoulder: shoulderX,
		neckDepth: d.between(0.9, 1.12),
	}
	h := c.hem
	below := func(y float64) float64 { return (h - y) / 100 } // of the skirt, in metres
	wide := d.between(0.92, 1.08)
	switch c.silhouette {
	case "a-line":
		c.folds, c.depth = d.between(3, 5), 0.4
		c.body.knots = []point{{15.2, armpitY}, {12.9, waistY}, {17.2 * wide, hipY}, {17.2*wide + 26*below(hipY), h}}
	case "fit-and-flare":
		c.seam, c.folds, c.depth = waistY, d.between(6, 9), 0.85
		c.body.knots = []point{{14.9, armpitY}, {11.9, waistY}, {18.5 * wide, waistY + 10}, {24.5 * wide, hipY + 4}, {24.5*wide + 26*below(hipY), h}}
	case "sheath":
		c.folds, c.depth = 2, 0.15
		c.body.knots = []point{{14.9, armpitY}, {12.6, waistY}, {16.9, hipY}, {16.3, 104}, {15.2 - 1.5*below(104), math.Max(h, 105)}}
	case "bodycon":
		c.folds, c.depth = 1, 0.1
		c.body.knots = []point{{14.3, armpitY}, {11.3, waistY}, {16.9, hipY}, {14.6, 102}, {11.6, math.Max(h, 104)}}
	case "shift":
		c.folds, c.depth = 2.5, 0.25
		c.body.knots = []point{{16.6, armpitY}, {17.1, waistY}, {18.3, hipY}, {18.6 + 5*below(hipY), h}}
	case "empire":
		c.seam, c.folds, c.depth = 53.5, d.between(5, 7), 0.55
		c.body.knots = []point{{15, armpitY}, {13.4, 53.5}, {15.6, waistY}, {19.5 * wide, hipY}, {19.5*wide + 15*below(hipY), h}}
	case "mermaid":
		flare := math.Max(h-38, 108)
		c.folds, c.depth = d.between(6, 8), 0.8
		c.body.knots = []point{{14.4, armpitY}, {11.4, waistY}, {17, hipY}, {13.6, flare - 8}, {15.5, flare}, {34 * wide, h}}
	case "ball-gown":
		c.seam, c.folds, c.depth = waistY+1, d.between(8, 11), 0.8
		c.body.knots = []point{{14.5, armpitY}, {11.5, waistY}, {27 * wide, waistY + 13}, {34 * wide, hipY + 8}, {36*wide + 16*below(hipY+8), h}}
	case "shirt":
		c.folds, c.depth = 3, 0.3
		c.body.knots = []point{{16.4, armpitY}, {14.6, waistY}, {17.8, hipY}, {18.2 + 8*below(hipY), h}}
	case "wrap":
		c.seam, c.folds, c.depth = waistY, d.between(3, 5), 0.5
		c.body.knots = []point{{15.2, armpitY}, {12.2, waistY}, {17.6, hipY}, {17.6 + 14*below(hipY), h}}
	case "blouson":
		c.seam, c.folds, c.depth = 68, d.between(3, 4.5), 0.35
		c.body.knots = []point{{16.8, armpitY}, {19.4, 60}, {18.6, 65}, {13.4, 68}, {17.6, hipY}, {17.4 + 3*below(hipY), h}}
	}
	for i := range c.body.knots {
		c.body.knots[i].x *= loose
	}
	if c.sleeve == "sleeveless" {
		c.shoulder = d.between(13.2, 15.6)
	}
	c.ease, c.flare = d.between(1.12, 1.3), d.between(-0.06, 0.05)
	if c.silhouette == "blouson" || d.chance(0.18) {
		c.ease, c.flare = d.between(1.3, 1.5), d.between(0.05, 0.3)
	}
	return c
}

// slope of the shoulder seam.
func shoulderLine(x float64) float64 { return 27 + (x-7)*0.37 }

// upper returns the top edge of the dress from its left armpit, over shoulders and neckline, to the
// right one, and the edge of the opening alone, from left to right, on which collars and trims lie.
func (c *cut) upper() (edge, opening []point) {
	w := c.body.at(armpitY)
	right := func(neck ...point) { // neck: from the shoulder seam to the middle
		nx := neck[0].x
		tip := math.Max(c.shoulder, nx+2.2)
		hole := smooth(4, point{tip, shoulderLine(tip)}, point{tip - 1.6, 38}, point{w - 1, 43.5}, point{w, armpitY})
		opening = append(mirrored(reversed(neck)), reversed(neck)[1:]...)
		edge = append(mirrored(hole), opening...)
		edge = append(edge, hole...)
	}
	deep := func(y, top float64) float64 { return top + (y-top)*c.neckDepth }
	armpitLine := func(y, dip float64) { // a straight edge from armpit to armpit
		line := smooth(6, point{-w, armpitY}, point{-w + 0.4, y + 0.5}, point{-w * 0.55, y}, point{0, y + dip}, point{w * 0.55, y}, point{w - 0.4, y + 0.5}, point{w, armpitY})
		edge, opening = line, line
	}
	switch c.neckline {
	case "round", "keyhole":
		right(smooth(5, point{7.8, shoulderLine(7.8)}, point{6.6, 32}, point{3.4, deep(34.6, 28)}, point{0, deep(35.2, 28)})...)
	case "scoop":
		right(smooth(5, point{9.8, shoulderLine(9.8)}, point{9.4, 35.5}, point{5.8, deep(42, 28)}, point{0, deep(43.6, 28)})...)
	case "v-neck":
		right(straight(3, point{8.6, shoulderLine(8.6)}, point{0, deep(47, 28)})...)
	case "boat":
		right(smooth(5, point{14.2, shoulderLine(14.2)}, point{8.5, 31.8}, point{0, 32.4})...)
	case "square":
		y := deep(40, 28)
		right(append(straight(3, point{10.4, shoulderLine(10.4)}, point{9.9, y}), straight(3, point{9.9, y}, point{0, y})...)...)
	case "sweetheart":
		right(append(straight(3, point{11.6, shoulderLine(11.6)}, point{10.8, 38.5}), smooth(5, point{10.6, 39}, point{7.2, 37.6}, point{3, 39.5}, point{0, deep(44.5, 30)})[1:]...)...)
	case "high":
		right(append(straight(1.5, point{5.6, shoulderLine(7)}, point{5.1, 23.4}), smooth(4, point{5, 23.2}, point{2.5, 23.9}, point{0, 24})...)...)
	case "collared":
		right(straight(2, point{6.4, shoulderLine(6.4)}, point{0, deep(37, 28)})...)
	case "cowl":
		right(smooth(5, point{10.6, shoulderLine(10.6)}, point{9.2, 35}, point{5, 40.5}, point{0, deep(41.8, 30)})...)
	case "straight":
		armpitLine(39.5, 0.4)
	case "strapless":
		armpitLine(40, -1.2)
	case "off-shoulder":
		reach := 20.5
		line := smooth(6, point{-reach, 39}, point{-14, 37.2}, point{0, 38.8}, point{14, 37.2}, point{reach, 39})
		edge = append(append([]point{{-w, armpitY + 3}}, line...), point{w, armpitY + 3})
		opening = line
	case "halter":
		nx := 5.2
		side := smooth(5, point{w, armpitY}, point{11.2, 40}, point{7.8, 33}, point{nx, 26.2})
		neck := smooth(5, point{nx - 1.6, 25.6}, point{2.8, 29.5}, point{0, deep(34, 28)})
		half := append(reversed(neck), reversed(side)...)
		edge = append(mirrored(half), half...)
		opening = append(mirrored(reversed(neck)), reversed(neck)[1:]...)
	case "one-shoulder":
		tip := math.Max(c.shoulder, 14)
		line := smooth(5, point{-8.2, shoulderLine(8.2)}, point{-5.5, 33.5}, point{4, 40}, point{w, armpitY})
		hole := smooth(4, point{-w, armpitY}, point{-w + 1, 43.5}, point{-tip + 1.6, 38}, point{-tip, shoulderLine(tip)})
		edge, opening = append(hole, line...), line
	}
	return edge, opening
}

// outline is the whole body of the dress.
func (c *cut) outline() []point {
	edge, _ := c.upper()
	var side []point
	const steps = 26
	for i := range steps {
		y := lerp(armpitY, c.hem, float64(i+1)/steps)
		side = append(side, point{c.body.at(y), y})
	}
	out := append(edge, side...)
	return append(append(out, c.hemLine()...), mirrored(side)...)
}

// hemLine runs from right to left, wavy where the skirt falls in folds.
func (c *cut) hemLine() []point {
	w := c.body.at(c.hem)
	const steps = 28
	var line []point
	for i := 1; i < steps; i++ {
		s := 1 - 2*float64(i)/steps
		y := c.hem + c.sag*(1-s*s)*1.6 + 0.9*c.depth*math.Sin(s*math.Pi*c.folds)
		line = append(line, point{s * w, y})
	}
	return line
}

// sleeveLength is how much of the arm a sleeve covers, in centimetres from the shoulder's tip.
func (c *cut) sleeveLength() float64 {
	switch c.sleeve {
	case "cap":
		return 8.5
	case "short":
		return 20.5
	case "three-quarters":
		return 41
	case "long":
		return armLength
	}
	return 0
}

// sleeves says which arms have one.
func (c *cut) sleeves() [2]bool {
	if c.sleeveLength() == 0 {
		return [2]bool{}
	}
	if c.neckline == "one-shoulder" {
		return [2]bool{true, false}
	}
	return [2]bool{true, true}
}
