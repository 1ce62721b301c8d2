package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
)

// claiming is a file whose header claims another size, with as many zeros behind it as such a file has at least.
func claiming(t *testing.T, data []byte, width, height int) []byte {
	t.Helper()
	data = bytes.Clone(data)
	switch {
	case data[0] == 0xff: // JPEG
		at := 0
		for _, marker := range []byte{0xc0, 0xc2} {
			if i := bytes.Index(data, []byte{0xff, marker}); i >= 0 {
				at = i + 5
			}
		}
		binary.BigEndian.PutUint16(data[at:], uint16(height))
		binary.BigEndian.PutUint16(data[at+2:], uint16(width))
	case string(data[:4]) == "RIFF":
		if at := bytes.Index(data, []byte("VP8L")); at >= 0 {
			binary.LittleEndian.PutUint32(data[at+9:], uint32(width-1)|uint32(height-1)<<14)
			break
		}
		p, err := parseWebP(data)
		require.NoError(t, err)
		p.vp8 = append(p.vp8, make([]byte, width*height/100)...)
		binary.LittleEndian.PutUint16(p.vp8[6:], uint16(width))
		binary.LittleEndian.PutUint16(p.vp8[8:], uint16(height))
		return p.file()
	default: // PNG
		header := bytes.Clone(data[16:29])
		binary.BigEndian.PutUint32(header, uint32(width))
		binary.BigEndian.PutUint32(header[4:], uint32(height))
		data = bytes.Join([][]byte{data[:8], pngChunk("IHDR", header), data[33:]}, nil)
	}
	return append(data, make([]byte, width*height/100)...)
}

// withScans is a progressive JPEG file of so many scans, most of which say nothing.
func withScans(t *testing.T, scans int) []byte {
	t.Helper()
	data := testFile(t, "progressive.jpg")
	first := bytes.Index(data, []byte{0xff, 0xda})
	length := 2 + int(binary.BigEndian.Uint16(data[first+2:]))
	have := bytes.Count(data, []byte{0xff, 0xda})
	return append(bytes.Clone(data[:len(data)-2]), bytes.Repeat(data[first:first+length], scans-have)...)
}

// TestScans: the larger a picture is, the fewer scans it may have, but always as many as encoders write.
func TestScans(t *testing.T) {
	for _, c := range []struct {
		width, height, scans int
		read                 bool
	}{
		{3000, 4000, 100, true}, {3000, 4000, 101, false},
		{6000, 4000, 50, true}, {6000, 4000, 51, false},
		{10000, 10000, 12, true}, {10000, 10000, 13, false},
	} {
		_, err := jpegHeader(claiming(t, withScans(t, c.scans), c.width, c.height))
		if c.read {
			require.NoError(t, err, "%+v", c)
		} else {
			require.ErrorContains(t, err, "scans", "%+v", c)
		}
	}
}

// TestMemory: which pictures of 50 and of 100 megapixels may be decoded by default.
func TestMemory(t *testing.T) {
	bounds := image.Rect(0, 0, 16, 16)
	jpegs := asJPEG(t, quarters()) // chroma is subsampled, as cameras have it
	progressive := testFile(t, "progressive.jpg")
	for _, c := range []struct {
		name           string
		data           []byte
		fifty, hundred bool
	}{
		{"JPEG", jpegs, true, true},
		{"turned JPEG", withEXIF(t, jpegs, binary.BigEndian, 6), true, true},
		{"progressive JPEG, all chroma", progressive, true, false},
		{"CMYK", testFile(t, "cmyk.jpg"), true, false},
		{"PNG", asPNG(t, quarters()), true, false},
		{"PNG with a palette", asPNG(t, image.NewPaletted(bounds, grey2())), true, true},
		{"16-bit PNG", asPNG(t, image.NewNRGBA64(bounds)), true, false},
		{"lossy WebP", testFile(t, "lossy.webp"), true, true},
		{"lossless WebP", testFile(t, "lossless.webp"), true, false},
	} {
		for width, allowed := range map[int]bool{5000: c.fifty, 10000: c.hundred} {
			data := claiming(t, c.data, width, 9999)
			f, err := sniff(data)
			require.NoError(t, err)
			h, err := f.header(data)
			require.NoError(t, err, c.name)
			require.Equal(t, image.Pt(width, 9999), h.size, c.name)
			err = DefaultLimits().check(f.name, h)
			if allowed {
				require.NoError(t, err, "%s, %d wide", c.name, width)
				continue
			}
			require.Equal(t, CodeTooManyPixels, code(t, err), "%s, %d wide", c.name, width)
			require.ErrorContains(t, err, "more than the 671 allowed")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = Open(data, DefaultLimits())
			runtime.ReadMemStats(&after)
			require.Equal(t, CodeTooManyPixels, code(t, err), c.name)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), c.name)
		}
	}
}

