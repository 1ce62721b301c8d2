package photo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
)

// The quarters of the picture that all test files show, and the white of what is transparent.
var (
	red   = [3]uint8{200, 30, 40}
	green = [3]uint8{30, 160, 60}
	blue  = [3]uint8{40, 60, 200}
	sand  = [3]uint8{230, 220, 180}
	white = [3]uint8{255, 255, 255}
)

// quarters is the picture: 32 x 24, red and green over blue and sand (see testdata/make.py).
func quarters() *Image {
	m := New(32, 24)
	for y := range m.Height {
		for x := range m.Width {
			copy(m.Pix[3*(y*m.Width+x):], [][]uint8{red[:], green[:], blue[:], sand[:]}[x/16+2*(y/12)])
		}
	}
	return m
}

// requireQuarters compares the middles of the quarters: top left, top right, bottom left, bottom right.
func requireQuarters(t *testing.T, m *Image, tolerance float64, want ...[3]uint8) {
	t.Helper()
	for i, colour := range want {
		x, y := m.Width/4+i%2*m.Width/2, m.Height/4+i/2*m.Height/2
		got := m.Pix[3*(y*m.Width+x):][:3]
		for c := range colour {
			require.InDelta(t, colour[c], got[c], tolerance, "quarter %d: %v, want %v", i, got, colour)
		}
	}
}

func encoded(t testing.TB, m image.Image, encode func(b *bytes.Buffer, m image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, encode(&b, m))
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	return encoded(t, m, func(b *bytes.Buffer, m image.Image) error { return png.Encode(b, m) })
}

func asJPEG(t testing.TB, m image.Image) []byte {
	return encoded(t, m, func(b *bytes.Buffer, m image.Image) error {
		return jpeg.Encode(b, m, &jpeg.Options{Quality: 95})
	})
}

func asGIF(t testing.TB, m image.Image) []byte {
	return encoded(t, m, func(b *bytes.Buffer, m image.Image) error { return gif.Encode(b, m, nil) })
}

func asBMP(t testing.TB, m image.Image) []byte {
	return encoded(t, m, func(b *bytes.Buffer, m image.Image) error { return bmp.Encode(b, m) })
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// samples are files of all formats that show the quarters.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{
		"baseline.jpg": asJPEG(t, quarters()), "plain.png": asPNG(t, quarters()), "plain.gif": asGIF(t, quarters()), "plain.bmp": asBMP(t, quarters()),
	}
	for _, name := range []string{"progressive.jpg", "cmyk.jpg", "lossy.webp", "lossless.webp", "animated.webp", "animated.gif"} {
		all[name] = testFile(t, name)
	}
	return all
}

func TestDecodeFormats(t *testing.T) {
	for name, data := range samples(t) {
		t.Run(name, func(t *testing.T) {
			m, err := Decode(data, DefaultLimits())
			require.NoError(t, err)
			require.Equal(t, image.Rect(0, 0, 32, 24), m.Bounds())
			tolerance := 0.0
			switch {
			case strings.HasSuffix(name, ".jpg"), name == "lossy.webp", name == "animated.webp":
				tolerance = 6
			case name == "plain.gif": // 216 colours and dithering
				return
			}
			requireQuarters(t, m, tolerance, red, green, blue, sand)
		})
	}
	for _, name := range []string{"alpha_lossy.webp", "alpha_lossless.webp"} {
		m, err := Decode(testFile(t, name), DefaultLimits())
		require.NoError(t, err, name)
		requireQuarters(t, m, 6, red, white, blue, white)
	}
}

