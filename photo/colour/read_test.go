package colour

import (
	"hash/fnv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

// crop is a dress that fills its box, grey around it: striped in the colours given.
func crop(stripes ...[3]uint8) (m *photo.Image, box photo.Box) {
	m = photo.New(128, 192)
	box = photo.Box{XMin: 20, YMin: 8, XMax: 108, YMax: 184}
	for y := range m.Height {
		for x := range m.Width {
			c := [3]uint8{120, 126, 120}
			if x >= box.XMin && x < box.XMax && y >= box.YMin && y < box.YMax {
				c = stripes[y/8%len(stripes)]
			}
			copy(m.Pix[3*(y*m.Width+x):], c[:])
		}
	}
	return m, box
}

func TestRead(t *testing.T) {
	red, navy, white, green, yellow := [3]uint8{196, 30, 36}, [3]uint8{23, 32, 63}, [3]uint8{248, 247, 244}, [3]uint8{47, 125, 70}, [3]uint8{240, 208, 48}
	for _, c := range []struct {
		name    string
		stripes [][3]uint8
		label   string
		shares  map[string]float64
	}{
		{"plain", [][3]uint8{red}, "red", map[string]float64{"red": 1}},
		{"two thirds", [][3]uint8{navy, navy, white}, "navy", map[string]float64{"navy": 0.67, "white": 0.33}},
		{"many", [][3]uint8{red, navy, white, green, yellow}, multicolour,
			map[string]float64{"red": 0.2, "navy": 0.2, "white": 0.2, "green": 0.2, "yellow": 0.2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, box := crop(c.stripes...)
			r := Divide(m, box, m.Frame()).Read()
			require.Equal(t, r, Divide(m, box, m.Frame()).Read())
			best, sum := 0, 0.0
			for i, e := range r.Evidence {
				sum += e
				if e > r.Evidence[best] {
					best = i
				}
			}
			require.InDelta(t, 1, sum, 1e-4)
			require.Equal(t, c.label, Labels()[best])
			require.Len(t, r.Dominant, len(c.shares))
			for _, d := range r.Dominant {
				require.InDelta(t, c.shares[d.Name], d.Share, 0.04, d.Name)
				require.Equal(t, d.Name, nameOf(d.Lab))
			}
		})
	}
}

// TestShadesOfOneName are one colour, that of the larger shade.
func TestShadesOfOneName(t *testing.T) {
	light, dark, white := [3]uint8{235, 60, 60}, [3]uint8{170, 15, 25}, [3]uint8{248, 247, 244}
	require.Equal(t, "red", nameOf(fromSRGB(light[0], light[1], light[2])))
	require.Equal(t, "red", nameOf(fromSRGB(dark[0], dark[1], dark[2])))
	m, box := crop(white, white, white, white, light, light, dark, dark, dark, dark)
	r := Divide(m, box, m.Frame()).Read()
	require.Len(t, r.Dominant, 2)
	require.Equal(t, "red", r.Dominant[0].Name, "both shades together are more than the white")
	require.InDelta(t, 0.55, r.Dominant[0].Share, 0.05)
	require.Less(t, ciede2000(r.Dominant[0].Lab, fromSRGB(dark[0], dark[1], dark[2])), 3.0)
	require.InDelta(t, 1, r.Dominant[0].Share+r.Dominant[1].Share, 1e-3)
}

// TestReadsWhatItMeasures compares a colour that is read with the one that was painted.
func TestReadsWhatItMeasures(t *testing.T) {
	m, box := crop([3]uint8{196, 30, 36})
	got, want := Divide(m, box, m.Frame()).Read().Dominant[0].Lab, fromSRGB(196, 30, 36)
	require.Less(t, ciede2000(got, want), 1.5, "%v, painted %v", got, want)
}

func TestReadNothing(t *testing.T) {
	m, box := crop([3]uint8{196, 30, 36})
	require.Zero(t, Divide(m, photo.Box{}, m.Frame()).Read())
	require.Zero(t, Divide(m, box, photo.Box{}).Read())
	require.Zero(t, Divide(m, box, photo.Box{XMin: 500, YMin: 500, XMax: 600, YMax: 600}).Read())
	require.Empty(t, Reading{}.Logits())
}

// TestSwatches checks that each label's swatch has its name.
func TestSwatches(t *testing.T) {
	for _, n := range names {
		for _, v := range n.shades {
			require.Equal(t, n.label, nameOf(fromSRGB(uint8(v>>16), uint8(v>>8), uint8(v))), "%06x", v)
		}
		require.Regexp(t, "^#[0-9a-f]{6}$", Swatch(n.label))
	}
	require.Empty(t, Swatch(multicolour))
	require.Equal(t, "#1a2b3c", hexText(0x1a2b3c))
}

func BenchmarkRead(b *testing.B) {
	m, box := crop([3]uint8{196, 30, 36}, [3]uint8{23, 32, 63}, [3]uint8{248, 247, 244})
	for i := range m.Pix { // shades, as in a photo
		m.Pix[i] = uint8(min(max(int(m.Pix[i])+i*31%37-18, 0), 255))
	}
	for b.Loop() {
		Divide(m, box, m.Frame()).Read()
	}
}

// TestEveryColourIsTheSame checks that all machines have the same colours: they may round the last bit of a
// root or a sum in other ways.
func TestEveryColourIsTheSame(t *testing.T) {
	h := fnv.New64a()
	for _, lab := range everyColour().lab {
		for _, v := range lab {
			h.Write([]byte{byte(v), byte(v >> 8)})
		}
	}
	require.Equal(t, uint64(0xff408945e4067261), h.Sum64())
}

// TestLikelihood: a pixel's colour says whether it is dress, inside of the box and beside it.
func TestLikelihood(t *testing.T) {
	m, box := crop([3]uint8{196, 30, 36})
	copy(m.Pix[3*(5*m.Width+5):], []uint8{196, 30, 36}) // beside the box
	frame := photo.Box{XMin: 4, YMin: 2, XMax: 124, YMax: 190}
	l := Divide(m, box, frame).Likelihood()
	require.Len(t, l, m.Width*m.Height)
	at := func(x, y int) float32 { return l[y*m.Width+x] }
	require.Greater(t, at(60, 100), float32(0.7))
	require.Equal(t, at(60, 100), at(20, 8), "at the rim as in the middle")
	require.Equal(t, at(60, 100), at(5, 5))
	require.Less(t, at(10, 100), float32(0.1))
	require.Zero(t, at(2, 100), "beyond the photo")
	require.Zero(t, at(60, 190))

	require.Len(t, Divide(m, photo.Box{}, frame).Likelihood(), len(l), "of no box there are zeros")
}
