package training

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

// TestMirroredLooksSayWhereTheyLie: of a crop that reaches over its photo's left border, the right one is no photo in the
// mirror.
func TestMirroredLooksSayWhereTheyLie(t *testing.T) {
	c := &Crop{Image: photo.New(100, 200), Frame: photo.Box{XMax: 100, YMax: 200}, Box: photo.Box{XMax: 60, YMin: 50, YMax: 150}}
	look := func(j jitter) (inside, frame photo.Box) {
		_, inside, frame = j.lookWithin(rand.New(rand.NewPCG(1, 1)), c, 0.5, 60, 120) // half a pixel for each, and bars above and below
		return inside, frame.Intersect(inside)
	}
	inside, frame := look(jitter{})
	require.Equal(t, photo.Box{YMin: 10, XMax: 60, YMax: 110}, inside)
	require.Equal(t, photo.Box{XMin: 15, YMin: 10, XMax: 60, YMax: 110}, frame)
	inside, frame = look(jitter{flip: 1})
	require.Equal(t, photo.Box{YMin: 10, XMax: 60, YMax: 110}, inside)
	require.Equal(t, photo.Box{YMin: 10, XMax: 45, YMax: 110}, frame)
}

// TestLikelihoodsOfALook: the dress is looked for where a crop has it, a margin from its sides, and what is no photo is none.
func TestLikelihoodsOfALook(t *testing.T) {
	m := photo.New(128, 240)
	for i := range m.Width * m.Height {
		grey := uint8(200 + i%7)
		copy(m.Pix[3*i:], []uint8{grey, grey, grey})
		if x, y := i%m.Width, i/m.Width; x >= 10 && x < 118 && y >= 20 && y < 220 { // the dress
			copy(m.Pix[3*i:], []uint8{180, uint8(20 + i%5), 30})
		}
	}
	seen := sight{picture: m, inside: m.Frame(), frame: photo.Box{XMax: 100, YMax: 240}}
	l := seen.likelihoods(0.05)
	require.Greater(t, l[120*m.Width+60], float32(0.7))
	require.Less(t, l[120*m.Width+4], float32(0.1))
	require.Zero(t, l[120*m.Width+110], "beyond the photo")
}