// TestPNGVariants compares with what package color says of each pixel: of all depths, over white.
func TestPNGVariants(t *testing.T) {
	bounds := image.Rect(0, 0, 7, 5)
	pictures := map[string]interface {
		image.Image
		Set(x, y int, c color.Color)
	}{
		"8-bit":             image.NewRGBA(bounds),
		"8-bit with alpha":  image.NewNRGBA(bounds),
		"16-bit":            image.NewRGBA64(bounds),
		"16-bit with alpha": image.NewNRGBA64(bounds),
		"grey":              image.NewGray(bounds),
		"16-bit grey":       image.NewGray16(bounds),
		"palette":           image.NewPaletted(bounds, color.Palette{color.Black, color.NRGBA{200, 0, 0, 128}, color.Transparent, color.White}),
	}
	for name, src := range pictures {
		t.Run(name, func(t *testing.T) {
			for y := range 5 {
				for x := range 7 {
					v := uint16(x*9000 + y*1000)
					src.Set(x, y, color.NRGBA64{v, 65535 - v, v / 2, uint16(min(65535, 13107*(y+1)))})
				}
			}
			m, err := Decode(asPNG(t, src), DefaultLimits())
			require.NoError(t, err)
			for y := range 5 {
				for x := range 7 {
					c := color.NRGBA64Model.Convert(src.At(x, y)).(color.NRGBA64)
					for i, v := range []uint16{c.R, c.G, c.B} {
						alpha := float64(c.A) / 65535
						want := 255 * (float64(v)/65535*alpha + 1 - alpha)
						require.InDelta(t, want, m.Pix[3*(y*7+x)+i], 1.01, "(%d, %d)", x, y)
					}
				}
			}
		})
	}
}

// TestJPEGColours compares the conversion with the package color's, for each kind of chroma subsampling
// and odd sizes.
func TestJPEGColours(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410} {
		for _, size := range []image.Point{{1, 1}, {2, 3}, {17, 9}, {33, 32}} {
			src := image.NewYCbCr(image.Rectangle{Max: size}, ratio)
			for i := range src.Y {
				src.Y[i] = uint8(i * 37)
			}
			for i := range src.Cb {
				src.Cb[i], src.Cr[i] = uint8(i*91), uint8(i*53+7)
			}
			m := fromImage(src)
			for y := range size.Y {
				for x := range size.X {
					c := src.YCbCrAt(x, y)
					r, g, b := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
					require.Equal(t, []uint8{r, g, b}, m.Pix[3*(y*size.X+x):][:3], "%v %v (%d, %d)", ratio, size, x, y)
				}
			}
		}
	}
}

// TestVideoColours compares WebP's conversion with BT.601 in real numbers.
func TestVideoColours(t *testing.T) {
	src := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)
	for i := range src.Y {
		src.Y[i] = uint8(16 + i%220)
	}
	for i := range src.Cb {
		src.Cb[i], src.Cr[i] = uint8(16+i*7%225), uint8(16+i*11%225)
	}
	m := fromVideoYCbCr(src)
	for y := range 64 {
		for x := range 64 {
			c := src.YCbCrAt(x, y)
			luma, cb, cr := 255.0/219*(float64(c.Y)-16), 255.0/112*(float64(c.Cb)-128), 255.0/112*(float64(c.Cr)-128)
			for i, want := range []float64{
				luma + 0.701*cr,
				luma - 0.886*0.114/0.587*cb - 0.701*0.299/0.587*cr,
				luma + 0.886*cb,
			} {
				require.InDelta(t, math.Round(max(0, min(255, want))), m.Pix[3*(y*64+x)+i], 2, "%v, channel %d", c, i)
			}
		}
	}
}

// withEXIF puts an orientation into a PNG (the chunk eXIf) or a JPEG (the segment APP1).
func withEXIF(t *testing.T, data []byte, order binary.AppendByteOrder, orientation int) []byte {
	t.Helper()
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2) // entries: width, orientation
	for _, entry := range [][2]uint16{{0x0100, 32}, {0x0112, uint16(orientation)}} {
		tiff = order.AppendUint16(tiff, entry[0])
		tiff = order.AppendUint16(tiff, 3) // SHORT
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, entry[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	tiff = order.AppendUint32(tiff, 0)
	if bytes.HasPrefix(data, []byte(pngMagic)) {
		end := len(pngMagic) + 8 + 13 + 4 // behind IHDR
		return bytes.Join([][]byte{data[:end], pngChunk("eXIf", tiff), data[end:]}, nil)
	}
	payload := append([]byte("Exif\x00\x00"), tiff...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(payload)+2))
	return bytes.Join([][]byte{data[:2], segment, payload, data[2:]}, nil)
}

