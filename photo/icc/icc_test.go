package icc

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	srgbPrimaries = [3][3]float64{{0.4360747, 0.2225045, 0.0139322}, {0.3850649, 0.7168786, 0.0971045}, {0.1430804, 0.0606169, 0.7141733}}
	p3Primaries   = [3][3]float64{{0.51512, 0.2412, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.1571, 0.06657, 0.78407}}
)

// parametric is a curve tag (ICC.1:2022, 10.18).
func parametric(function uint16, parameters ...float64) []byte {
	tag := binary.BigEndian.AppendUint16([]byte("para\x00\x00\x00\x00"), function)
	tag = append(tag, 0, 0)
	for _, p := range parameters {
		tag = binary.BigEndian.AppendUint32(tag, uint32(int32(math.Round(p*65536))))
	}
	return tag
}

// sampled is a curve tag (10.6).
func sampled(values ...uint16) []byte {
	tag := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), uint32(len(values)))
	for _, v := range values {
		tag = binary.BigEndian.AppendUint16(tag, v)
	}
	return tag
}

var srgbCurve = parametric(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)

// file is a profile of primaries and one curve for all.
func file(primaries [3][3]float64, curve []byte) []byte {
	head := make([]byte, headerSize)
	copy(head[spaceAt:], "RGB XYZ ")
	copy(head[signatureAt:], "acsp")
	names := []string{"rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"}
	table, body := binary.BigEndian.AppendUint32(nil, uint32(len(names))), []byte(nil)
	for i, name := range names {
		tag := curve
		if i < 3 {
			tag = []byte("XYZ \x00\x00\x00\x00")
			for _, v := range primaries[i] {
				tag = binary.BigEndian.AppendUint32(tag, uint32(int32(math.Round(v*65536))))
			}
		}
		table = append(table, name...)
		table = binary.BigEndian.AppendUint32(table, uint32(headerSize+4+tagSize*len(names)+len(body)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(tag)))
		body = append(body, tag...)
	}
	return bytes.Join([][]byte{head, table, body}, nil)
}

// TestDisplayP3 compares with what LittleCMS makes of the same pixels.
func TestDisplayP3(t *testing.T) {
	transform, err := New(file(p3Primaries, srgbCurve))
	require.NoError(t, err)
	for p3, want := range map[[3]uint8][3]uint8{
		{0, 0, 0}: {0, 0, 0}, {255, 255, 255}: {255, 255, 255}, {128, 128, 128}: {128, 128, 128},
		{255, 0, 0}: {255, 0, 0}, {0, 255, 0}: {0, 255, 0}, {0, 0, 255}: {0, 0, 255}, // beyond sRGB: clipped
		{234, 51, 35}: {255, 0, 0}, {117, 251, 76}: {0, 255, 0}, // sRGB's own primaries, as P3 has them
		{179, 128, 102}: {188, 125, 97},
	} {
		pixel := p3
		transform.Apply(pixel[:])
		for c := range pixel {
			require.InDelta(t, want[c], pixel[c], 3, "%v: %v, want %v", p3, pixel, want)
		}
	}
	for v := range 256 {
		pixel := []uint8{uint8(v), uint8(v), uint8(v)}
		transform.Apply(pixel)
		require.Equal(t, []uint8{uint8(v), uint8(v), uint8(v)}, pixel, "both have the same greys")
	}
}

// TestSRGB: nothing is done to pixels of profiles that say sRGB, as a function, as a table, or nearly, by a power.
func TestSRGB(t *testing.T) {
	table := make([]uint16, 1024)
	curve, err := readCurve(srgbCurve)
	require.NoError(t, err)
	for i := range table {
		table[i] = uint16(65535*curve(float64(i)/1023) + 0.5)
	}
	for _, tag := range [][]byte{srgbCurve, sampled(table...)} {
		transform, err := New(file(srgbPrimaries, tag))
		require.NoError(t, err)
		require.Nil(t, transform)
		transform.Apply([]uint8{1, 2, 3})
	}
	transform, err := New(file(srgbPrimaries, sampled(461))) // 1.8, as of old screens
	require.NoError(t, err)
	pixel := []uint8{128, 128, 128}
	transform.Apply(pixel)
	require.InDeltaSlice(t, []uint8{145, 145, 145}, pixel, 1) // 0.502^1.8 of light
}