// TestMemoryIsEnough compares what a header says of memory with all that decoding takes, which is hardly more than
// what it takes at once.
func TestMemoryIsEnough(t *testing.T) {
	const width, height = 900, 700
	m := scene(width, height)
	wide, palette := image.NewNRGBA64(m.Bounds()), image.NewPaletted(m.Bounds(), grey2())
	rgba := image.NewNRGBA(m.Bounds()) // transparent
	encode := func(write func(b *bytes.Buffer) error) []byte {
		var b bytes.Buffer
		require.NoError(t, write(&b))
		return b.Bytes()
	}
	for name, data := range map[string][]byte{
		"JPEG":                encode(func(b *bytes.Buffer) error { return jpeg.Encode(b, m, nil) }),
		"grey JPEG":           encode(func(b *bytes.Buffer) error { return jpeg.Encode(b, image.NewGray(m.Bounds()), nil) }),
		"PNG":                 asPNG(t, m),
		"transparent PNG":     asPNG(t, rgba),
		"16-bit PNG":          asPNG(t, wide),
		"PNG with a palette":  asPNG(t, palette),
		"GIF":                 encode(func(b *bytes.Buffer) error { return gif.Encode(b, palette, nil) }),
		"BMP":                 encode(func(b *bytes.Buffer) error { return bmp.Encode(b, m) }),
		"progressive, cut":    claiming(t, testFile(t, "progressive.jpg"), width, height),
		"CMYK, cut":           claiming(t, testFile(t, "cmyk.jpg"), width, height),
		"lossy WebP, cut":     claiming(t, testFile(t, "lossy.webp"), width, height),
		"lossless WebP, cut":  claiming(t, testFile(t, "lossless.webp"), width, height),
		"transparent WebP":    testFile(t, "alpha_lossy.webp"),
		"animation's 1st one": testFile(t, "animated.webp"),
	} {
		f, err := sniff(data)
		require.NoError(t, err)
		h, err := f.header(data)
		require.NoError(t, err, name)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = f.decode(data, Limits{MaxMemory: h.memory}) // some files are cut off, which costs the same
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<17+h.memory*5/4), name)
	}
}

// TestMemoryOfTransparency: transparency that is a picture of its own costs that, and plain bytes cost what they are.
func TestMemoryOfTransparency(t *testing.T) {
	p, err := parseWebP(testFile(t, "alpha_lossy.webp"))
	require.NoError(t, err)
	require.True(t, p.alphaCompressed())
	h, err := webpHeader(p.file())
	require.NoError(t, err)
	require.Equal(t, int64(7*32*24), h.memory)
	p.alpha = append([]byte{0}, bytes.Repeat([]byte{255}, 32*24)...)
	h, err = webpHeader(p.file())
	require.NoError(t, err)
	require.Equal(t, int64(6*32*24), h.memory)
	m, err := Decode(p.file(), DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 32, 24), m.Bounds())
}

func grey2() color.Palette { return color.Palette{color.Black, color.White} }

// TestMemoryOfThePatientDecoder: a damaged file is left to image/jpeg, unless that would take more than is allowed.
func TestMemoryOfThePatientDecoder(t *testing.T) {
	data := testFile(t, "progressive.jpg")
	limits := Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 20, MaxMemory: 12 * 32 * 24}
	_, err := Decode(data, limits)
	require.NoError(t, err)
	cut := data[:len(data)*2/3]
	_, err = Decode(cut, limits)
	require.Equal(t, CodeTooManyPixels, code(t, err))
	limits.MaxMemory = 19 * 32 * 24
	_, err = Decode(cut, limits)
	require.Equal(t, CodeTruncated, code(t, err))
}

// TestPatchesShareADecodedFile: patches that are looked at at once decode their photo once.
func TestPatchesShareADecodedFile(t *testing.T) {
	data, err := EncodeJPEG(scene(3205, 2411), 92)
	require.NoError(t, err)
	opened, err := Open(data, DefaultLimits())
	require.NoError(t, err)
	var all [4]*Image
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() { all[i] = opened.file.at(2 - i/2) })
	}
	wait.Wait()
	require.Same(t, all[0], all[1])
	require.Same(t, all[2], all[3])
	require.Equal(t, []int{1602, 3205}, []int{all[0].Width, all[2].Width})
	want, err := Decode(data, DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, want.Pix, all[2].Pix)
	runtime.KeepAlive(all)
}