func pngChunk(name string, payload []byte) []byte {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	chunk = append(append(chunk, name...), payload...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}

// TestOrientationBehindAnEmptyComment is found as well.
func TestOrientationBehindAnEmptyComment(t *testing.T) {
	turned := withEXIF(t, asJPEG(t, quarters()), binary.BigEndian, 6)
	m, err := Decode(bytes.Join([][]byte{turned[:2], {0xff, 0xfe, 0, 2}, turned[2:]}, nil), DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 24, 32), m.Bounds())
}

// TestOrientation places each stored pixel where Exif 2.3 (4.6.4, tag 0x0112) says its row and column
// are seen.
func TestOrientation(t *testing.T) {
	// The visual sides of the 0th row and of the 0th column.
	sides := map[int][2]string{1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"}}
	src := New(5, 3)
	for i := range src.Pix {
		src.Pix[i] = uint8(i * 5)
	}
	along := func(side string, at, size int) int {
		if side == "bottom" || side == "right" {
			return size - 1 - at
		}
		return at
	}
	for orientation, side := range sides {
		want := New(5, 3)
		turned := orientation >= 5
		if turned {
			want = New(3, 5)
		}
		for r := range 3 {
			for c := range 5 {
				x, y := along(side[1], c, 5), along(side[0], r, 3)
				if turned {
					x, y = along(side[0], r, 3), along(side[1], c, 5)
				}
				copy(want.Pix[3*(y*want.Width+x):][:3], src.Pix[3*(r*5+c):])
			}
		}
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			got, err := Decode(withEXIF(t, asPNG(t, src), order, orientation), DefaultLimits())
			require.NoError(t, err)
			require.Equal(t, want, got, "orientation %d, %v", orientation, order)
		}
	}
	for orientation, want := range map[int][4][3]uint8{
		0: {red, green, blue, sand}, 1: {red, green, blue, sand}, 3: {sand, blue, green, red},
		6: {blue, red, sand, green}, 8: {green, sand, red, blue}, 9: {red, green, blue, sand},
	} {
		m, err := Decode(withEXIF(t, asJPEG(t, quarters()), binary.BigEndian, orientation), DefaultLimits())
		require.NoError(t, err)
		requireQuarters(t, m, 6, want[:]...)
	}
	// As JPEG has it, which is not what PNG says.
	prefixed := withEXIF(t, asPNG(t, src), binary.BigEndian, 6)
	at := bytes.Index(prefixed, []byte("eXIf"))
	length := int(binary.BigEndian.Uint32(prefixed[at-4:]))
	chunk := pngChunk("eXIf", append([]byte("Exif\x00\x00"), prefixed[at+4:at+4+length]...))
	prefixed = bytes.Join([][]byte{prefixed[:at-4], chunk, prefixed[at+8+length:]}, nil)
	m, err := Decode(prefixed, DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 3, 5), m.Bounds())

	m, err = Decode(testFile(t, "turned.webp"), DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 24, 32), m.Bounds())
	requireQuarters(t, m, 6, blue, red, sand, green)
}

// TestWithoutTrailer: a picture is whole without what ends its file, but not without the end of its own data.
func TestWithoutTrailer(t *testing.T) {
	note := pngChunk("tEXt", []byte("Comment\x00by a shop"))
	pngs := asPNG(t, quarters())
	withNote := bytes.Join([][]byte{pngs[:len(pngs)-12], note, pngs[len(pngs)-12:]}, nil)
	for _, c := range []struct {
		name    string
		data    []byte
		trailer int // bytes behind the picture
	}{
		{"PNG", pngs, 12},
		{"PNG with a note", withNote, len(note) + 12},
		{"JPEG", asJPEG(t, quarters()), 2},
		{"progressive JPEG", testFile(t, "progressive.jpg"), 2},
	} {
		want, err := Decode(c.data, DefaultLimits())
		require.NoError(t, err, c.name)
		for cut := 1; cut <= c.trailer; cut++ {
			got, err := Decode(c.data[:len(c.data)-cut], DefaultLimits())
			require.NoError(t, err, "%s without %d bytes", c.name, cut)
			require.Equal(t, want, got, "%s without %d bytes", c.name, cut)
		}
		for cut := c.trailer + 2; cut < c.trailer+12; cut++ {
			_, err = Decode(c.data[:len(c.data)-cut], DefaultLimits())
			require.Equal(t, CodeTruncated, code(t, err), "%s without %d bytes", c.name, cut)
		}
	}
}

