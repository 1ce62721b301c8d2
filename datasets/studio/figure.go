package studio

import "math"

// The figure's plane is measured in centimetres: x to the right of the middle, y down from the crown. A
// figure is 172 cm tall. Dresses are cut in the same plane, so that they fit.
const (
	shoulderY = 31.5 // the tip of the shoulder
	shoulderX = 17.5
	armpitY   = 45.0
	waistY    = 63.0
	hipY      = 84.0
	soleY     = 172.0
	armLength = 57.0 // from the tip of the shoulder to the wrist
)

// figure is a woman who wears something.
type figure struct {
	skin, hair, lips rgb
	hairStyle        string
	shoes            rgb
	heels            bool
	arms             [2][]point // left and right on the picture, shoulder to hand
	legs             [2][]point // hip to toe
	handBehind       [2]bool
	turn             float64 // how much narrower she looks for having turned, 0.8..1
	lean, sway, tilt float64 // cm at the head, cm at the hip, slope of the shoulders
}

var skins = []rgb{hex(0xf3d3bd), hex(0xe8bd9f), hex(0xd9a583), hex(0xc18a66), hex(0x9a6646), hex(0x74482f), hex(0x57351f)}

var hairs = []rgb{hex(0x1a1512), hex(0x2d2019), hex(0x4a3022), hex(0x6b452b), hex(0x946437), hex(0xc79a58), hex(0x8c3b22), hex(0x8d8781)}

func drawFigure(d dice, query bool) figure {
	f := figure{
		skin: skins[d.IntN(len(skins))], hair: hairs[d.IntN(len(hairs))],
		hairStyle: pick(d, "long", "bob", "bun", "wavy", "short", "ponytail"),
		heels:     d.chance(0.6),
		turn:      d.between(0.93, 1), lean: d.about(0, 1.5), sway: d.about(0, 1.2), tilt: d.about(0, 0.02),
	}
	f.lips = f.skin.mix(hex(0xb03a48), 0.55)
	f.shoes = pick(d, hex(0x1c1a1d), hex(0xe9dfd2), f.skin.times(0.8), hex(0x7a2b2b), hex(0x6d5138), hex(0xd8d8dc))
	if query {
		f.turn, f.lean, f.sway, f.tilt = d.between(0.84, 1), d.about(0, 3.5), d.about(0, 2.5), d.about(0, 0.045)
	}
	for side := range 2 {
		x := float64(2*side - 1)
		f.arms[side], f.handBehind[side] = drawArm(d, x, query)
		f.legs[side] = drawLeg(d, x, f.heels)
	}
	if d.chance(0.35) { // one foot before the other
		f.legs[0][2].x += 6
		f.legs[0][1].x += 3.5
	}
	return f
}

// drawArm poses an arm, and says whether its hand is behind the back; side is -1 for the left of the
// picture.
func drawArm(d dice, side float64, query bool) (arm []point, behind bool) {
	kind := pick(d, "down", "down", "down", "hip", "back", "front")
	if query {
		kind = pick(d, "down", "down", "hip", "front", "up", "out")
	}
	s := point{side * (shoulderX - 1.2), shoulderY - 0.6}
	at := func(x, y float64) point { return point{side * (x + d.about(0, 1)), y + d.about(0, 1)} }
	switch kind {
	case "hip":
		return smooth(5, s, at(25, 46), at(30, 60), at(24, 69), at(18, 75)), false
	case "front":
		return smooth(5, s, at(22, 47), at(23.5, 61), at(15, 71), at(5, 78)), false
	case "up":
		return smooth(5, s, at(26, 42), at(31, 50), at(25, 38), at(16, 24)), false
	case "out":
		return smooth(5, s, at(24, 45), at(29, 57), at(34, 70), at(39, 82)), false
	case "back":
		return smooth(5, s, at(22, 47), at(24, 60), at(21, 72), at(16, 82)), true
	}
	return smooth(5, s, at(21.5, 47), at(23.5, 61), at(24.5, 75), at(24.5, 91)), false
}

func drawLeg(d dice, side float64, heels bool) []point {
	foot := d.about(5.6, 1.2)
	toe := point{side * (foot + 2), soleY}
	if heels {
		toe = point{side * (foot + 0.8), soleY + 1}
	}
	return []point{{side * 7.6, 88}, {side * d.about(6.1, 0.5), 122}, {side * foot, 161}, toe}
}

