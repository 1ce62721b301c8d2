package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestProfiles decodes files whose pixels are meant by a colour profile to the colours that LittleCMS made these
// pixels of (testdata/make.py).
func TestProfiles(t *testing.T) {
	for name, tolerance := range map[string]float64{"p3.jpg": 4, "p3-large.jpg": 6, "adobe.png": 3, "prophoto.webp": 3, "srgb.png": 0} {
		m, err := Decode(testFile(t, name), DefaultLimits())
		require.NoError(t, err, name)
		requireQuarters(t, m, tolerance, red, green, blue, sand)
	}
}

// TestProfileOfReduced: the whole photo at a half, and a patch of it that is decoded anew.
func TestProfileOfReduced(t *testing.T) {
	m, err := Open(testFile(t, "p3-large.jpg"), DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, 800, m.Width)
	requireQuarters(t, m, 6, red, green, blue, sand)
	patch, _, _ := m.covering(Box{780, 580, 820, 620}, 40, 40)
	require.Equal(t, 1600, patch.Width)
	requireQuarters(t, patch, 6, red, green, blue, sand)
}

// TestProfileDamaged: pixels are taken for sRGB where the profile is not whole, not one, or of another kind of pixels.
func TestProfileDamaged(t *testing.T) {
	plain := [][3]uint8{{184, 50, 49}, {76, 158, 73}, {45, 59, 192}, {228, 220, 184}} // what the file has, by Pillow
	file := testFile(t, "p3.jpg")
	at := bytes.Index(file, []byte("ICC_PROFILE\x00"))
	length := int(binary.BigEndian.Uint16(file[at-2:]))
	profile := file[at+14 : at-2+length]
	segment := func(number, of byte, part []byte) []byte {
		payload := append([]byte("ICC_PROFILE\x00"), number, of)
		payload = append(payload, part...)
		return append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe2}, uint16(len(payload)+2)), payload...)
	}
	with := func(segments ...[]byte) []byte {
		return bytes.Join([][]byte{file[:at-4], bytes.Join(segments, nil), file[at-2+length:]}, nil)
	}
	first, second := profile[:100], profile[100:]
	for name, c := range map[string]struct {
		file []byte
		used bool
	}{
		"as it is":           {file, true},
		"in two parts":       {with(segment(1, 2, first), segment(2, 2, second)), true},
		"in another order":   {with(segment(2, 2, second), segment(1, 2, first)), true},
		"a part is missing":  {with(segment(1, 2, first)), false},
		"a part twice":       {with(segment(1, 2, first), segment(1, 2, second)), false},
		"a part too many":    {with(segment(1, 1, profile), segment(2, 1, second)), false},
		"part nought":        {with(segment(0, 1, profile)), false},
		"parts of none":      {with(segment(1, 0, profile)), false},
		"an empty part":      {with(segment(1, 1, nil)), false},
		"it is cut off":      {with(segment(1, 1, profile[:len(profile)-40])), false},
		"it is of no pixels": {with(segment(1, 1, bytes.Replace(profile, []byte("RGB "), []byte("CMYK"), 1))), false},
	} {
		m, err := Decode(c.file, DefaultLimits())
		require.NoError(t, err, name)
		want := plain
		if c.used {
			want = [][3]uint8{red, green, blue, sand}
		}
		t.Log(name)
		requireQuarters(t, m, 4, want...)
	}
}

// TestProfileOfPNG: what does not inflate is no profile, what says that it is sRGB needs none, and a few bytes that
// inflate to a lot are let be.
func TestProfileOfPNG(t *testing.T) {
	file := testFile(t, "adobe.png")
	require.NotNil(t, pngProfile(file))
	require.Nil(t, pngProfile(bytes.Join([][]byte{file[:33], pngChunk("sRGB", []byte{0}), file[33:]}, nil)))
	name := []byte("name\x00\x00")
	for _, packed := range [][]byte{nil, name[:4], name[:5], name, append(name, "not zlib"...)} {
		require.Nil(t, pngProfile(bytes.Join([][]byte{file[:33], pngChunk("iCCP", packed), pngChunk("IDAT", nil)}, nil)), "%q", packed)
	}
	require.Nil(t, inflate(deflated(t, maxProfile+1)))
	require.Len(t, inflate(deflated(t, maxProfile)), maxProfile)
}

// deflated is a number of zeros, as zlib compresses them.
func deflated(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, err := w.Write(make([]byte, size))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
