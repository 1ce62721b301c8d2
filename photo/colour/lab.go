// Package colour reads the colours of a dress from the pixels of its crop, without a network: which pixels are
// dress, their dominant colours in CIELAB with their shares, and the names that people who sell dresses have
// for them. The answer is the same for the same pixels.
package colour

import "math"

// Lab is a colour in CIELAB under the white of D65: L from 0 (black) to 100 (white), A from green to red, B
// from blue to yellow.
type Lab struct {
	L, A, B float64
}

// The white of D65, 2°, for Y = 1 (IEC 61966-2-1).
const (
	whiteX = 0.95047
	whiteZ = 1.08883
)

// fromSRGB converts a colour of 8-bit sRGB: to linear light and XYZ by IEC 61966-2-1, to CIELAB by CIE 15.
func fromSRGB(red, green, blue uint8) Lab {
	r, g, b := linear(red), linear(green), linear(blue)
	x := 0.4124564*r + 0.3575761*g + 0.1804375*b
	y := 0.2126729*r + 0.7151522*g + 0.0721750*b
	z := 0.0193339*r + 0.1191920*g + 0.9503041*b
	fx, fy, fz := cubeRoot(x/whiteX), cubeRoot(y), cubeRoot(z/whiteZ)
	return Lab{116*fy - 16, 500 * (fx - fy), 200 * (fy - fz)}
}

// linear undoes the curve of sRGB.
func linear(v uint8) float64 {
	c := float64(v) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

// cubeRoot is CIELAB's, which is straight where it is dark.
func cubeRoot(t float64) float64 {
	const epsilon, kappa = 216.0 / 24389, 24389.0 / 27
	if t > epsilon {
		return math.Cbrt(t)
	}
	return (kappa*t + 16) / 116
}

// chroma is how far from grey the colour is.
func (c Lab) chroma() float64 { return math.Hypot(c.A, c.B) }
