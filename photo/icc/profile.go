// Package icc reads the colour profiles that photos come with, and turns pixels that were meant by them into sRGB.
//
// It knows the profiles of displays, cameras and working spaces such as Display P3 and Adobe RGB: three primaries
// and a tone curve for each (ICC.1:2022, "three-component matrix-based profiles"). Those of printers and scanners,
// which are tables, it does not.
package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrUnsupported is of a profile that is none of three primaries and their tone curves.
var ErrUnsupported = errors.New("no matrix-based RGB profile")

// Sizes and positions in a file (ICC.1:2022, 7.2 and 7.3).
const (
	headerSize   = 128
	tagSize      = 12
	maxTags      = 1024
	spaceAt      = 16 // the colour space of the pixels
	connectionAt = 20 // that in which profiles meet
	signatureAt  = 36
)

// profile is what a file says.
type profile struct {
	curves    [3]curve
	colorants [3][3]float64 // [primary][X, Y, Z], seen in the light D50
}

// read finds curves and primaries in a file.
func read(data []byte) (*profile, error) {
	if len(data) < headerSize+4 || string(data[signatureAt:signatureAt+4]) != "acsp" {
		return nil, errors.New("no ICC profile")
	}
	if string(data[spaceAt:spaceAt+4]) != "RGB " || string(data[connectionAt:connectionAt+4]) != "XYZ " {
		return nil, ErrUnsupported
	}
	tags := map[string][]byte{}
	rest := data[headerSize+4:]
	for n := min(binary.BigEndian.Uint32(data[headerSize:]), maxTags); n > 0 && len(rest) >= tagSize; n-- {
		at, size := int64(binary.BigEndian.Uint32(rest[4:])), int64(binary.BigEndian.Uint32(rest[8:]))
		if at+size > int64(len(data)) {
			return nil, fmt.Errorf("the tag %q ends beyond the profile", rest[:4])
		}
		tags[string(rest[:4])] = data[at : at+size]
		rest = rest[tagSize:]
	}
	p := new(profile)
	for i, primary := range []string{"r", "g", "b"} {
		colorant, tone := tags[primary+"XYZ"], tags[primary+"TRC"]
		if colorant == nil || tone == nil {
			return nil, ErrUnsupported
		}
		if len(colorant) < 20 || string(colorant[:4]) != "XYZ " {
			return nil, fmt.Errorf("the tag %sXYZ is no colour", primary)
		}
		for j := range 3 {
			p.colorants[i][j] = fixed(colorant[8+4*j:])
		}
		var err error
		if p.curves[i], err = readCurve(tone); err != nil {
			return nil, fmt.Errorf("the tag %sTRC: %w", primary, err)
		}
	}
	return p, nil
}

// curve maps what a pixel says, 0 to 1, to an amount of light, 0 to 1.
type curve func(v float64) float64

// readCurve reads a curveType or a parametricCurveType (10.6 and 10.18).
func readCurve(tag []byte) (curve, error) {
	if len(tag) < 12 {
		return nil, errors.New("too short")
	}
	switch string(tag[:4]) {
	case "curv":
		return sampledCurve(tag[12:], int64(binary.BigEndian.Uint32(tag[8:])))
	case "para":
		return parametricCurve(tag[12:], int(binary.BigEndian.Uint16(tag[8:])))
	}
	return nil, fmt.Errorf("a curve of the unknown kind %q", tag[:4])
}

// sampledCurve is a table of n amounts; of none it is the identity, and of one a power.
func sampledCurve(table []byte, n int64) (curve, error) {
	if int64(len(table)) < 2*n {
		return nil, errors.New("a table that is cut off")
	}
	at := func(i int) float64 { return float64(binary.BigEndian.Uint16(table[2*i:])) }
	switch n {
	case 0:
		return func(v float64) float64 { return v }, nil
	case 1:
		gamma := at(0) / 256
		return func(v float64) float64 { return math.Pow(v, gamma) }, nil
	}
	return func(v float64) float64 {
		x := v * float64(n-1)
		i := min(int(x), int(n)-2)
		left, right := at(i), at(i+1)
		return (left + (right-left)*(x-float64(i))) / 65535
	}, nil
}

// parametricCurve is one of the functions of table 68: (a v + b)^g + e from d on, and c v + f below.
func parametricCurve(parameters []byte, function int) (curve, error) {
	counts := []int{1, 3, 4, 5, 7}
	if function >= len(counts) || len(parameters) < 4*counts[function] {
		return nil, fmt.Errorf("function %d, or what it needs, is not known", function)
	}
	var p [7]float64
	for i := range counts[function] {
		p[i] = fixed(parameters[4*i:])
	}
	g, a, b, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch function {
	case 0:
		a = 1
	case 1, 2:
		if a == 0 {
			return nil, errors.New("a curve without a slope")
		}
		// Below d function 1 is nothing, and function 2 the constant that it adds elsewhere, too.
		e, f, c, d = c, c, 0, -b/a
	}
	return func(v float64) float64 {
		if v < d {
			return c*v + f
		}
		return math.Pow(a*v+b, g) + e
	}, nil
}

// fixed reads an s15Fixed16Number.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }
