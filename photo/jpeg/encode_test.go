package jpeg

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// packed returns the pixels of m as RGB.
func packed(m *image.RGBA) []uint8 {
	var pix []uint8
	for i := 0; i < len(m.Pix); i += 4 {
		pix = append(pix, m.Pix[i:i+3]...)
	}
	return pix
}

// squaredError is the mean over the channels of two pictures' pixels.
func squaredError(a, b []uint8) float64 {
	sum := 0
	for i := range a {
		d := int(a[i]) - int(b[i])
		sum += d * d
	}
	return float64(sum) / float64(len(a))
}

// TestEncode checks that image/jpeg reads the files, that they are as close to the picture as those that it
// writes at the same quality, and no larger.
func TestEncode(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		for seed := range uint64(40) {
			width, height, quality := 1+int(seed*11%90), 1+int(seed*29%70), 1+int(seed*37%100)
			m := noise(width, height, seed)
			pix := packed(m)
			data := Encode(width, height, pix, quality)
			got, err := reference(data)
			require.NoError(t, err)
			require.Equal(t, []int{width, height}, []int{got.Width, got.Height})
			var b bytes.Buffer
			require.NoError(t, stdjpeg.Encode(&b, m, &stdjpeg.Options{Quality: quality}))
			other, err := reference(b.Bytes())
			require.NoError(t, err)
			require.LessOrEqual(t, squaredError(pix, got.Pix), 1.03*squaredError(pix, other.Pix)+0.3, "%d x %d, quality %d", width, height, quality)
			require.LessOrEqual(t, float64(len(data)), 1.03*float64(b.Len())+40)
			again, err := Decode(data, 1)
			require.NoError(t, err)
			require.Equal(t, got, again)
		}
	})
}

// TestEncodesTheSameEverywhere checks that assembly and portable code write the same bytes.
func TestEncodesTheSameEverywhere(t *testing.T) {
	if !simd {
		t.Skip("no assembly on this machine")
	}
	defer func() { simd = true }()
	for seed := range uint64(20) {
		m := noise(61, 47, seed)
		simd = true
		want := Encode(61, 47, packed(m), 82)
		simd = false
		require.Equal(t, want, Encode(61, 47, packed(m), 82))
	}
}

// TestEncodesStuffedBytes checks streams that are full of 0xff: they must be followed by zeros.
func TestEncodesStuffedBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	pix := make([]uint8, 3*64*64)
	for i := range pix {
		pix[i] = uint8(rng.IntN(2)) * 255
	}
	data := Encode(64, 64, pix, 100)
	require.Greater(t, bytes.Count(data, []byte{0xff, 0}), 20)
	_, err := reference(data)
	require.NoError(t, err)
}

func BenchmarkEncode(b *testing.B) {
	m := noise(240, 320, 1)
	pix := packed(m)
	b.Run("image-jpeg", func(b *testing.B) {
		for b.Loop() {
			var out bytes.Buffer
			_ = stdjpeg.Encode(&out, m, &stdjpeg.Options{Quality: 82})
		}
	})
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			Encode(240, 320, pix, 82)
		}
	})
}