// TestHugeCanvas: of an animation whose canvas is large and nearly empty at first, the frame is taken alone.
func TestHugeCanvas(t *testing.T) {
	gifs, webps := testFile(t, "animated.gif"), testFile(t, "animated.webp")
	for _, c := range []struct {
		side int
		want image.Rectangle
	}{{100, image.Rect(0, 0, 100, 100)}, {60000, image.Rect(0, 0, 32, 24)}} {
		binary.LittleEndian.PutUint16(gifs[6:], uint16(c.side))
		binary.LittleEndian.PutUint16(gifs[8:], uint16(c.side))
		at := bytes.Index(webps, []byte("VP8X")) + 12
		copy(webps[at:], []byte{byte(c.side - 1), byte((c.side - 1) >> 8), 0, byte(c.side - 1), byte((c.side - 1) >> 8), 0})
		for name, data := range map[string][]byte{"GIF": gifs, "WebP": webps} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := Decode(data, DefaultLimits())
			runtime.ReadMemStats(&after)
			require.NoError(t, err, name)
			require.Equal(t, c.want, m.Bounds(), name)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
		}
	}
}

// TestClaimsWithoutData: pixels that a file has no bits for are refused before they take memory.
func TestClaimsWithoutData(t *testing.T) {
	gifs := testFile(t, "animated.gif")
	at := bytes.IndexByte(gifs[13+3<<(1+gifs[10]&7):], 0x2c) + 13 + 3<<(1+gifs[10]&7)
	binary.LittleEndian.PutUint16(gifs[at+5:], 9000)
	binary.LittleEndian.PutUint16(gifs[at+7:], 9000)
	webps := testFile(t, "lossy.webp")
	at = bytes.Index(webps, []byte{0x9d, 0x01, 0x2a}) + 3
	binary.LittleEndian.PutUint16(webps[at:], 9000)
	binary.LittleEndian.PutUint16(webps[at+2:], 9000)
	for name, data := range map[string][]byte{"GIF": gifs, "WebP": webps} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(data, DefaultLimits())
		runtime.ReadMemStats(&after)
		require.Equal(t, CodeTruncated, code(t, err), name)
		require.ErrorContains(t, err, "too short for the 9000 x 9000 pixels", name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
	}
}

// paletteBMP is a BMP file of 1, 2, 4 or 8 bits a pixel: of a palette's last entry, which is red, but for a first
// pixel of its first, which is white.
func paletteBMP(width, height, bits int) []byte {
	colours := 1 << bits
	row := (width*bits + 31) / 32 * 4
	le := binary.LittleEndian
	data := le.AppendUint32([]byte("BM"), uint32(54+4*colours+row*height))
	data = le.AppendUint32(le.AppendUint32(data, 0), uint32(54+4*colours))
	data = le.AppendUint32(le.AppendUint32(le.AppendUint32(data, 40), uint32(width)), uint32(height))
	data = le.AppendUint16(le.AppendUint16(data, 1), uint16(bits))
	data = append(data, make([]byte, 24)...)
	data = append(data, 255, 255, 255, 0)
	for range colours - 1 {
		data = append(data, red[2], red[1], red[0], 0)
	}
	pixels := bytes.Repeat([]byte{0xff}, row*height)
	pixels[row*(height-1)] = 0xff >> bits // rows come from below
	return append(data, pixels...)
}

// TestPaletteBMP: a row of few bits a pixel is shorter than it has pixels.
func TestPaletteBMP(t *testing.T) {
	for _, bits := range []int{1, 2, 4, 8} {
		data := paletteBMP(301, 40, bits)
		m, err := Decode(data, DefaultLimits())
		require.NoError(t, err, "%d bits", bits)
		require.Equal(t, image.Rect(0, 0, 301, 40), m.Bounds())
		require.Equal(t, append(white[:], red[:]...), m.Pix[:6], "%d bits", bits)
		require.Equal(t, red[:], m.Pix[len(m.Pix)-3:], "%d bits", bits)
		_, err = Decode(data[:len(data)-1], DefaultLimits())
		require.Equal(t, CodeTruncated, code(t, err), "%d bits", bits)
	}
}

// claimingPNG is a PNG file of a few bytes whose header, with a right checksum, claims a size.
func claimingPNG(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	header = append(header, 8, 2, 0, 0, 0) // 8 bits, RGB
	return bytes.Join([][]byte{[]byte(pngMagic), pngChunk("IHDR", header), pngChunk("IDAT", []byte{0x78, 0x9c}), pngChunk("IEND", nil)}, nil)
}

func code(t *testing.T, err error) string {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, e.Message)
	require.Equal(t, e.Message, e.Error())
	return e.Code
}

// TestLimitsComeFirst checks that no memory is taken for pixels that a header merely claims.
func TestLimitsComeFirst(t *testing.T) {
	jpegClaim := asJPEG(t, quarters())
	frame := bytes.Index(jpegClaim, []byte{0xff, 0xc0})
	require.Positive(t, frame)
	jpegClaim = bytes.Clone(jpegClaim)
	binary.BigEndian.PutUint16(jpegClaim[frame+5:], 60000)
	binary.BigEndian.PutUint16(jpegClaim[frame+7:], 60000)
	bmpClaim := bytes.Clone(asBMP(t, quarters()))
	binary.LittleEndian.PutUint32(bmpClaim[18:], 60000)
	binary.LittleEndian.PutUint32(bmpClaim[22:], 60000)

	loose := Limits{MaxBytes: 1 << 30, MaxPixels: 1 << 40}
	for _, c := range []struct {
		name   string
		data   []byte
		limits Limits
		want   string
	}{
		{"PNG", claimingPNG(60000, 60000), DefaultLimits(), CodeTruncated},
		{"PNG without limits", claimingPNG(60000, 60000), loose, CodeTruncated},
		{"largest PNG", claimingPNG(math.MaxInt32, math.MaxInt32), DefaultLimits(), CodeUnsupported},
		{"JPEG", jpegClaim, DefaultLimits(), CodeTruncated},
		{"BMP", bmpClaim, DefaultLimits(), CodeTruncated},
		{"bytes", claimingPNG(1, 1), Limits{MaxBytes: 10, MaxPixels: 10}, CodeTooManyBytes},
		{"one pixel too many", asPNG(t, quarters()), Limits{MaxBytes: 1 << 20, MaxPixels: 32*24 - 1}, CodeTooManyPixels},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(c.data, c.limits)
		runtime.ReadMemStats(&after)
		require.Equal(t, c.want, code(t, err), "%s: %v", c.name, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), c.name)
	}
	_, err := Decode(asPNG(t, quarters()), Limits{MaxBytes: 1 << 20, MaxPixels: 32 * 24})
	require.NoError(t, err)
}

