package jpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// reference decodes with image/jpeg and converts with image/color.
func reference(data []byte) (*Picture, error) {
	m, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	b := m.Bounds()
	p := &Picture{Width: b.Dx(), Height: b.Dy()}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			switch c := m.At(x, y).(type) {
			case color.YCbCr:
				red, green, blue := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
				p.Pix = append(p.Pix, red, green, blue)
			default:
				red, green, blue, _ := c.RGBA()
				p.Pix = append(p.Pix, uint8(red>>8), uint8(green>>8), uint8(blue>>8))
			}
		}
	}
	return p, nil
}

// inBoth runs a test with and without assembly.
func inBoth(t *testing.T, test func(t *testing.T)) {
	t.Run("portable", func(t *testing.T) {
		defer func(old bool) { simd = old }(simd)
		simd = false
		test(t)
	})
	if simd {
		t.Run("simd", test)
	}
}

func noise(width, height int, seed uint64) *image.RGBA {
	rng := rand.New(rand.NewPCG(seed, 2))
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		switch {
		case i%4 == 3:
			m.Pix[i] = 255
		case seed%2 == 0:
			m.Pix[i] = uint8(rng.Uint32())
		default:
			m.Pix[i] = uint8(i/4%width*2+i/width/5) + uint8(rng.IntN(9))
		}
	}
	return m
}

func TestDecodesWhatGoEncodes(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		for seed := range uint64(60) {
			width, height := 1+int(seed*7%83), 1+int(seed*13%71)
			var b bytes.Buffer
			m := image.Image(noise(width, height, seed))
			if seed%5 == 4 {
				grey := image.NewGray(m.Bounds())
				copy(grey.Pix, m.(*image.RGBA).Pix)
				m = grey
			}
			require.NoError(t, stdjpeg.Encode(&b, m, &stdjpeg.Options{Quality: 1 + int(seed*17%100)}))
			want, err := reference(b.Bytes())
			require.NoError(t, err)
			got, err := Decode(b.Bytes(), 1)
			require.NoError(t, err)
			require.Equal(t, want, got, "%d x %d", width, height)
		}
	})
}

// samples reads the files of testdata, which libjpeg-turbo made of one 70 x 41 picture, by its cjpeg or by Pillow.
// Their names say how.
func samples(t testing.TB) map[string][]byte {
	names, err := filepath.Glob("testdata/*.jpg")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(names), 20)
	files := make(map[string][]byte)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		files[strings.TrimSuffix(filepath.Base(name), ".jpg")] = data
	}
	return files
}

// unusual are the samples that are left to image/jpeg, which does not read all of them either.
var unusual = map[string]bool{"rgb": true, "arithmetic": true}

func TestDecodesWhatLibjpegEncodes(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		for name, data := range samples(t) {
			got, err := Decode(data, 1)
			if unusual[name] {
				require.Equal(t, ErrUnusual, err, name)
				continue
			}
			require.NoError(t, err, name)
			if miscounted(data) {
				continue // see TestRestartsOfSingleComponents
			}
			want, err := reference(data)
			require.NoError(t, err, name)
			require.Equal(t, want, got, name)
		}
	})
}

// TestRestartsOfSingleComponents: a progressive file with restart markers has the coefficients of the one without,
// and so the same pixels; their luma, which nobody scales, is Pillow's.
func TestRestartsOfSingleComponents(t *testing.T) {
	files := samples(t)
	for name, plain := range map[string]string{
		"pillow-2x2-restart-blocks": "pillow-2x2", "pillow-2x2-restart-rows": "pillow-2x2", "pillow-4x1-restart-blocks": "pillow-4x1",
	} {
		require.True(t, miscounted(files[name]), name)
		for _, reduce := range []int{1, 2, 4, 8} {
			want, err := Decode(files[plain], reduce)
			require.NoError(t, err)
			got, err := Decode(files[name], reduce)
			require.NoError(t, err, name)
			require.Equal(t, want, got, "%s at 1/%d", name, reduce)
		}
	}
	got, err := Decode(files["pillow-2x2-restart-rows"], 1)
	require.NoError(t, err)
	for at, want := range map[image.Point]int{
		{1, 1}: 66, {20, 10}: 206, {35, 20}: 44, {30, 8}: 182, {50, 5}: 141, {60, 35}: 159, {69, 40}: 124, {24, 30}: 132,
	} {
		p := got.Pix[3*(at.Y*got.Width+at.X):]
		luma, _, _ := color.RGBToYCbCr(p[0], p[1], p[2])
		require.InDelta(t, want, luma, 2, at)
	}
}