// bend poses the trunk: it maps the upright figure to the posed one, still in centimetres.
func (f *figure) bend(p point) point {
	up := clamp((118-p.y)/118, -0.6, 1)
	return point{
		p.x*f.turn + f.lean*up + f.sway*math.Sin(math.Pi*clamp((p.y-30)/110, 0, 1)),
		p.y + f.tilt*p.x*clamp((hipY-p.y)/50, 0, 1),
	}
}

// paintBehind paints what a dress lies over: hair at the back, legs, trunk, arms.
func (f *figure) paintBehind(c *canvas, view warp, l light) {
	hair := f.hair.times(0.72)
	switch f.hairStyle {
	case "long", "wavy":
		wave := 0.0
		if f.hairStyle == "wavy" {
			wave = 1.6
		}
		line := smooth(4, point{-8.6, 9}, point{-10.5 - wave, 22}, point{-11.5 + wave, 34}, point{-9.5 - wave, 43}, point{-3, 45})
		c.paint(hair, 1, view.all(append(line, mirrored(line)...)))
	case "bob":
		line := smooth(4, point{-8.6, 8}, point{-10.3, 17}, point{-9.6, 25}, point{-3, 26})
		c.paint(hair, 1, view.all(append(line, mirrored(line)...)))
	case "ponytail":
		c.paint(hair, 1, view.all(smooth(4, point{5, 3}, point{12, 8}, point{13.5, 24}, point{11, 36}, point{9, 26}, point{6, 10})))
	}
	for side := range 2 {
		f.paintLeg(c, view, l, side)
	}
	trunk := smooth(4, point{-4.2, 20}, point{-4.9, 26.5}, point{-8, 28.8}, point{-15, 30.6}, point{-17.3, 34}, point{-14.4, 45}, point{-12.4, 54},
		point{-11.2, 62}, point{-13.5, 72}, point{-16, 83}, point{-15.5, 93}, point{-2, 96})
	c.solid(append(trunk, mirrored(trunk)...), view, f.skinShader(l, 17, 0))
	for side := range 2 {
		f.paintArm(c, view, l, side, 0)
	}
}

func (f *figure) paintLeg(c *canvas, view warp, l light, side int) {
	leg := smooth(5, f.legs[side]...)
	widths := profile{[]point{{8.4, 88}, {7.1, 104}, {5.1, 121}, {5.5, 133}, {4.2, 148}, {2.8, 161}, {3, 168}}}
	c.tube(leg[:len(leg)-2], func(i int) float64 { return widths.at(leg[i].y) }, view, f.skinShader(l, 0, 0.06))
	ankle, toe := f.legs[side][2], f.legs[side][3]
	shoe := smooth(3, ankle.add(point{-3.3, 1}), ankle.add(point{-3.8, 5}), toe.add(point{-3.4, -1}), toe.add(point{0, 1.5}), toe.add(point{3.4, -1}), ankle.add(point{3.8, 5}), ankle.add(point{3.3, 1}), ankle.add(point{1.5, 5}), ankle.add(point{-1.5, 5}))
	c.paint(f.shoes, 1, view.all(shoe))
}

// paintArm paints an arm from a length, in centimetres below the shoulder, to the hand.
func (f *figure) paintArm(c *canvas, view warp, l light, side int, from float64) {
	total := lineLength(f.arms[side])
	arm := resampled(cutLine(f.arms[side], from), 24)
	widths := profile{[]point{{5.4, 0}, {4.9, 12}, {3.9, 28}, {3.8, 34}, {2.6, 54}, {2.5, 62}}}
	run := from
	at := make([]float64, len(arm))
	for i := range arm {
		if i > 0 {
			run += arm[i].sub(arm[i-1]).length()
		}
		at[i] = run * 62 / total
	}
	c.tube(arm, func(i int) float64 { return widths.at(at[i]) * rounded(at[i]/6) }, view, f.skinShader(l, 0, 0.06))
	hand := arm[len(arm)-1]
	before := arm[max(len(arm)-3, 0)]
	dir := hand.sub(before)
	angle := math.Atan2(dir.y, dir.x)
	palm := hand.add(dir.times(3.2 / math.Max(dir.length(), 0.1)))
	c.solid(oval(palm, 5.6, 3, angle, 14), view, f.skinShader(l, 0, 0.05))
}

