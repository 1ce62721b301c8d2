package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGIFFrame checks that a first frame smaller than the canvas lies at its place on white.
func TestGIFFrame(t *testing.T) {
	frame := image.NewPaletted(image.Rect(2, 1, 4, 3), color.Palette{color.NRGBA{200, 30, 40, 255}, color.Transparent})
	frame.SetColorIndex(3, 2, 1)
	data := encoded(t, frame, func(b *bytes.Buffer, _ image.Image) error {
		return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 6, Height: 4}})
	})
	m, err := Decode(data, DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 6, 4), m.Bounds())
	for y := range 4 {
		for x := range 6 {
			want := white
			if (x == 2 || x == 3) && (y == 1 || y == 2) && (x != 3 || y != 2) {
				want = red
			}
			require.Equal(t, want[:], m.Pix[3*(y*6+x):][:3], "(%d, %d)", x, y)
		}
	}
}

// TestGIFScreens: a logical screen that is smaller than the first frame is raised to hold it, as browsers do.
func TestGIFScreens(t *testing.T) {
	data := testFile(t, "animated.gif")
	want, err := Decode(data, DefaultLimits())
	require.NoError(t, err)
	for _, screen := range [][2]uint16{{0, 0}, {16, 16}, {32, 0}, {5, 24}} {
		changed := bytes.Clone(data)
		binary.LittleEndian.PutUint16(changed[6:], screen[0])
		binary.LittleEndian.PutUint16(changed[8:], screen[1])
		m, err := Decode(changed, DefaultLimits())
		require.NoError(t, err, screen)
		require.Equal(t, want, m, screen)
	}
}

// hidingGIFs are GIF files whose first picture has 4 x 4 pixels, behind an extension that the package gif takes for a
// longer one: it sees only the picture after that, of 2100 x 2100.
func hidingGIFs(t testing.TB) [][]byte {
	small, large := asGIF(t, image.NewPaletted(image.Rect(0, 0, 4, 4), grey2())), asGIF(t, image.NewPaletted(image.Rect(0, 0, 2100, 2100), grey2()))
	const head = 13 + 3*2 // bytes before the first block
	frame := small[head : len(small)-1]
	// Of a text it reads 13 bytes, whatever its length, and the rest as blocks.
	text := append([]byte{0x21, 0x01, 13}, append(make([]byte, 12), byte(1+len(frame)), 0)...)
	// Where an application's name is empty it goes on: the descriptor seems to be a block of 0x2c bytes.
	application := []byte{0x21, 0xff, 0}
	padding := make([]byte, 1+0x2c-len(frame))
	return [][]byte{
		bytes.Join([][]byte{large[:head], text, frame, {0}, large[head:]}, nil),
		bytes.Join([][]byte{large[:head], application, frame, padding, {0}, large[head:]}, nil),
	}
}

// TestGIFDecodesWhatItMeasured: no picture is decoded but the one whose size the limits allowed.
func TestGIFDecodesWhatItMeasured(t *testing.T) {
	for i, data := range hidingGIFs(t) {
		src, err := gif.Decode(bytes.NewReader(data))
		require.NoError(t, err, i)
		require.Equal(t, image.Rect(0, 0, 2100, 2100), src.Bounds(), "the file hides no picture any more")
		m, err := Decode(data, Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 16})
		require.NoError(t, err, i)
		require.Equal(t, image.Rect(0, 0, 4, 4), m.Bounds(), i)
		// Without the small one's end there is nothing to decode, whatever is behind it.
		_, err = Decode(data[:13+3*2+8], DefaultLimits())
		require.Equal(t, CodeTruncated, code(t, err), i)
	}
	empty := append(bytes.Clone(asGIF(t, quarters())[:13+3*256]), 0x3b)
	_, err := Decode(empty, DefaultLimits())
	require.Equal(t, CodeCorrupt, code(t, err))
	require.ErrorContains(t, err, "no picture")
}

// TestGIFTransparency: a picture has the transparent colour of the extension that is the last before it.
func TestGIFTransparency(t *testing.T) {
	const head = 13 + 3*2
	data := asGIF(t, image.NewPaletted(image.Rect(0, 0, 4, 4), grey2()))
	control := func(flags, index byte) []byte { return []byte{0x21, 0xf9, 4, flags, 0, 0, index, 0} }
	comment := []byte{0x21, 0xfe, 2, 'h', 'i', 0}
	for _, c := range []struct {
		before [][]byte
		want   uint8 // black is transparent, and over white
	}{
		{[][]byte{comment}, 0},
		{[][]byte{control(1, 0), comment}, 255},
		{[][]byte{control(1, 1), control(1, 0)}, 255},
		{[][]byte{control(1, 0), comment, control(1, 1)}, 0},
	} {
		m, err := Decode(bytes.Join([][]byte{data[:head], bytes.Join(c.before, nil), data[head:]}, nil), DefaultLimits())
		require.NoError(t, err)
		require.Equal(t, c.want, m.Pix[0], c.before)
	}
}

// TestGIFWithoutATableOfItsOwn: where only its pictures have tables of colours, the size of one says nothing.
func TestGIFWithoutATableOfItsOwn(t *testing.T) {
	picture := image.NewPaletted(image.Rect(0, 0, 4, 4), grey2())
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{picture}, Delay: []int{0}, Config: image.Config{Width: 4, Height: 4}}))
	data := b.Bytes()
	require.Zero(t, data[10]&0x80)
	want, err := Decode(data, DefaultLimits())
	require.NoError(t, err)
	data[10] |= 7
	got, err := Decode(data, DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, want, got)
}