func TestTruncatedFiles(t *testing.T) {
	for name, data := range samples(t) {
		for cut := range len(data) - 1 {
			m, err := Decode(data[:cut], DefaultLimits())
			if err == nil { // the trailer was cut off, or the second picture
				require.Equal(t, image.Rect(0, 0, 32, 24), m.Bounds())
				require.Greater(t, 3*cut, len(data), "%s at %d of %d", name, cut, len(data))
				continue
			}
			code(t, err)
		}
		if name == "animated.gif" {
			continue // the first picture is whole
		}
		_, err := Decode(data[:len(data)*2/3], DefaultLimits())
		require.Equal(t, CodeTruncated, code(t, err), "%s: %v", name, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	manyScans := withScans(t, 101)
	damaged := bytes.Clone(asPNG(t, quarters()))
	damaged[len(damaged)/2] ^= 0xff
	for _, c := range []struct{ name, data, code, says string }{
		{"empty", "", CodeEmpty, "empty"},
		{"text", "hello, this is no photo", CodeNotAnImage, "right file"},
		{"page", "<!DOCTYPE html><html>", CodeNotAnImage, "web page"},
		{"drawing", `<?xml version="1.0"?><svg xmlns="x">`, CodeNotAnImage, "SVG"},
		{"drawing with a comment", "<?xml version=\"1.0\"?>\n<!-- made by hand --><!DOCTYPE svg PUBLIC>", CodeNotAnImage, "SVG"},
		{"page with a mark", "\xef\xbb\xbf\r\n<!doctype html>", CodeNotAnImage, "web page"},
		{"page with a comment", "<!-- cache: <svg> --> <HTML lang=en>", CodeNotAnImage, "web page"},
		{"page in XML", `<?xml version="1.0"?><!DOCTYPE html>`, CodeNotAnImage, "web page"},
		{"long comment", "<!-- " + strings.Repeat("x", 2000), CodeNotAnImage, "page or drawing"},
		{"S3's error", `<?xml version="1.0"?><Error><Code>AccessDenied</Code>`, CodeNotAnImage, "server's error"},
		{"JSON", `{"error": "not found"}`, CodeNotAnImage, "JSON"},
		{"JSON list", " [1]", CodeNotAnImage, "JSON"},
		{"JSON with a mark", "\xef\xbb\xbf[\n]\n", CodeNotAnImage, "JSON"},
		{"rich text", `{\rtf1\ansi a text}`, CodeNotAnImage, "image: check that the right file was sent"},
		{"a link on a desktop", "[Desktop Entry]\nType=Link", CodeNotAnImage, "image: check that the right file was sent"},
		{"a note", "<3 you", CodeNotAnImage, "image: check that the right file was sent"},
		{"a sign", "<", CodeNotAnImage, "image: check that the right file was sent"},
		{"Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:", CodeNotAnImage, "run git lfs pull"},
		{"document", "%PDF-1.7", CodeNotAnImage, "PDF"},
		{"HEIC", "\x00\x00\x00\x18ftypheic", CodeUnsupported, "HEIC"},
		{"TIFF", "II*\x00aaaa", CodeUnsupported, "TIFF"},
		{"JPEG XL", "\xff\x0aaaaa", CodeUnsupported, "JPEG XL"},
		{"JPEG 2000", "\x00\x00\x00\x0cjP  \r\n\x87\n", CodeUnsupported, "JPEG 2000"},
		{"JPEG 2000 codestream", "\xff\x4f\xff\x51\x00", CodeUnsupported, "JPEG 2000"},
		{"Photoshop", "8BPS\x00\x01", CodeUnsupported, "Photoshop"},
		{"icon", "\x00\x00\x01\x00\x01\x00", CodeUnsupported, "ICO"},
		{"no size", string(claimingPNG(0, 5)), CodeCorrupt, "PNG"},
		{"many scans", string(manyScans), CodeCorrupt, "scans"},
		{"damaged", string(damaged), CodeCorrupt, "damaged"},
		{"RIFF of sound", "RIFF\x04\x00\x00\x00WAVE", CodeNotAnImage, "no JPEG"},
		{"WebP without a picture", "RIFF\x04\x00\x00\x00WEBP", CodeCorrupt, "no picture"},
	} {
		_, err := Decode([]byte(c.data), DefaultLimits())
		require.Equal(t, c.code, code(t, err), c.name)
		require.ErrorContains(t, err, c.says, c.name)
	}
}

// TestDecodeIsDeterministic decodes the same bytes many times at once.
func TestDecodeIsDeterministic(t *testing.T) {
	for name, data := range samples(t) {
		want, err := Decode(data, DefaultLimits())
		require.NoError(t, err)
		results := make(chan *Image, 8)
		for range cap(results) {
			go func() {
				m, _ := Decode(data, DefaultLimits())
				results <- m
			}()
		}
		for range cap(results) {
			require.Equal(t, want, <-results, name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	for _, name := range []string{"alpha_lossy.webp", "alpha_lossless.webp", "turned.webp"} {
		f.Add(testFile(f, name))
	}
	f.Add(claimingPNG(60000, 60000))
	for _, data := range hidingGIFs(f) {
		f.Add(data)
	}
	limits := Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 16, MaxMemory: 1 << 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := Decode(data, limits)
		runtime.ReadMemStats(&after)
		// More than at once, since some files are tried by two decoders, and with tables of their own, such as the
		// Huffman codes of a lossless WebP.
		most := 4*limits.MaxMemory + 16*int64(len(data)) + 8<<20
		require.LessOrEqual(t, int64(after.TotalAlloc-before.TotalAlloc), most, "bytes that decoding took")
		if err != nil {
			require.Nil(t, m)
			code(t, err)
			return
		}
		require.Positive(t, m.Width)
		require.Positive(t, m.Height)
		require.LessOrEqual(t, int64(m.Width)*int64(m.Height), limits.MaxPixels)
		require.Len(t, m.Pix, 3*m.Width*m.Height)
	})
}