func TestCurves(t *testing.T) {
	for name, c := range map[string]struct {
		tag  []byte
		want [3]float64 // at 0.2, 0.5 and 0.9
	}{
		"identity":   {sampled(), [3]float64{0.2, 0.5, 0.9}},
		"power":      {sampled(512), [3]float64{0.04, 0.25, 0.81}},
		"table":      {sampled(0, 0, 65535), [3]float64{0, 0, 0.8}},
		"function 0": {parametric(0, 2), [3]float64{0.04, 0.25, 0.81}},
		"function 1": {parametric(1, 2, 2, -1), [3]float64{0, 0, 0.64}},
		"function 2": {parametric(2, 2, 2, -1, 0.1), [3]float64{0.1, 0.1, 0.74}},
		"function 3": {parametric(3, 2, 1, 0, 0.5, 0.5), [3]float64{0.1, 0.25, 0.81}},
		"function 4": {parametric(4, 2, 1, 0, 0.5, 0.5, 0.1, 0.05), [3]float64{0.15, 0.35, 0.91}},
	} {
		curve, err := readCurve(c.tag)
		require.NoError(t, err, name)
		for i, v := range []float64{0.2, 0.5, 0.9} {
			require.InDelta(t, c.want[i], curve(v), 1e-4, "%s at %v", name, v)
		}
	}
}

func TestRefused(t *testing.T) {
	sound := file(p3Primaries, srgbCurve)
	change := func(at int, to string) []byte {
		data := bytes.Clone(sound)
		copy(data[at:], to)
		return data
	}
	for name, data := range map[string][]byte{
		"empty":            nil,
		"a header alone":   sound[:headerSize],
		"cut off":          sound[:len(sound)-1],
		"no profile":       change(signatureAt, "    "),
		"a printer's":      change(spaceAt, "CMYK"),
		"of tables":        change(connectionAt, "Lab "),
		"no primaries":     change(headerSize+4, "xxxx"),
		"no curve":         change(headerSize+4+3*tagSize, "xxxx"),
		"no colour":        change(headerSize+4+6*tagSize, "what"),
		"far away":         change(headerSize+8, "\xff\xff\xff\xff\xff\xff\xff\xff"),
		"swapped":          file([3][3]float64{{0.1, 0.2, 0.3}, {0.1, 0.2, 0.3}, {0.1, 0.2, 0.3}}, srgbCurve),
		"an unknown curve": file(p3Primaries, []byte("mluc\x00\x00\x00\x00\x00\x00\x00\x00")),
		"a short curve":    file(p3Primaries, []byte("para")),
		"a cut off table":  file(p3Primaries, sampled(1, 2, 3)[:16]),
		"function 5":       file(p3Primaries, parametric(5, 1, 1, 1, 1, 1, 1, 1)),
		"few parameters":   file(p3Primaries, parametric(3, 1, 1)),
		"no slope":         file(p3Primaries, parametric(1, 2, 0, 1)),
		"no number":        file(p3Primaries, parametric(3, 2.4, 1, -2, 1, 0)),
	} {
		transform, err := New(data)
		require.Error(t, err, name)
		require.Nil(t, transform, name)
	}
}

func FuzzNew(f *testing.F) {
	f.Add(file(p3Primaries, srgbCurve))
	f.Add(file(srgbPrimaries, sampled(0, 100, 65535)))
	f.Add(file(p3Primaries, parametric(4, 2, 1, 0, 0.5, 0.5, 0.1, 0.05)))
	f.Fuzz(func(t *testing.T, data []byte) {
		transform, err := New(data)
		if err != nil && transform != nil {
			t.Fatal("both a transform and an error")
		}
		pixel := []uint8{255, 255, 255}
		transform.Apply(pixel)
		for _, v := range pixel {
			if v < 255-offWhite {
				t.Fatalf("white became %v", pixel)
			}
		}
	})
}

func BenchmarkApply(b *testing.B) {
	transform, err := New(file(p3Primaries, srgbCurve))
	require.NoError(b, err)
	pix := make([]uint8, 3*768*576)
	for i := range pix {
		pix[i] = uint8(i * 7)
	}
	b.SetBytes(int64(len(pix)))
	for b.Loop() {
		transform.Apply(pix)
	}
}
