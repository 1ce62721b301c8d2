package studio

import (
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// point is a place: in centimetres on the figure or the cloth (x to the right, y down), or in pixels.
type point struct{ x, y float64 }

func (p point) add(q point) point           { return point{p.x + q.x, p.y + q.y} }
func (p point) sub(q point) point           { return point{p.x - q.x, p.y - q.y} }
func (p point) times(f float64) point       { return point{p.x * f, p.y * f} }
func (p point) to(q point, t float64) point { return point{lerp(p.x, q.x, t), lerp(p.y, q.y, t)} }

// length is the distance from the origin.
func (p point) length() float64 { return math.Hypot(p.x, p.y) }

// turned is p turned by an angle, clockwise on the screen.
func (p point) turned(angle float64) point {
	s, c := math.Sincos(angle)
	return point{p.x*c - p.y*s, p.x*s + p.y*c}
}

// warp maps one plane to another.
type warp func(point) point

// canvas is a photo in the making.
type canvas struct {
	w, h  int
	pix   []uint8 // [h, w, 3]
	dress []uint8 // [h, w] how much of the pixel is the dress; nil where nobody asks

	raster vector.Rasterizer
	cover  []uint8         // coverage of the shape being filled, row by row within area
	area   image.Rectangle // of the shape being filled
	uv     []float32       // [area, 2] where on the cloth each pixel of the area lies
}

func newCanvas(w, h int) *canvas {
	return &canvas{w: w, h: h, pix: make([]uint8, 3*w*h), cover: make([]uint8, w*h)}
}

// shape rasterises closed outlines in pixels into c.cover; false where nothing of them is in the
// frame. An outline that runs the other way round cuts a hole.
func (c *canvas) shape(outlines ...[]point) bool {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, o := range outlines {
		for _, p := range o {
			x0, y0, x1, y1 = math.Min(x0, p.x), math.Min(y0, p.y), math.Max(x1, p.x), math.Max(y1, p.y)
		}
	}
	x0, y0 = math.Max(x0, 0), math.Max(y0, 0)
	x1, y1 = math.Min(x1, float64(c.w)), math.Min(y1, float64(c.h))
	if !(x0 < x1 && y0 < y1) {
		return false
	}
	c.area = image.Rect(int(x0), int(y0), int(math.Ceil(x1)), int(math.Ceil(y1)))
	w, h := c.area.Dx(), c.area.Dy()
	c.raster.Reset(w, h)
	c.raster.DrawOp = draw.Src
	dx, dy := float32(c.area.Min.X), float32(c.area.Min.Y)
	for _, o := range outlines {
		for i, p := range o {
			if i == 0 {
				c.raster.MoveTo(float32(p.x)-dx, float32(p.y)-dy)
			} else {
				c.raster.LineTo(float32(p.x)-dx, float32(p.y)-dy)
			}
		}
		c.raster.ClosePath()
	}
	mask := image.Alpha{Pix: c.cover[:w*h], Stride: w, Rect: image.Rect(0, 0, w, h)}
	c.raster.Draw(&mask, mask.Rect, image.Opaque, image.Point{})
	return true
}

// place fills c.uv for the pixels of c.area from a mesh: cols x rows vertices with their pixels and
// their places on the cloth.
func (c *canvas) place(m mesh) {
	n := 2 * c.area.Dx() * c.area.Dy()
	if cap(c.uv) < n {
		c.uv = make([]float32, n)
	}
	c.uv = c.uv[:n]
	for j := 0; j+1 < m.rows; j++ {
		for i := 0; i+1 < m.cols; i++ {
			a, b := &m.at[j*m.cols+i], &m.at[j*m.cols+i+1]
			d, e := &m.at[(j+1)*m.cols+i], &m.at[(j+1)*m.cols+i+1]
			c.triangle(a, b, d)
			c.triangle(b, e, d)
		}
	}
}

// mesh is a grid of vertices.
type mesh struct {
	cols, rows int
	at         []vertex // [rows, cols]
}

// vertex is a point in pixels and where on the cloth it lies.
type vertex struct {
	p    point
	u, v float32
}

// triangle interpolates u and v over the pixels of a triangle, and half a pixel beyond it so that
// neighbours leave no gap.
func (c *canvas) triangle(a, b, d *vertex) {
	det := (b.p.x-a.p.x)*(d.p.y-a.p.y) - (d.p.x-a.p.x)*(b.p.y-a.p.y)
	if math.Abs(det) < 1e-9 {
		return
	}
	top := math.Min(a.p.y, math.Min(b.p.y, d.p.y))
	bottom := math.Max(a.p.y, math.Max(b.p.y, d.p.y))
	y0 := max(int(math.Floor(top-1)), c.area.Min.Y)
	y1 := min(int(math.Ceil(bottom+1)), c.area.Max.Y)
	if y0 >= y1 {
		return
	}
	// u = ux*x + uy*y + u0 over the triangle, v likewise.
	du1, du2 := float64(b.u-a.u), float64(d.u-a.u)
	dv1, dv2 := float64(b.v-a.v), float64(d.v-a.v)
	inv := 1 / det
	bx, by, ex, ey := b.p.x-a.p.x, b.p.y-a.p.y, d.p.x-a.p.x, d.p.y-a.p.y
	ux, uy := (du1*ey-du2*by)*inv, (du2*bx-du1*ex)*inv
	vx, vy := (dv1*ey-dv2*by)*inv, (dv2*bx-dv1*ex)*inv
	edges := [3][2]point{{a.p, b.p}, {b.p, d.p}, {d.p, a.p}}
	w := c.area.Dx()
	for y := y0; y < y1; y++ {
		// The span of the row: where the row's middle, kept within the triangle, cuts its edges.
		fy := clamp(float64(y)+0.5, top, bottom)
		left, right := math.Inf(1), math.Inf(-1)
		for _, e := range edges {
			p, q := e[0], e[1]
			if p.y > q.y {
				p, q = q, p
			}
			if fy < p.y || fy > q.y {
				continue
			}
			if q.y-p.y < 1e-9 {
				left, right = math.Min(left, math.Min(p.x, q.x)), math.Max(right, math.Max(p.x, q.x))
				continue
			}
			x := p.x + (q.x-p.x)*(fy-p.y)/(q.y-p.y)
			left, right = math.Min(left, x), math.Max(right, x)
		}
		x0 := max(int(math.Floor(left-1)), c.area.Min.X)
		x1 := min(int(math.Ceil(right+1)), c.area.Max.X)
		if x0 >= x1 {
			continue
		}
		px, py := float64(x0)+0.5-a.p.x, float64(y)+0.5-a.p.y
		u := a.u + float32(ux*px+uy*py)
		v := a.v + float32(vx*px+vy*py)
		du, dv := float32(ux), float32(vx)
		out := c.uv[2*((y-c.area.Min.Y)*w+x0-c.area.Min.X):]
		for i := range x1 - x0 {
			out[2*i], out[2*i+1] = u, v
			u += du
			v += dv
		}
	}
}

// shader colours one pixel of a shape that lies at u, v: the colour and how opaque it is, 0..1.
type shader func(u, v float32) (rgb, float32)

// fill paints c.cover. isDress says whether the shape counts as the dress; otherwise it hides it.
func (c *canvas) fill(s shader, isDress bool) {
	w := c.area.Dx()
	for y := c.area.Min.Y; y < c.area.Max.Y; y++ {
		row := (y - c.area.Min.Y) * w
		cover := c.cover[row : row+w]
		uv := c.uv[2*row : 2*(row+w)]
		pix := c.pix[3*(y*c.w+c.area.Min.X):]
		var dress []uint8
		if c.dress != nil {
			dress = c.dress[y*c.w+c.area.Min.X:]
		}
		for x, a := range cover {
			if a == 0 {
				continue
			}
			colour, opacity := s(uv[2*x], uv[2*x+1])
			blend(pix[3*x:3*x+3:3*x+3], colour, float32(a)*opacity*(1.0/255))
			if dress != nil {
				mark(&dress[x], a, isDress, opacity)
			}
		}
	}
}

// flat paints c.cover in one colour.
func (c *canvas) flat(colour rgb, opacity float32, isDress bool) {
	w := c.area.Dx()
	for y := c.area.Min.Y; y < c.area.Max.Y; y++ {
		row := (y - c.area.Min.Y) * w
		pix := c.pix[3*(y*c.w+c.area.Min.X):]
		var dress []uint8
		if c.dress != nil {
			dress = c.dress[y*c.w+c.area.Min.X:]
		}
		for x, a := range c.cover[row : row+w] {
			if a == 0 {
				continue
			}
			blend(pix[3*x:3*x+3:3*x+3], colour, float32(a)*opacity*(1.0/255))
			if dress != nil {
				mark(&dress[x], a, isDress, opacity)
			}
		}
	}
}

// mark notes how much of a pixel is the dress after a shape went over it. Cloth that lets light
// through is the dress all the same; a thin shadow over it hides nothing.
func mark(dress *uint8, cover uint8, isDress bool, opacity float32) {
	switch {
	case isDress:
		*dress = max(*dress, cover)
	case opacity > 0.5:
		*dress = uint8(uint32(*dress) * uint32(255-cover) / 255)
	}
}

func blend(pix []uint8, c rgb, a float32) {
	for i := range pix {
		old := float32(pix[i])
		pix[i] = uint8(min(max(old+(c[i]-old)*a+0.5, 0), 255))
	}
}

// paint fills outlines in one colour.
func (c *canvas) paint(colour rgb, opacity float32, outlines ...[]point) {
	if c.shape(outlines...) {
		c.flat(colour, opacity, false)
	}
}

// stroke draws a line of a width in pixels. Lines on the dress are part of it.
func (c *canvas) stroke(line []point, width float64, colour rgb, opacity float32, isDress bool) {
	if len(line) < 2 || !c.shape(thick(line, width)) {
		return
	}
	c.flat(colour, opacity, isDress)
}
