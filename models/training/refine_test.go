package training

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

func TestWeightShares(t *testing.T) {
	var w weightShares
	w.add("a", 0.6, true)
	w.add("a", 0.6, true)
	w.add("a", 0.6, false) // of the fold that is left out
	w.add("b", 0.4, true)
	require.InDeltaSlice(t, []float32{0.3, 0.3, 0, 0.4}, w.weights(), 1e-6)
}

// TestDressPatches: what a patch is taught is where the dress is in it, mirrored or not.
func TestDressPatches(t *testing.T) {
	config := models.DefaultConfig()
	refine := models.DefaultRefineConfig()
	config.Refine = &refine
	box := photo.Box{XMin: 60, YMin: 80, XMax: 140, YMax: 260}
	p := &Pool{Scenes: []Scene{
		{Image: photo.New(200, 300), Real: true, Street: true, Fold: 1, Box: box}, {Image: photo.New(200, 300), Real: true, Street: true, Fold: 1}, {Image: photo.New(200, 300), Fold: -1, Box: box},
	}}
	d := p.drawDresses(config)
	require.Len(t, d.patches, realDressPatches+paintedDressPatches)
	require.Equal(t, len(d.patches), d.sides.rows)
	mirrored, moved := 0, 0
	for i, patch := range d.patches {
		sides := [4]float32(d.sides.row(i))
		if patch.mirrored {
			mirrored++
			sides[0], sides[2] = 1-sides[2], 1-sides[0]
		}
		got := refine.Box(sides[:], patch.region, photo.Box{XMax: 200, YMax: 300})
		require.Equal(t, box, got)
		if patch.region != refine.Patch(box, config.CropWidth, config.CropHeight) {
			moved++
		}
	}
	require.Greater(t, mirrored, 2)
	require.Greater(t, moved, 10)
}

func TestNearbyBoxesOverlap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	box := photo.Box{XMin: 60, YMin: 80, XMax: 140, YMax: 260}
	worst, mean := 1.0, 0.0
	for range 500 {
		overlap := nearby(rng, box, photo.Box{XMax: 200, YMax: 300}).IoU(box)
		worst, mean = min(worst, overlap), mean+overlap/500
	}
	require.GreaterOrEqual(t, worst, 0.3)
	require.Less(t, worst, 0.5, "some are far off")
	require.InDelta(t, 0.75, mean, 0.08)
}
