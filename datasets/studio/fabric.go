package studio

import (
	"math"
	"sync"
)

// fabric is how cloth answers to light.
type fabric struct {
	gloss   float32 // strength of the highlight
	sharp   bool    // a narrow highlight, as of satin
	rim     float32 // brightness where the cloth turns away, as of velvet; negative is darker
	grain   float32 // strength of the weave
	slub    float32 // strength of thick threads
	ribs    float32 // ribs for each centimetre
	sequins bool
	sheer   float32 // how much of the light comes from behind
	folds   float32 // how deep folds look
}

var fabrics = map[string]fabric{
	"cotton":  {grain: 0.035, folds: 0.9, rim: -0.1},
	"jersey":  {grain: 0.02, folds: 1, rim: -0.12},
	"denim":   {grain: 0.1, folds: 0.8, rim: -0.12, slub: 0.05},
	"knit":    {grain: 0.05, ribs: 1.2, folds: 0.7, rim: -0.1},
	"linen":   {grain: 0.06, slub: 0.08, folds: 1.1, rim: -0.08},
	"crepe":   {grain: 0.03, folds: 1, rim: -0.12},
	"wool":    {grain: 0.08, folds: 0.6, rim: -0.08},
	"satin":   {gloss: 0.75, sharp: true, grain: 0.006, folds: 1.35, rim: -0.2},
	"velvet":  {rim: 0.3, grain: 0.03, folds: 1.1},
	"sequins": {gloss: 0.2, sequins: true, folds: 0.8, rim: -0.1},
	"chiffon": {sheer: 0.2, grain: 0.015, folds: 1.1, rim: 0.02},
	"gauze":   {sheer: 0.15, grain: 0.06, slub: 0.04, folds: 1.2, rim: -0.04},
	"lace":    {grain: 0.02, folds: 0.8, rim: -0.08},
}

// grainTable holds numbers of mean 0 and deviation about 1: white noise, and threads of it.
var grainTable = sync.OnceValue(func() *[2][1 << 14]float32 {
	d := roll(key("grain"))
	var t [2][1 << 14]float32
	for i := range t[0] {
		t[0][i] = float32(d.about(0, 1))
	}
	for i := range t[1] { // smooth along one axis of 128 x 128
		var sum float32
		for k := range 12 {
			sum += t[0][(i&^127)|(i+k)&127]
		}
		t[1][i] = sum / 3.5
	}
	return &t
})

var sines = func() (t [1024]float32) {
	for i := range t {
		t[i] = float32(math.Sin(2 * math.Pi * float64(i) / 1024))
	}
	return t
}()

// sine of a number of turns.
func sine(turns float32) float32 { return sines[floor(turns*1024)&1023] }

// drape is how the cloth falls: what a pixel of the dress needs to know of the cut.
type drape struct {
	half  [200]float32 // half-width at each centimetre of height
	depth [200]float32 // of the folds at each height
	folds float32
	phase [3]float32
	swing float32
}

func newDrape(c *cut, d dice, f fabric) *drape {
	r := &drape{folds: float32(c.folds) / 2, swing: float32(d.about(0, 0.012))}
	for i := range r.phase {
		r.phase[i] = float32(d.Float64())
	}
	from := c.seam
	if from == 0 {
		from = waistY + 8
		if c.silhouette == "mermaid" {
			from = math.Max(c.hem-44, 100)
		}
	}
	for y := range r.half {
		r.half[y] = float32(math.Max(c.body.at(float64(y)), 4))
		down := smoothstep(from-1, from+28, float64(y))
		r.depth[y] = f.folds * float32(0.13+0.75*c.depth*down)
		if c.silhouette == "blouson" && float64(y) < c.seam {
			r.depth[y] = f.folds * float32(0.15+0.5*smoothstep(48, 66, float64(y)))
		}
	}
	return r
}

// slope is which way the cloth faces at a place: -1 for left, 1 for right.
func (r *drape) slope(u, v float32) float32 {
	y := min(max(int(v), 0), len(r.half)-1)
	s := u / r.half[y]
	fold := sine(s*r.folds+r.phase[0]+v*r.swing) + 0.55*sine(s*r.folds*2.3+r.phase[1]-v*0.011) + 0.4*sine(v*0.031+s*0.7+r.phase[2])
	n := s*0.72 + 0.42*r.depth[y]*fold
	return min(max(n, -0.98), 0.98)
}

// cloth is the dress's material in one light.
type cloth struct {
	tile  *tile
	f     fabric
	l     light
	shift point // where the print begins, so that no two photos of parts align
	grain *[2][1 << 14]float32
}

// lit is the colour of cloth that lies at u, v and faces n.
func (k *cloth) lit(u, v, n float32) rgb {
	c := k.tile.at(u+float32(k.shift.x), v+float32(k.shift.y))
	z := 1 - 0.5*n*n
	shade := k.l.ambient + k.l.strength*(k.l.x*n+k.l.z*z)
	n2 := n * n
	shade += k.f.rim * n2 * n2
	shade += k.f.sheer * 0.3 * (1 - n2)
	cell := floor(u*5)&127 | floor(v*5)&127<<7
	if k.f.grain > 0 {
		shade += k.f.grain * k.grain[0][cell]
	}
	if k.f.slub > 0 {
		shade += k.f.slub * k.grain[1][floor(u*2.2)&127|floor(v*7)&127<<7]
	}
	if k.f.ribs > 0 {
		shade += 0.07 * sine(u*k.f.ribs)
	}
	c = c.times(max(shade, 0.12))
	d := n - k.l.x*0.6
	h := max(1-d*d*2.2, 0)
	h *= h
	if k.f.sharp {
		h *= h
	}
	// Even matt cloth shines a little, which is what shows the folds of black.
	g := max(k.f.gloss, 0.07) * h * k.l.strength * 150
	if k.f.sequins {
		g *= 0.4
	}
	tint := 0.55 + 0.45*c.luma()/255
	for i := range c {
		c[i] += g * tint * (0.5 + 0.5*c[i]/255)
	}
	if k.f.sequins {
		spark := k.grain[0][(cell*7+31)&(1<<14-1)]
		for i := range c {
			c[i] = c[i]*(1+0.22*spark) + max(spark-1.25, 0)*170
		}
	}
	return c
}

// draped shades the body of a dress, whose u and v are centimetres of the figure's plane.
func (k *cloth) draped(r *drape) shader {
	return func(u, v float32) (rgb, float32) { return k.lit(u, v, r.slope(u, v)), 1 }
}

// rolled shades a sleeve: u runs across from -1 to 1, v along it.
func (k *cloth) rolled(width float32, seed float32) shader {
	return func(u, v float32) (rgb, float32) {
		n := min(max(u*0.8+0.16*k.f.folds*sine(v*0.06+u*0.3+seed), -0.98), 0.98)
		return k.lit(u*width+40*seed, v, n), 1
	}
}

// tinted is the same cloth in one colour, for trims.
func (k *cloth) tinted(c rgb) *cloth {
	plain := *k
	plain.tile = &tile{pix: make([]rgb, tileSize*tileSize), per: tileSize / tileEdge}
	for i := range plain.tile.pix {
		plain.tile.pix[i] = c
	}
	return &plain
}
