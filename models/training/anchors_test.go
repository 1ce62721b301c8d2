package training

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

func TestAnchors(t *testing.T) {
	at := func(fold int, real bool, x0, y0, x1, y1 int) Scene {
		return Scene{Image: photo.New(100, 200), Real: real, Fold: fold, Box: photo.Box{XMin: x0, YMin: y0, XMax: x1, YMax: y1}}
	}
	p := &Pool{Scenes: []Scene{
		at(0, true, 10, 20, 90, 180), at(1, true, 20, 20, 80, 180), // that fill the photo
		at(0, true, 30, 60, 70, 140), at(2, true, 40, 60, 60, 140), at(1, true, 35, 60, 65, 140),
		{Image: photo.New(100, 200), Real: true, Fold: 1}, // no dress
		at(-1, false, 0, 0, 10, 10),                       // painted
	}}
	require.InDeltaSlice(t, []float64{0.15, 0.1, 0.85, 0.9}, p.anchors(-1)[0][:], 1e-9)
	require.InDeltaSlice(t, []float64{0.35, 0.3, 0.65, 0.7}, p.anchors(-1)[1][:], 1e-9)
	require.InDeltaSlice(t, []float64{0.2, 0.1, 0.8, 0.9}, p.anchors(0)[0][:], 1e-9, "without a fold")
	p.Scenes = p.Scenes[6:]
	require.Len(t, p.anchors(-1), 1, "one painted dress")
	p.Scenes = nil
	require.Empty(t, p.anchors(-1))
}
