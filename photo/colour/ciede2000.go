package colour

import "math"

// ciede2000 is how different two colours look, by CIEDE2000: about 1 can just be told apart, and from about
// 10 on they have other names. The formula and its traps are those of Sharma, Wu and Dalal, "The CIEDE2000
// Color-Difference Formula: Implementation Notes, Supplementary Test Data, and Mathematical Observations",
// Color Research and Application 30 (2005), https://hajim.rochester.edu/ece/sites/gsharma/ciede2000/.
func ciede2000(a, b Lab) float64 { return difference(a, b, 1) }

// difference is ciede2000 with another weight of lightness: kL is 2 for what shading makes of one cloth, as
// it is for textiles (CIE 142).
func difference(x, y Lab, kL float64) float64 {
	mean := (x.chroma() + y.chroma()) / 2
	g := 0.5 * (1 - saturation(mean))
	x.A *= 1 + g
	y.A *= 1 + g
	cx, cy := x.chroma(), y.chroma()
	hx, hy := hue(x), hue(y)

	dL, dC := y.L-x.L, cy-cx
	dh, sum := 0.0, hx+hy
	meanHue := sum // where one of them is grey, the other's hue counts
	if cx*cy != 0 {
		dh = hy - hx
		meanHue = sum / 2
		switch {
		case math.Abs(dh) <= opposite:
		case sum < 360:
			meanHue += 180
		default:
			meanHue -= 180
		}
		if dh > opposite {
			dh -= 360
		} else if dh < -opposite {
			dh += 360
		}
	}
	dH := 2 * math.Sqrt(cx*cy) * math.Sin(radians(dh/2))

	l, c := (x.L+y.L)/2, (cx+cy)/2
	t := 1 - 0.17*math.Cos(radians(meanHue-30)) + 0.24*math.Cos(radians(2*meanHue)) +
		0.32*math.Cos(radians(3*meanHue+6)) - 0.20*math.Cos(radians(4*meanHue-63))
	off := (meanHue - 275) / 25
	rotation := -math.Sin(radians(60*math.Exp(-off*off))) * 2 * saturation(c)
	fromMiddle := (l - 50) * (l - 50)
	sL := 1 + 0.015*fromMiddle/math.Sqrt(20+fromMiddle)
	sC := 1 + 0.045*c
	sH := 1 + 0.015*c*t
	dL, dC, dH = dL/(kL*sL), dC/sC, dH/sH
	return math.Sqrt(max(dL*dL+dC*dC+dH*dH+rotation*dC*dH, 0))
}

// opposite hues are 180 degrees apart, at which the formula jumps: rounding must not decide.
const opposite = 180 + 1e-9

// saturation is the formula's root of c⁷ over c⁷ + 25⁷.
func saturation(c float64) float64 {
	c7 := math.Pow(c, 7)
	return math.Sqrt(c7 / (c7 + 6103515625))
}

// hue in degrees, 0 to 360; 0 for grey.
func hue(c Lab) float64 {
	if c.A == 0 && c.B == 0 {
		return 0
	}
	h := math.Atan2(c.B, c.A) * (180 / math.Pi)
	if h < 0 {
		h += 360
	}
	return h
}

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }
