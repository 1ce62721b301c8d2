package studio

import "math"

// thick returns the outline of a line of a width.
func thick(line []point, width float64) []point {
	n := len(line)
	out := make([]point, 2*n)
	for i, p := range line {
		q := normal(line, i).times(width / 2)
		out[i] = p.add(q)
		out[2*n-1-i] = p.sub(q)
	}
	return out
}

// normal is the unit vector across a line at its i-th point, to the left of its way on the screen.
func normal(line []point, i int) point {
	d := line[min(i+1, len(line)-1)].sub(line[max(i-1, 0)])
	l := d.length()
	if l == 0 {
		return point{1, 0}
	}
	return point{d.y / l, -d.x / l}
}

// smooth draws a Catmull-Rom curve through the points, steps pieces between each two.
func smooth(steps int, points ...point) []point {
	if len(points) < 3 {
		return points
	}
	out := make([]point, 0, (len(points)-1)*steps+1)
	for i := 0; i+1 < len(points); i++ {
		p0, p1, p2, p3 := points[max(i-1, 0)], points[i], points[i+1], points[min(i+2, len(points)-1)]
		for k := range steps {
			t := float64(k) / float64(steps)
			out = append(out, point{hermite(p0.x, p1.x, p2.x, p3.x, t), hermite(p0.y, p1.y, p2.y, p3.y, t)})
		}
	}
	return append(out, points[len(points)-1])
}

func hermite(a, b, c, d, t float64) float64 {
	return b + 0.5*t*(c-a+t*(2*a-5*b+4*c-d+t*(3*(b-c)+d-a)))
}

// straight draws a line in pieces of at most step, so that a warp can bend it; the first point is left
// out so that pieces join.
func straight(step float64, a, b point) []point {
	n := max(int(math.Ceil(b.sub(a).length()/step)), 1)
	out := make([]point, n)
	for i := range out {
		out[i] = a.to(b, float64(i+1)/float64(n))
	}
	return out
}

// oval is an ellipse turned by an angle.
func oval(centre point, rx, ry, angle float64, steps int) []point {
	out := make([]point, steps)
	for i := range out {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(steps))
		out[i] = centre.add(point{rx * c, ry * s}.turned(angle))
	}
	return out
}

// box is a rectangle in pieces of a step.
func box(x0, y0, x1, y1, step float64) []point {
	a, b, c, d := point{x0, y0}, point{x1, y0}, point{x1, y1}, point{x0, y1}
	out := straight(step, a, b)
	out = append(out, straight(step, b, c)...)
	out = append(out, straight(step, c, d)...)
	return append(out, straight(step, d, a)...)
}

// mirrored is the line with x negated, backwards.
func mirrored(line []point) []point {
	out := make([]point, len(line))
	for i, p := range line {
		out[len(line)-1-i] = point{-p.x, p.y}
	}
	return out
}

// reversed is the line backwards.
func reversed(line []point) []point {
	out := make([]point, len(line))
	for i, p := range line {
		out[len(line)-1-i] = p
	}
	return out
}

// all maps a line.
func (w warp) all(line []point) []point {
	out := make([]point, len(line))
	for i, p := range line {
		out[i] = w(p)
	}
	return out
}

// profile is a half-width that changes with the height: knots from top to bottom, smooth between them.
type profile struct{ knots []point } // x: half-width, y: height

// at returns the half-width at a height by monotone-safe Catmull-Rom over the knots.
func (f profile) at(y float64) float64 {
	k := f.knots
	if y <= k[0].y {
		return k[0].x
	}
	for i := 0; i+1 < len(k); i++ {
		if y > k[i+1].y {
			continue
		}
		h := k[i+1].y - k[i].y
		t := (y - k[i].y) / h
		slope := (k[i+1].x - k[i].x) / h
		m0, m1 := slope, slope
		if i > 0 {
			m0 = tangent((k[i].x-k[i-1].x)/(k[i].y-k[i-1].y), slope)
		}
		if i+2 < len(k) {
			m1 = tangent(slope, (k[i+2].x-k[i+1].x)/(k[i+2].y-k[i+1].y))
		}
		t2, t3 := t*t, t*t*t
		return (2*t3-3*t2+1)*k[i].x + (t3-2*t2+t)*h*m0 + (3*t2-2*t3)*k[i+1].x + (t3-t2)*h*m1
	}
	return k[len(k)-1].x
}

// tangent keeps a curve through knots from overshooting (Fritsch and Carlson, 1980, in its harmonic form).
func tangent(before, after float64) float64 {
	if before*after <= 0 {
		return 0
	}
	return 2 * before * after / (before + after)
}
