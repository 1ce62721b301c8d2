package photo

import (
	"bytes"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func noise(seed uint64, width, height int) *Image {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := New(width, height)
	for i := range m.Pix {
		m.Pix[i] = uint8(rng.Uint32())
	}
	return m
}

// slowLetterbox is the same picture in real numbers, written down from what Letterbox promises: for each
// output pixel the mean of the region's pixels, weighted by a triangle as wide as two output pixels or,
// if that is more, two source pixels, first along rows and then along columns.
func slowLetterbox(m *Image, region, inside Box, width, height int) []float64 {
	out := make([]float64, 3*width*height)
	for i := range out {
		out[i] = 128
	}
	pixel := func(x, y, c int) float64 {
		x, y = x+region.XMin, y+region.YMin
		if x < 0 || x >= m.Width || y < 0 || y >= m.Height {
			return 128
		}
		return float64(m.Pix[3*(y*m.Width+x)+c])
	}
	weights := func(i, n, size int) map[int]float64 {
		step := float64(n) / float64(size)
		centre, reach := (float64(i)+0.5)*step, max(step, 1)
		found, sum := map[int]float64{}, 0.0
		for j := range n {
			if w := 1 - math.Abs(float64(j)+0.5-centre)/reach; w > 0 {
				found[j] = w
				sum += w
			}
		}
		for j := range found {
			found[j] /= sum
		}
		return found
	}
	for y := range inside.Height() {
		rows := weights(y, region.Height(), inside.Height())
		for x := range inside.Width() {
			columns := weights(x, region.Width(), inside.Width())
			for c := range 3 {
				sum := 0.0
				for j, v := range rows {
					for i, u := range columns {
						sum += u * v * pixel(i, j, c)
					}
				}
				out[3*((inside.YMin+y)*width+inside.XMin+x)+c] = sum
			}
		}
	}
	return out
}

// TestLetterboxInAssembly checks that assembly and portable code give the same pixels.
func TestLetterboxInAssembly(t *testing.T) {
	if !simd {
		t.Skip("no assembly on this machine")
	}
	defer func() { simd = true }()
	rng := rand.New(rand.NewPCG(6, 1))
	for n := range 400 {
		m := noise(uint64(n), 1+rng.IntN(150), 1+rng.IntN(150))
		region := m.Frame()
		if n%2 == 1 { // any part, also beyond the photo
			region = Box{rng.IntN(60) - 30, rng.IntN(60) - 30, 0, 0}
			region.XMax, region.YMax = region.XMin+1+rng.IntN(170), region.YMin+1+rng.IntN(170)
		}
		width, height := 1+rng.IntN(90), 1+rng.IntN(90)
		simd = false
		filters.bySizes = make(map[[2]int]*filter) // made for one or the other
		want, _ := Letterbox(m, region, width, height)
		simd = true
		filters.bySizes = make(map[[2]int]*filter)
		got, _ := Letterbox(m, region, width, height)
		require.Equal(t, want, got, "%d x %d, %v to %d x %d", m.Width, m.Height, region, width, height)
	}
}

func TestLetterboxAgainstRealNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for n := range 60 {
		m := noise(uint64(n), 1+rng.IntN(60), 1+rng.IntN(60))
		region := m.Frame()
		if n%3 == 1 { // any part, also beyond the photo
			region = Box{rng.IntN(40) - 20, rng.IntN(40) - 20, 0, 0}
			region.XMax, region.YMax = region.XMin+1+rng.IntN(70), region.YMin+1+rng.IntN(70)
		}
		width, height := 1+rng.IntN(40), 1+rng.IntN(40)
		got, placement := Letterbox(m, region, width, height)
		require.Equal(t, region, placement.Region)
		want := slowLetterbox(m, region, placement.Inside, width, height)
		for i, v := range want {
			// Half a level for each of the two roundings, and what 13-bit weights cost.
			require.InDelta(t, v, got.Pix[i], 1.1, "%d x %d, %v to %d x %d: at %d", m.Width, m.Height, region, width, height, i)
		}
	}
}

