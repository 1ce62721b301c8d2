package studio

import "math"

// rgb is a colour in 8-bit sRGB, as floats so that shading does not round.
type rgb [3]float32

func hex(v uint32) rgb {
	return rgb{float32(v >> 16 & 255), float32(v >> 8 & 255), float32(v & 255)}
}

func (c rgb) mix(o rgb, t float32) rgb {
	return rgb{c[0] + (o[0]-c[0])*t, c[1] + (o[1]-c[1])*t, c[2] + (o[2]-c[2])*t}
}

func (c rgb) times(f float32) rgb { return rgb{c[0] * f, c[1] * f, c[2] * f} }

// luma is how light the colour looks, 0 to 255.
func (c rgb) luma() float32 { return 0.299*c[0] + 0.587*c[1] + 0.114*c[2] }

func (c rgb) bytes() [3]uint8 {
	var b [3]uint8
	for i, v := range c {
		b[i] = uint8(min(max(v+0.5, 0), 255))
	}
	return b
}

// hsl returns a colour of a hue in degrees, saturation and lightness 0..1.
func hsl(h, s, l float64) rgb {
	f := func(n float64) float32 {
		k := math.Mod(n+h/30, 12)
		if k < 0 {
			k += 12
		}
		a := s * math.Min(l, 1-l)
		return float32(255 * (l - a*math.Max(-1, math.Min(math.Min(k-3, 9-k), 1))))
	}
	return rgb{f(0), f(8), f(4)}
}

// dye is a named colour of cloth: a range of hue (degrees), saturation and lightness that a person
// would call by the name, and the label of the facet colour (photo/colour) that it belongs to.
type dye struct {
	name   string
	label  string
	h0, h1 float64
	s0, s1 float64
	l0, l1 float64
}

func (d dye) draw(r dice) rgb {
	return hsl(r.between(d.h0, d.h1), r.between(d.s0, d.s1), r.between(d.l0, d.l1))
}

var dyes = []dye{
	{"black", "black", 220, 280, 0.0, 0.10, 0.07, 0.12},
	{"charcoal", "grey", 200, 240, 0.02, 0.10, 0.20, 0.30},
	{"grey", "grey", 200, 240, 0.00, 0.06, 0.48, 0.66},
	{"white", "white", 30, 60, 0.00, 0.20, 0.92, 0.97},
	{"ivory", "white", 38, 50, 0.35, 0.55, 0.85, 0.90},
	{"beige", "beige", 30, 40, 0.22, 0.36, 0.68, 0.78},
	{"camel", "brown", 27, 35, 0.38, 0.52, 0.46, 0.56},
	{"brown", "brown", 14, 26, 0.32, 0.50, 0.20, 0.31},
	{"navy", "navy", 218, 234, 0.45, 0.68, 0.15, 0.23},
	{"blue", "blue", 207, 226, 0.55, 0.82, 0.38, 0.52},
	{"sky", "light-blue", 198, 214, 0.45, 0.72, 0.68, 0.79},
	{"teal", "turquoise", 176, 192, 0.52, 0.82, 0.22, 0.33},
	{"turquoise", "turquoise", 170, 184, 0.52, 0.75, 0.48, 0.60},
	{"mint", "turquoise", 146, 164, 0.32, 0.52, 0.74, 0.83},
	{"green", "green", 120, 148, 0.40, 0.68, 0.26, 0.40},
	{"emerald", "green", 150, 164, 0.68, 0.92, 0.20, 0.30},
	{"olive", "olive", 62, 80, 0.28, 0.42, 0.26, 0.37},
	{"lime", "green", 70, 84, 0.55, 0.76, 0.50, 0.62},
	{"yellow", "yellow", 46, 54, 0.74, 0.92, 0.54, 0.66},
	{"mustard", "yellow", 40, 46, 0.64, 0.82, 0.40, 0.49},
	{"orange", "orange", 18, 30, 0.78, 0.92, 0.50, 0.59},
	{"coral", "coral", 4, 14, 0.66, 0.86, 0.62, 0.70},
	{"red", "red", 352, 364, 0.70, 0.88, 0.38, 0.48},
	{"burgundy", "burgundy", 340, 354, 0.52, 0.72, 0.19, 0.28},
	{"pink", "pink", 326, 342, 0.62, 0.86, 0.60, 0.72},
	{"blush", "pink", 350, 372, 0.36, 0.56, 0.79, 0.86},
	{"fuchsia", "pink", 314, 328, 0.68, 0.86, 0.42, 0.52},
	{"lilac", "lilac", 262, 282, 0.30, 0.50, 0.70, 0.80},
	{"purple", "purple", 268, 288, 0.40, 0.64, 0.25, 0.37},
	{"gold", "gold", 38, 46, 0.44, 0.58, 0.48, 0.57},
	{"silver", "silver", 210, 230, 0.04, 0.10, 0.64, 0.74},
	{"denim", "blue", 211, 221, 0.30, 0.46, 0.28, 0.50},
}

func findDye(name string) dye {
	for _, d := range dyes {
		if d.name == name {
			return d
		}
	}
	panic("studio: no dye is called " + name) // the names stand in this package only
}