// miscounted says whether image/jpeg reads other blocks from a scan than there are, since it takes the MCUs of a
// single component for those of an interleaved scan.
func miscounted(data []byte) bool {
	restart, luma, factors := false, byte(0), map[byte]byte{}
	for at := 0; ; {
		marker, next := nextMarker(data, at)
		if next < 0 || next+2 > len(data) {
			return false
		}
		at = next
		if marker >= markerRST0 && marker <= markerEOI {
			continue
		}
		end := at + int(binary.BigEndian.Uint16(data[at:]))
		if end < at+2 || end > len(data) {
			return false
		}
		p := data[at+2 : end]
		switch {
		case marker == markerDRI && len(p) == 2:
			restart = p[0]|p[1] > 0
		case marker >= markerSOF0 && marker <= markerSOF2 && len(p) == 15:
			luma = p[7]
			for i := 6; i < len(p); i += 3 {
				factors[p[i]] = p[i+1]
			}
		case marker == markerSOS && len(p) == 6:
			// Of two in four samples the last block may be beyond the picture.
			if f := factors[p[1]]; f>>4 == 2 && luma>>4 == 4 || restart && f > 0x11 {
				return true
			}
		}
		at = end
	}
}

// TestDamagedFiles checks that a file that is cut off or changed is either left to image/jpeg, or decoded to
// the same pixels.
func TestDamagedFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for name, data := range samples(t) {
		for cut := range data {
			if _, err := Decode(data[:cut], 1); err == nil {
				require.Equal(t, data[cut:], []byte{0xff, 0xd9}[2-len(data)+cut:], "%s cut off at %d", name, cut)
			}
		}
		requireSame(t, append(bytes.Clone(data[:len(data)-2]), "\xff\xff\x00\xff\xd9"...))
		for range 200 {
			damaged := bytes.Clone(data)
			for range 1 + rng.IntN(3) {
				damaged[rng.IntN(len(damaged))] = uint8(rng.Uint32())
			}
			requireSame(t, damaged)
		}
	}
}

// requireSame checks that a file is left to image/jpeg or gives the same pixels, and that reducing it works
// as well as not.
func requireSame(t *testing.T, data []byte) {
	config, err := stdjpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width*config.Height > 1<<14 {
		return // callers ask this first; and large pictures are not worth the time
	}
	got, err := Decode(data, 1)
	for _, reduce := range []int{2, 4, 8} {
		small, reducedErr := Decode(data, reduce)
		require.Equal(t, err, reducedErr)
		if err == nil {
			require.Equal(t, []int{max(got.Width/reduce, 1), max(got.Height/reduce, 1)}, []int{small.Width, small.Height})
		}
	}
	if err != nil {
		require.Equal(t, ErrUnusual, err)
		return
	}
	if miscounted(data) {
		return
	}
	want, err := reference(append(bytes.Clone(data), 0xff, markerEOI)) // which it does not do without
	require.NoError(t, err, "image/jpeg refuses what is decoded")
	require.Equal(t, want, got)
}

// TestWithoutEnd: a file whose end marker is missing is decoded if all of the picture is there.
func TestWithoutEnd(t *testing.T) {
	for name, data := range samples(t) {
		if unusual[name] {
			continue
		}
		want, err := Decode(data, 1)
		require.NoError(t, err, name)
		for cut := 1; cut <= 2; cut++ {
			got, err := Decode(data[:len(data)-cut], 1)
			require.NoError(t, err, name)
			require.Equal(t, want, got, name)
		}
		got, err := Decode(append(bytes.Clone(data[:len(data)-2]), "padding"...), 1)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
		// Before the last scan a picture is whole but for some detail, and most likely cut off.
		if at := bytes.LastIndex(data, []byte{0xff, markerSOS}); bytes.Count(data, []byte{0xff, markerSOS}) > 1 {
			_, err = Decode(data[:at], 1)
			require.Equal(t, ErrUnusual, err, name)
		}
	}
}

// TestUnfilledFile: a file of the right length of which only the beginning has come, and zeros for the rest, is not
// taken for a picture without its end marker, although zeros are codes like others.
func TestUnfilledFile(t *testing.T) {
	for _, quality := range []int{85, 95, 100} {
		var b bytes.Buffer
		require.NoError(t, stdjpeg.Encode(&b, noise(160, 120, 2), &stdjpeg.Options{Quality: quality}))
		for _, there := range []int{10, 50, 90} {
			data := bytes.Clone(b.Bytes())
			clear(data[len(data)*there/100:])
			_, err := Decode(data, 1)
			require.Equal(t, ErrUnusual, err, "quality %d, %d%% there", quality, there)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Fuzz(requireSame)
}

// TestReduced checks a reduced picture against the mean of the pixels that each of its pixels covers. It
// leaves out the higher frequencies, so it is close, not equal, and the closest where a block is one pixel.
func TestReduced(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		const width, height = 131, 67
		m := image.NewRGBA(image.Rect(0, 0, width, height))
		for y := range height {
			for x := range width {
				m.SetRGBA(x, y, color.RGBA{uint8(x + y/2), uint8(200 - x), uint8(60 + 2*y), 255})
			}
		}
		var b bytes.Buffer
		require.NoError(t, stdjpeg.Encode(&b, m, &stdjpeg.Options{Quality: 95}))
		for _, reduce := range []int{2, 4, 8} {
			got, err := Decode(b.Bytes(), reduce)
			require.NoError(t, err)
			require.Equal(t, []int{width / reduce, height / reduce}, []int{got.Width, got.Height})
			for y := range got.Height {
				for x := range got.Width {
					for c := range 3 {
						sum := 0
						for dy := range reduce {
							for dx := range reduce {
								sum += int(m.Pix[4*((y*reduce+dy)*width+x*reduce+dx)+c])
							}
						}
						require.InDelta(t, float64(sum)/float64(reduce*reduce), got.Pix[3*(y*got.Width+x)+c], 6, "1/%d at %d, %d, channel %d", reduce, x, y, c)
					}
				}
			}
		}
	})
}

func TestReducedToNothing(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, stdjpeg.Encode(&b, noise(3, 20, 1), nil))
	got, err := Decode(b.Bytes(), 8)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, []int{got.Width, got.Height})
}

// TestConcurrentDecodes checks that decoders that are used again keep nothing of one file for the next.
func TestConcurrentDecodes(t *testing.T) {
	files := samples(t)
	want := make(map[string]*Picture)
	for name, data := range files {
		want[name], _ = Decode(data, 1)
	}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 3))
			for range 20 {
				for name, data := range files {
					if got, _ := Decode(data[:len(data)-3*rng.IntN(2)], 1); got != nil && !reflect.DeepEqual(want[name], got) {
						t.Errorf("%s differs", name)
					}
				}
			}
		})
	}
	wait.Wait()
}

// TestInverse compares both transforms at numbers that overflow, too.
func TestInverse(t *testing.T) {
	if !simd {
		t.Skip("no assembly on this machine")
	}
	rng := rand.New(rand.NewPCG(8, 8))
	for n := range 2000 {
		var block [64]int32
		for i := range block {
			if rng.IntN(1+n%7) == 0 {
				block[i] = rng.Int32() >> (n % 32)
			}
		}
		want, got := make([]uint8, 8*9), make([]uint8, 8*9)
		inverseAVX2(&got[0], 9, &block)
		inverse(want, 9, &block)
		require.Equal(t, want, got, n)
	}
}

// TestReducedInverse compares the transforms of reduced pictures with their definition: the lowest frequencies of a block are
// those of a smaller one.
func TestReducedInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for n, transform := range map[int]func(dst []uint8, stride int, block *[64]int32){2: inverse2, 4: inverse4} {
		basis := func(frequency, at int) float64 {
			if frequency == 0 {
				return math.Sqrt(1 / float64(n))
			}
			return math.Sqrt(2/float64(n)) * math.Cos(float64((2*at+1)*frequency)*math.Pi/float64(2*n))
		}
		for range 200 {
			var block [64]int32
			for i := range block {
				block[i] = rng.Int32N(121) - 60 // also where nothing is read
			}
			got := make([]uint8, n*n)
			transform(got, n, &block)
			for y := range n {
				for x := range n {
					want := 128.0
					for u := range n {
						for v := range n {
							want += float64(n) / 8 * float64(block[8*u+v]) * basis(u, x) * basis(v, y)
						}
					}
					require.InDelta(t, min(max(want, 0), 255), got[y*n+x], 0.6, "%d at %d, %d", n, x, y)
				}
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	var file bytes.Buffer
	require.NoError(b, stdjpeg.Encode(&file, noise(400, 533, 1), &stdjpeg.Options{Quality: 75}))
	b.Run("image-jpeg", func(b *testing.B) {
		for b.Loop() {
			_, _ = stdjpeg.Decode(bytes.NewReader(file.Bytes()))
		}
	})
	for _, reduce := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("reduce-%d", reduce), func(b *testing.B) {
			for b.Loop() {
				_, _ = Decode(file.Bytes(), reduce)
			}
		})
	}
}

// TestMemory: what a head says of memory is what decoding takes, and files that are left to others take none.
func TestMemory(t *testing.T) {
	for name, data := range samples(t) {
		bytes, err := Memory(data)
		if unusual[name] {
			require.Equal(t, ErrUnusual, err, name)
			continue
		}
		require.NoError(t, err, name)
		d := decoder{data: data, reduce: 1}
		require.NoError(t, d.decode(), name)
		want := int64(3 * d.width * d.height)
		for _, c := range d.components {
			want += int64(len(c.plane) + 2*len(c.coefficients))
		}
		require.Equal(t, want, bytes, name)
	}
	d := decoder{data: samples(t)["rgb"], reduce: 1}
	require.Equal(t, ErrUnusual, d.decode())
	require.Nil(t, d.memory[0].plane, "it is refused before it costs anything")
}
