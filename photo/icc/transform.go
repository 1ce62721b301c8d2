package icc

import (
	"errors"
	"math"
	"sync"
)

// Transform turns pixels into sRGB: relative colorimetric, as browsers do, and what sRGB cannot show is clipped.
// The nil Transform leaves pixels as they are.
type Transform struct {
	linear [3][256]float32 // the light of each value of a channel
	matrix [3][3]float32   // [to red, green, blue][from the profile's primaries]
}

// toSRGB is the inverse of sRGB's primaries as seen in the light D50, in which profiles meet: XYZ to red, green and
// blue (IEC 61966-2-1, adapted by Bradford's transform as in its own ICC profile).
var toSRGB = [3][3]float64{
	{3.1338561, -1.6168667, -0.4906146},
	{-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427},
}

// unseen is by how much a channel of 255 may be off before a profile is worth a pass over the pixels: that of
// sRGB itself, as it is written with more or fewer digits, is off by less.
const unseen = 2

// offWhite is by how much white may be off: it is white in every sound profile.
const offWhite = 8

// New returns what turns pixels that were meant by a profile into sRGB, nil where nobody would see a difference.
// It is an error if the profile is damaged, makes white something else, or is of a kind that is not known.
func New(data []byte) (*Transform, error) {
	p, err := read(data)
	if err != nil {
		return nil, err
	}
	t := new(Transform)
	for i, c := range p.curves {
		for v := range t.linear[i] {
			light := c(float64(v) / 255)
			if math.IsNaN(light) {
				return nil, errors.New("a curve that is no number somewhere")
			}
			t.linear[i][v] = float32(min(max(light, 0), 1))
		}
	}
	for to := range 3 {
		for from := range 3 {
			for j := range 3 {
				t.matrix[to][from] += float32(toSRGB[to][j] * p.colorants[from][j])
			}
		}
	}
	if t.farthest(255, 255) > offWhite {
		return nil, errors.New("white is not white in it")
	}
	if t.farthest(0, 17) <= unseen {
		return nil, nil
	}
	return t, nil
}

// farthest is the most by which a channel of a colour changes, of all colours whose channels are first, first + step
// and so on.
func (t *Transform) farthest(first, step int) int {
	farthest := 0
	for r := first; r <= 255; r += step {
		for g := first; g <= 255; g += step {
			for b := first; b <= 255; b += step {
				pixel := [3]uint8{uint8(r), uint8(g), uint8(b)}
				t.Apply(pixel[:])
				for c, was := range []int{r, g, b} {
					farthest = max(farthest, int(pixel[c])-was, was-int(pixel[c]))
				}
			}
		}
	}
	return farthest
}

// Apply turns pixels, red, green and blue for each, into sRGB.
func (t *Transform) Apply(pix []uint8) {
	if t == nil {
		return
	}
	encoded := encoded()
	m := t.matrix
	for ; len(pix) >= 3; pix = pix[3:] {
		r, g, b := t.linear[0][pix[0]], t.linear[1][pix[1]], t.linear[2][pix[2]]
		pix[0] = encoded[step(m[0][0]*r+m[0][1]*g+m[0][2]*b)]
		pix[1] = encoded[step(m[1][0]*r+m[1][1]*g+m[1][2]*b)]
		pix[2] = encoded[step(m[2][0]*r+m[2][1]*g+m[2][2]*b)]
	}
}

// steps is in how many steps an amount of light is looked up: a step is 0.2 of the darkest of 255 values.
const steps = 1 << 14

func step(light float32) int { return int(min(max(light, 0), 1)*(steps-1) + 0.5) }

// encoded are the values of sRGB for amounts of light.
var encoded = sync.OnceValue(func() *[steps]uint8 {
	var values [steps]uint8
	for i := range values {
		light := float64(i) / (steps - 1)
		v := 12.92 * light
		if light > 0.0031308 {
			v = 1.055*math.Pow(light, 1/2.4) - 0.055
		}
		values[i] = uint8(255*v + 0.5)
	}
	return &values
})