// TestLetterboxGeometry checks that a bright spot lands where the placement says, and that the place is
// as large as it can be and in the middle.
func TestLetterboxGeometry(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for range 40 {
		m := New(100+rng.IntN(400), 100+rng.IntN(400))
		x0, y0 := 20+rng.IntN(m.Width-60), 20+rng.IntN(m.Height-60)
		for y := y0; y < y0+16; y++ {
			for x := x0; x < x0+16; x++ {
				copy(m.Pix[3*(y*m.Width+x):], []uint8{255, 255, 255})
			}
		}
		got, placement := Letterbox(m, m.Frame(), 128, 96)
		var sum, sumX, sumY float64
		for y := placement.Inside.YMin; y < placement.Inside.YMax; y++ {
			for x := placement.Inside.XMin; x < placement.Inside.XMax; x++ {
				v := float64(got.Pix[3*(y*128+x)])
				sum, sumX, sumY = sum+v, sumX+v*(float64(x)+0.5), sumY+v*(float64(y)+0.5)
			}
		}
		wantX, wantY := placement.FromPhoto(float64(x0+8), float64(y0+8))
		require.InDelta(t, wantX, sumX/sum, 0.1)
		require.InDelta(t, wantY, sumY/sum, 0.1)

		in := placement.Inside
		require.True(t, in.Width() == 128 || in.Height() == 96)
		require.LessOrEqual(t, abs(in.XMin-(128-in.XMax)), 1)
		require.LessOrEqual(t, abs(in.YMin-(96-in.YMax)), 1)
		aspect := float64(m.Width) / float64(m.Height)
		require.InDelta(t, float64(in.Width()), aspect*float64(in.Height()), max(1, aspect))
	}
}

func abs(v int) int { return max(v, -v) }

func TestPlacementRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for range 200 {
		x, y := rng.IntN(100)-50, rng.IntN(100)-50
		region := Box{x, y, x + 1 + rng.IntN(500), y + 1 + rng.IntN(500)}
		_, p := Letterbox(New(1, 1), region, 1+rng.IntN(200), 1+rng.IntN(200))
		u, v := rng.Float64()*300-50, rng.Float64()*300-50
		a, b := p.ToPhoto(u, v)
		backU, backV := p.FromPhoto(a, b)
		require.InDelta(t, u, backU, 1e-9)
		require.InDelta(t, v, backV, 1e-9)
		a, b = p.ToPhoto(float64(p.Inside.XMin), float64(p.Inside.YMin))
		require.Equal(t, []float64{float64(region.XMin), float64(region.YMin)}, []float64{a, b})
		a, b = p.ToPhoto(float64(p.Inside.XMax), float64(p.Inside.YMax))
		require.Equal(t, []float64{float64(region.XMax), float64(region.YMax)}, []float64{a, b})
	}
}

// TestShrink makes a photo fit, none larger, and brings boxes along, which keep a pixel at least.
func TestShrink(t *testing.T) {
	m := New(400, 800)
	small, p := Shrink(m, m.Frame(), 260, 200)
	require.Equal(t, []int{100, 200}, []int{small.Width, small.Height})
	require.Equal(t, Box{25, 50, 75, 100}, p.BoxFromPhoto(Box{100, 200, 300, 400}))
	require.Equal(t, Box{25, 50, 26, 51}, p.BoxFromPhoto(Box{100, 200, 101, 201}))
	small, p = Shrink(m, Box{100, 200, 150, 260}, 260, 200)
	require.Equal(t, []int{50, 60}, []int{small.Width, small.Height})
	require.Equal(t, small.Frame(), p.BoxFromPhoto(p.Region))
}

// TestLetterboxKeepsFlatColours checks that weights sum to one: a flat colour is not changed by a level.
func TestLetterboxKeepsFlatColours(t *testing.T) {
	for _, v := range []uint8{0, 1, 127, 254, 255} {
		m := New(97, 61)
		for i := range m.Pix {
			m.Pix[i] = v
		}
		for _, size := range [][2]int{{13, 7}, {97, 61}, {200, 300}, {1, 1}} {
			got, p := Letterbox(m, m.Frame(), size[0], size[1])
			for y := range got.Height {
				for x := range got.Width {
					want := uint8(128)
					if x >= p.Inside.XMin && x < p.Inside.XMax && y >= p.Inside.YMin && y < p.Inside.YMax {
						want = v
					}
					require.Equal(t, want, got.Pix[3*(y*got.Width+x)], "%d at (%d, %d) of %v", v, x, y, size)
				}
			}
		}
	}
}

func TestLetterboxSameSizeIsACopy(t *testing.T) {
	m := noise(1, 32, 24)
	got, placement := Letterbox(m, m.Frame(), 32, 24)
	require.Equal(t, m, got)
	require.Equal(t, Placement{m.Frame(), m.Frame()}, placement)
	// A part, at its own size.
	got, _ = Letterbox(m, Box{4, 5, 20, 17}, 16, 12)
	for y := range 12 {
		require.Equal(t, m.row(y + 5)[3*4:3*20], got.row(y))
	}
}

func TestLetterboxOfNothingIsGrey(t *testing.T) {
	for _, region := range []Box{{}, {5, 5, 5, 9}, {9, 9, 2, 2}, {0, 0, 1<<24 + 1, 10}, {100, 100, 110, 110}, {-20, -20, -10, -10}} {
		got, p := Letterbox(noise(1, 8, 8), region, 6, 4)
		for _, v := range got.Pix {
			require.Equal(t, uint8(128), v, "%v", region)
		}
		x, y := p.ToPhoto(1, 1)
		require.False(t, math.IsNaN(x+y) || math.IsInf(x+y, 0), "%v", region)
	}
}

// TestLetterboxBits pins the pixels, on which every index depends: whoever changes them changes the
// name of the preprocessing (models.preprocessing), too.
func TestLetterboxBits(t *testing.T) {
	m := noise(7, 301, 203)
	down, _ := Letterbox(m, m.Frame(), 128, 192)
	up, _ := Letterbox(m, Box{-10, 20, 40, 60}, 112, 80)
	require.Equal(t, "507a29c54873b7407109ea9d294b99ff85beeefb7395f988793e0d5868ece545", ID(down.Pix))
	require.Equal(t, "4dc89cacb54a0b24221e0cf1a56b6ad80f33040a28dbc0fe8c613a0deebfe854", ID(up.Pix))
	for range 3 {
		again, _ := Letterbox(m, m.Frame(), 128, 192)
		require.Equal(t, down, again)
	}
}

func TestNormalise(t *testing.T) {
	m := noise(2, 5, 4)
	mean, deviation := [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	dst := make([]float32, len(m.Pix)+1)
	dst[len(m.Pix)] = 7
	Normalise(dst, m, mean, deviation)
	for i, v := range m.Pix {
		want := (float64(v)/255 - float64(mean[i%3])) / float64(deviation[i%3])
		require.InDelta(t, want, dst[i], 1e-6)
	}
	require.Equal(t, float32(7), dst[len(m.Pix)])
	large := noise(3, 37, 29)
	want, got := make([]float32, len(large.Pix)), make([]float32, len(large.Pix))
	Normalise(got, large, mean, deviation)
	func() {
		defer func(old bool) { simd = old }(simd)
		simd = false
		Normalise(want, large, mean, deviation)
	}()
	require.Equal(t, want, got, "with and without assembly")
	require.Panics(t, func() { Normalise(make([]float32, 3), m, mean, deviation) })
}

func TestThumbnail(t *testing.T) {
	for _, c := range []struct{ width, height, longest, wantWidth, wantHeight int }{
		{400, 300, 200, 200, 150}, {300, 400, 200, 150, 200}, {50, 20, 200, 50, 20}, {1000, 1, 100, 100, 1}, {10, 10, 0, 1, 1},
	} {
		m := New(c.width, c.height)
		for i := range m.Pix {
			m.Pix[i] = []uint8{200, 30, 40}[i%3]
		}
		data, err := Thumbnail(m, c.longest)
		require.NoError(t, err)
		config, err := jpeg.DecodeConfig(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, []int{c.wantWidth, c.wantHeight}, []int{config.Width, config.Height})
		back, err := Decode(data, DefaultLimits())
		require.NoError(t, err)
		for i := range 3 {
			require.InDelta(t, m.Pix[i], back.Pix[i], 4)
		}
	}
}

func TestBox(t *testing.T) {
	b := Box{10, 20, 30, 60}
	require.Equal(t, []int{20, 40, 800}, []int{b.Width(), b.Height(), b.Area()})
	require.Equal(t, Box{8, 16, 32, 64}, b.Grow(0.1))
	require.Equal(t, Box{15, 30, 25, 50}, b.Grow(-0.25))
	require.True(t, b.Grow(-0.6).Empty())
	for _, c := range []struct {
		other Box
		iou   float64
	}{
		{b, 1}, {Box{30, 20, 50, 60}, 0}, {Box{20, 20, 40, 60}, 1.0 / 3}, {Box{10, 20, 20, 40}, 0.25}, {Box{}, 0}, {Box{50, 70, 40, 65}, 0},
	} {
		require.InDelta(t, c.iou, b.IoU(c.other), 1e-12, "%v", c.other)
		require.InDelta(t, c.iou, c.other.IoU(b), 1e-12, "%v", c.other)
	}
	require.Zero(t, Box{}.IoU(Box{}))
	require.True(t, b.Intersect(Box{100, 100, 200, 200}).Empty())
	require.Zero(t, b.Intersect(Box{100, 100, 200, 200}).Area())
}

func TestID(t *testing.T) {
	// FIPS 180-4's example of SHA-256.
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ID([]byte("abc")))
}

func TestImageIsAnImage(t *testing.T) {
	m := quarters()
	r, g, b, a := m.At(20, 5).RGBA()
	require.Equal(t, []uint32{30, 160, 60, 255}, []uint32{r >> 8, g >> 8, b >> 8, a >> 8})
	_, _, _, a = m.At(32, 5).RGBA()
	require.Zero(t, a, "beyond the picture")
}

func BenchmarkLetterbox(b *testing.B) {
	m := noise(1, 1200, 1600)
	for b.Loop() {
		Letterbox(m, m.Frame(), 128, 192)
	}
}
