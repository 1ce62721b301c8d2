package models

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

func TestPatchAndBox(t *testing.T) {
	c := DefaultRefineConfig()
	frame := photo.Box{XMax: 600, YMax: 900}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		x, y := rng.IntN(400), rng.IntN(600)
		candidate := photo.Box{XMin: x, YMin: y, XMax: x + 20 + rng.IntN(180), YMax: y + 20 + rng.IntN(280)}
		patch := c.Patch(candidate, 128, 192)
		require.InDelta(t, 128.0/192, float64(patch.Width())/float64(patch.Height()), 0.03)
		grown := candidate.Grow(c.Margin)
		require.GreaterOrEqual(t, patch.Width(), grown.Width()-2)
		require.GreaterOrEqual(t, patch.Height(), grown.Height()-2)
		require.True(t, patch.Width() <= grown.Width()+2 || patch.Height() <= grown.Height()+2, "no larger than need be")

		// The patch's own corners, and a box whose shares are known.
		require.Equal(t, patch.Intersect(frame), c.Box([]float32{0, 0, 1, 1, 0}, patch, frame))
		share := func(v, from, size int) float32 { return float32(v-from) / float32(size) }
		answer := []float32{
			share(candidate.XMin, patch.XMin, patch.Width()), share(candidate.YMin, patch.YMin, patch.Height()),
			share(candidate.XMax, patch.XMin, patch.Width()), share(candidate.YMax, patch.YMin, patch.Height()), 1,
		}
		require.Equal(t, candidate, c.Box(answer, patch, frame))
	}
	require.True(t, c.Box([]float32{0.9, 0.2, 0.1, 0.8, 0}, photo.Box{XMax: 100, YMax: 100}, frame).Empty(), "sides that crossed are no box")
}

func TestRefineConfidence(t *testing.T) {
	c := RefineConfig{Calibration: [5]float64{-1, 2, 4, 8, 3}}
	require.InDelta(t, 0.5, c.Confidence(Evidence{0.5}, 0), 1e-9)
	require.InDelta(t, 0.5, c.Confidence(Evidence{0, 0.25}, 0), 1e-9)
	require.InDelta(t, 0.5, c.Confidence(Evidence{0, 0, 0.125}, 0), 1e-9)
	require.InDelta(t, 0.881, c.Confidence(Evidence{}, 1), 1e-3, "the logistic function of 2")
	require.InDelta(t, 0.018, c.Confidence(Evidence{}, -1), 1e-3, "and of -4")
}

func TestAnchorBoxes(t *testing.T) {
	c := RefineConfig{Anchors: [][4]float64{{0.1, 0.2, 0.9, 0.8}, {0.4, 0.4, 0.6, 0.6}}}
	require.Equal(t, []photo.Box{{XMin: 20, YMin: 60, XMax: 180, YMax: 240}, {XMin: 80, YMin: 120, XMax: 120, YMax: 180}}, c.AnchorBoxes(photo.Box{XMax: 200, YMax: 300}))
	require.Equal(t, []photo.Box{{XMin: 70, YMin: 47, XMax: 230, YMax: 227}, {XMin: 130, YMin: 107, XMax: 170, YMax: 167}},
		c.AnchorBoxes(photo.Box{XMin: 50, YMin: -13, XMax: 250, YMax: 287}), "in a part of a photo")
	require.Equal(t, []photo.Box{{XMax: 2, YMax: 2}}, c.AnchorBoxes(photo.Box{XMax: 2, YMax: 2}), "the other one has no pixel")
}

// TestOlderSecondLooks: a file that weighs the first look's log-odds as a whole says the same.
func TestOlderSecondLooks(t *testing.T) {
	c := Config{Merge: MergeConfig{Calibration: [4]float64{-6, 5, 4, 2}}, Refine: &RefineConfig{}}
	require.NoError(t, c.fromOlder([]byte(`{"refine": {"calibration": [0.5, 2, 3]}}`)))
	require.Equal(t, [5]float64{-11.5, 10, 8, 4, 3}, c.Refine.Calibration)
	evidence := Evidence{0.9, 0.3, 0.6}
	first := evidence.Confidence(c.Merge.Calibration)
	z := 0.5 + 2*math.Log(first/(1-first)) + 3*0.2
	require.InDelta(t, 1/(1+math.Exp(-z)), c.Refine.Confidence(evidence, 0.2), 1e-9)

	require.NoError(t, c.fromOlder([]byte(`{"refine": {"calibration": [9, 9, 9]}}`)))
	require.Equal(t, [5]float64{-11.5, 10, 8, 4, 3}, c.Refine.Calibration, "newer ones stay")
	require.NoError(t, (&Config{}).fromOlder(nil), "and a model that looks once has none")
}
