package photo

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// scene is a picture of broad waves with an edge here and there, so that pixels can be compared.
func scene(width, height int) *Image {
	m := New(width, height)
	for y := range height {
		for x := range width {
			p := m.Pix[3*(y*width+x):]
			wave := 60 * math.Sin(float64(x)/90) * math.Cos(float64(y)/70)
			p[0], p[1], p[2] = uint8(128+wave), uint8(40+150*x/width), uint8(200-150*y/height)
			if x/200%3 == 1 && y/260%3 == 1 {
				p[0] /= 2
			}
		}
	}
	return m
}

func meanDifference(a, b *Image) float64 {
	sum := 0
	for i := range a.Pix {
		sum += abs(int(a.Pix[i]) - int(b.Pix[i]))
	}
	return float64(sum) / float64(len(a.Pix))
}

// TestOpenReduces checks that what is cut out of a large file is about what is cut out of its full pixels,
// however the camera was held: whole or in part, and exactly the same where the part is small.
func TestOpenReduces(t *testing.T) {
	for _, size := range []struct{ width, height, reduce int }{{1607, 1213, 2}, {3205, 2411, 4}} {
		file, err := EncodeJPEG(scene(size.width, size.height), 92)
		require.NoError(t, err)
		for orientation := 1; orientation <= 8; orientation++ {
			if size.reduce > 2 && orientation%5 != 1 {
				continue // two of them are enough for the time they take
			}
			name := fmt.Sprintf("%d x %d, orientation %d", size.width, size.height, orientation)
			data := withEXIF(t, file, binary.BigEndian, orientation)
			full, err := Decode(data, DefaultLimits())
			require.NoError(t, err)
			opened, err := Open(data, DefaultLimits())
			require.NoError(t, err)
			require.Equal(t, full.Frame(), opened.Frame(), name)
			require.Equal(t, []int{full.Width / size.reduce, full.Height / size.reduce}, []int{opened.Width, opened.Height}, name)

			width, height := full.Width, full.Height
			for _, region := range []Box{
				full.Frame(),
				{width / 5, height / 6, width * 4 / 5, height * 5 / 6},
				{-100, height / 3, width / 2, height + 150},
				{width / 3, height / 3, width/3 + 400, height/3 + 350},
			} {
				want, at := Letterbox(full, region, 128, 160)
				got, gotAt := Letterbox(opened, region, 128, 160)
				require.Less(t, meanDifference(want, got), 0.8, "%s: %v", name, region)
				for _, point := range [][2]float64{{0, 0}, {128, 160}, {50, 70}} {
					wantX, wantY := at.ToPhoto(point[0], point[1])
					x, y := gotAt.ToPhoto(point[0], point[1])
					// A reduced pixel here, and a pixel of the letterboxed picture where its bars are a row thicker.
					most := float64(size.reduce) + float64(region.Width()+region.Height())/128
					require.InDelta(t, wantX, x, most, "%s: %v", name, region)
					require.InDelta(t, wantY, y, most, "%s: %v", name, region)
				}
			}
			small := Box{width / 2, height / 2, width/2 + 90, height/2 + 110}
			want, at := Letterbox(full, small, 128, 160)
			got, gotAt := Letterbox(opened, small, 128, 160)
			require.Equal(t, want, got, name)
			require.Equal(t, at, gotAt, name)

			thumbnail, err := Thumbnail(opened, 320)
			require.NoError(t, err)
			back, err := Decode(thumbnail, DefaultLimits())
			require.NoError(t, err)
			require.Equal(t, 320, max(back.Width, back.Height))
		}
	}
}

// TestOpenKeepsTheRest checks that photos that are not large, or no JPEG files, are opened as they are decoded.
func TestOpenKeepsTheRest(t *testing.T) {
	small, err := EncodeJPEG(scene(1535, 20), 80)
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"small":  small,
		"png":    asPNG(t, scene(1600, 30)),
		"narrow": asJPEG(t, scene(1600, 1)),
	} {
		want, err := Decode(data, DefaultLimits())
		require.NoError(t, err, name)
		got, err := Open(data, DefaultLimits())
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	large, err := EncodeJPEG(scene(1600, 90), 80)
	require.NoError(t, err)
	opened, err := Open(large, DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, 800, opened.Width)
	_, wantErr := Decode(large[:len(large)/2], DefaultLimits())
	_, err = Open(large[:len(large)/2], DefaultLimits())
	require.Equal(t, wantErr, err, "a file that is cut off")
	_, err = Open(large, Limits{MaxBytes: 1 << 20, MaxPixels: 1000})
	require.Equal(t, CodeTooManyPixels, code(t, err))
}

func BenchmarkOpen(b *testing.B) {
	file, err := EncodeJPEG(scene(3000, 4000), 85)
	require.NoError(b, err)
	for name, open := range map[string]func([]byte, Limits) (*Image, error){"full": Decode, "reduced": Open} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = open(file, DefaultLimits())
			}
		})
	}
}

// TestRecycle checks that photos in memory that was used before are the same, also smaller and larger ones.
func TestRecycle(t *testing.T) {
	var files [][]byte
	var want []*Image
	for _, size := range [][2]int{{90, 60}, {17, 40}, {300, 200}, {61, 61}} {
		file, err := EncodeJPEG(noise(uint64(size[0]), size[0], size[1]), 90)
		require.NoError(t, err)
		m, err := Decode(file, DefaultLimits())
		require.NoError(t, err)
		files, want = append(files, file), append(want, m)
	}
	for n := range 40 {
		m, err := Decode(files[n*7%4], DefaultLimits())
		require.NoError(t, err)
		require.Equal(t, want[n*7%4], m)
		if n%3 > 0 {
			m.Recycle()
			require.Nil(t, m.Pix)
		}
	}
}

// TestOpenShowsFlatRegions: a region of a single line, which falls between the pixels of a reduced picture, is
// read from the file again.
func TestOpenShowsFlatRegions(t *testing.T) {
	file, err := EncodeJPEG(scene(3205, 2411), 92)
	require.NoError(t, err)
	full, err := Decode(file, DefaultLimits())
	require.NoError(t, err)
	opened, err := Open(file, DefaultLimits())
	require.NoError(t, err)
	for _, region := range []Box{{0, 1000, 3200, 1001}, {0, 2409, 3200, 2411}, {1000, 0, 1001, 2400}, {7, 5, 8, 6}} {
		want, _ := Letterbox(full, region, 128, 192)
		got, _ := Letterbox(opened, region, 128, 192)
		require.Less(t, meanDifference(want, got), 2., region)
	}
}