// skinShader lights skin as if it were round. half is the half-width of a trunk whose u is in
// centimetres; 0 for a limb, whose u runs from -1 to 1.
func (f *figure) skinShader(l light, half, darker float32) shader {
	skin := f.skin.times(1 - darker)
	return func(u, _ float32) (rgb, float32) {
		if half > 0 {
			u /= half
		}
		n := min(max(u, -1), 1) * 0.75
		return skin.times(l.ambient + l.strength*(l.x*n+l.z*(1-0.5*n*n))), 1
	}
}

// paintHead paints head and hair, over whatever collar there is.
func (f *figure) paintHead(c *canvas, view warp, l light) {
	neck := []point{{-4, 18}, {4, 18}, {4.4, 25}, {-4.4, 25}}
	c.paint(f.skin.times((l.ambient+l.strength*0.8)*0.86), 1, view.all(neck))
	face := smooth(4, point{0, 1.5}, point{-6, 4}, point{-7.3, 11}, point{-5.9, 17.5}, point{-2.3, 22}, point{0, 22.6})
	c.solid(append(face, mirrored(face)...), view, f.skinShader(l, 9, 0))
	ink := hex(0x2a1d18)
	for _, s := range []float64{-1, 1} {
		c.paint(f.skin.mix(rgb{246, 244, 240}, 0.6), 0.9, view.all(oval(point{s * 3, 12}, 1.25, 0.55, 0, 8)))
		c.paint(ink, 0.9, view.all(oval(point{s * 3, 12}, 0.66, 0.6, 0, 8)))
		c.paint(f.hair.times(0.7), 0.85, view.all([]point{{s * 1.7, 10.2}, {s * 3.2, 9.3}, {s * 4.7, 10.1}, {s * 3.2, 9.8}}))
	}
	c.paint(f.skin.times(0.72), 0.55, view.all([]point{{-0.4, 12.5}, {0.9, 15.7}, {-0.8, 15.9}}))
	c.paint(f.lips, 0.95, view.all(oval(point{0, 18.4}, 2.1, 0.78, 0, 10)))
	crown := []point{{-7.7, 12}, {-8.3, 7}, {-6.4, 1.2}, {0, -1.2}, {6.4, 1.2}, {8.3, 7}, {7.7, 12}, {6.6, 7.5}, {3, 4.3}, {-2, 5}, {-6.3, 8}}
	if f.hairStyle == "short" || f.hairStyle == "bun" || f.hairStyle == "ponytail" {
		crown = []point{{-7.4, 10}, {-7.9, 6}, {-6, 1.2}, {0, -0.8}, {6, 1.2}, {7.9, 6}, {7.4, 10}, {6.4, 6}, {2.5, 3.8}, {-2.5, 3.8}, {-6.4, 6}}
	}
	closed := append(smooth(3, crown...), crown[0])
	c.paint(f.hair.times(l.ambient+l.strength*0.85), 1, view.all(closed))
	if f.hairStyle == "bun" {
		c.paint(f.hair.times(0.95), 1, view.all(oval(point{0.5, -2.6}, 4.3, 3.7, 0, 14)))
	}
	if f.hairStyle == "long" || f.hairStyle == "wavy" {
		for _, s := range []float64{-1, 1} {
			lock := smooth(3, point{s * 7.8, 7}, point{s * 9.4, 18}, point{s * 9.2, 29}, point{s * 7.7, 27}, point{s * 7.3, 15})
			c.paint(f.hair.times(0.9), 1, view.all(lock))
		}
	}
}

// lineLength is the length of a polyline.
func lineLength(line []point) float64 {
	var sum float64
	for i := 1; i < len(line); i++ {
		sum += line[i].sub(line[i-1]).length()
	}
	return sum
}

// cutLine drops the first part of a line.
func cutLine(line []point, from float64) []point {
	for i := 1; i < len(line); i++ {
		step := line[i].sub(line[i-1]).length()
		if from < step {
			return append([]point{line[i-1].to(line[i], from/step)}, line[i:]...)
		}
		from -= step
	}
	return line[len(line)-2:]
}

// keepLine keeps the first part of a line, and goes straight on where the line is too short.
func keepLine(line []point, length float64) []point {
	out := []point{line[0]}
	for i := 1; i < len(line); i++ {
		step := line[i].sub(line[i-1]).length()
		if length <= step {
			return append(out, line[i-1].to(line[i], length/step))
		}
		out = append(out, line[i])
		length -= step
	}
	return out
}

// rounded is the half-width of a limb's end, as a share of the limb's: a quarter of a circle.
func rounded(t float64) float64 {
	t = 1 - clamp(t, 0, 1)
	return math.Max(math.Sqrt(1-t*t), 0.05)
}
