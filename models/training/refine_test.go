package training

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
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
	require.Equal(t, len(d.patches), d.sides.Rows)
	mirrored, moved := 0, 0
	for i, patch := range d.patches {
		sides := [4]float32(d.sides.Row(i))
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

// TestSidesAreFittedOnceForFolds: what leads looks at photos of a fold has not learned from them, and which fold was
// named first does not matter.
func TestSidesAreFittedOnceForFolds(t *testing.T) {
	backend := onCPU(t)
	box := photo.Box{XMin: 60, YMin: 80, XMax: 140, YMax: 260}
	pool := &Pool{}
	for fold := range 3 {
		pool.Scenes = append(pool.Scenes, Scene{Image: photo.New(200, 300), Real: true, Fold: fold, Box: box})
	}
	d := &dressPatches{fits: map[string]linear.Layer{}, cells: linear.Matrix{Columns: 1}, sides: linear.Matrix{Columns: 1}}
	for i := range 30 { // what follows from a cell differs from fold to fold
		fold := i % 3
		d.patches = append(d.patches, patch{scene: fold})
		d.cells.Data, d.sides.Data = append(d.cells.Data, float32(i/3)), append(d.sides.Data, float32(fold*(i/3)))
	}
	d.cells.Rows, d.sides.Rows = 30, 30
	m := &maker{Options: Options{Backend: backend}, pool: pool, dresses: d}
	slope := func(excluded ...int) float32 {
		fit, err := m.fitSides(t.Context(), nil, excluded...)
		require.NoError(t, err)
		return fit.Weight.Data[0] * (1 + sidesLambda) // the penalty is known: the weights are even and sum to one
	}
	require.InDelta(t, 1, slope(-1), 0.3)
	require.InDelta(t, 2, slope(0, 1), 0.6)
	require.Equal(t, slope(0, 1), slope(1, 0))
	require.InDelta(t, 0.5, slope(2), 0.2)
	require.Len(t, d.fits, 3)
}
