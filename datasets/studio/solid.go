package studio

import "math"

// solid fills an outline in centimetres; the shader's u and v are centimetres too.
func (c *canvas) solid(outline []point, view warp, s shader) {
	c.cloth(outline, view, s, false)
}

// cloth is solid for a part of the dress, if isDress. holes run the other way round.
func (c *canvas) cloth(outline []point, view warp, s shader, isDress bool, holes ...[]point) bool {
	all := [][]point{view.all(outline)}
	for _, h := range holes {
		all = append(all, view.all(h))
	}
	if !c.shape(all...) {
		return false
	}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range outline {
		x0, y0, x1, y1 = math.Min(x0, p.x), math.Min(y0, p.y), math.Max(x1, p.x), math.Max(y1, p.y)
	}
	c.place(grid(x0-1, y0-1, x1+1, y1+1, view))
	c.fill(s, isDress)
	return true
}

// grid lays a mesh over a rectangle in centimetres, fine enough for a view to bend it.
func grid(x0, y0, x1, y1 float64, view warp) mesh {
	cols := min(max(int((x1-x0)/10), 1), 8) + 1
	rows := min(max(int((y1-y0)/10), 1), 14) + 1
	m := mesh{cols: cols, rows: rows, at: make([]vertex, 0, cols*rows)}
	for j := range rows {
		for i := range cols {
			p := point{lerp(x0, x1, float64(i)/float64(cols-1)), lerp(y0, y1, float64(j)/float64(rows-1))}
			m.at = append(m.at, vertex{view(p), float32(p.x), float32(p.y)})
		}
	}
	return m
}

// tube fills a limb along a line: u runs across from -1 to 1, v along in centimetres.
func (c *canvas) tube(line []point, halfWidth func(i int) float64, view warp, s shader) {
	c.tubeCloth(line, halfWidth, view, s, false)
}

// tubeCloth is tube for a sleeve.
func (c *canvas) tubeCloth(line []point, halfWidth func(i int) float64, view warp, s shader, isDress bool) {
	n := len(line)
	if n < 2 {
		return
	}
	outline := make([]point, 2*n)
	m := mesh{cols: 2, rows: n, at: make([]vertex, 2*n)}
	run := float32(0)
	for i, p := range line {
		if i > 0 {
			run += float32(p.sub(line[i-1]).length())
		}
		q := normal(line, i).times(halfWidth(i))
		a, b := view(p.sub(q)), view(p.add(q))
		outline[i], outline[2*n-1-i] = a, b
		wide := p.add(q.times(1.25)) // a little beyond, so that rounding leaves no pixel without a place
		narrow := p.sub(q.times(1.25))
		// On the screen the line's normal points to the right of a line that runs down.
		m.at[2*i], m.at[2*i+1] = vertex{view(narrow), -1.25, run}, vertex{view(wide), 1.25, run}
		if wide.x < narrow.x {
			m.at[2*i].u, m.at[2*i+1].u = 1.25, -1.25
		}
	}
	if !c.shape(outline) {
		return
	}
	c.place(m)
	c.fill(s, isDress)
}
