package training

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models/training/loop"
)

// TestTrunkCost counts the photos of a batch and what a step takes: whole photos are as large at half the size of crops,
// and without real photos or a teacher there are fewer.
func TestTrunkCost(t *testing.T) {
	options := DefaultTrunkOptions()
	options.HalfSteps, options.FullSteps = 1, 1
	backbone, err := options.Config.Trunk()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		pool          *Pool
		crops, wholes int
	}{
		"painted":   {&Pool{}, 24, 8},
		"real":      {&Pool{Wholes: make([]Whole, 1)}, 72, 8},
		"taught":    {&Pool{Wholes: make([]Whole, 1), teacherDeviations: []float32{1}}, 72, 24},
		"no photos": {&Pool{teacherDeviations: []float32{1}}, 24, 8},
	} {
		t.Run(name, func(t *testing.T) {
			crops, wholes := options.batchOf(c.pool)
			require.Equal(t, []int{c.crops, c.wholes}, []int{crops, wholes})
			const crop, half, whole = 240 * 128, 128 * 64, (208*144 + 160*112 + 112*80 + 80*64) / 4.
			require.InDelta(t, float64(c.crops)*half+float64(c.wholes)*whole, options.stepCost(c.pool, backbone, 0), 1e-6)
			require.InDelta(t, float64(c.crops)*crop+float64(c.wholes)*whole, options.stepCost(c.pool, backbone, 1), 1e-6)
		})
	}
}

// TestNoSpeedYet: the first step compiles, and so it says nothing of those to come.
func TestNoSpeedYet(t *testing.T) {
	m := reported(t)
	var log bytes.Buffer
	m.Logger = slog.New(slog.NewTextHandler(&log, nil))
	first := fall(10, loop.Options{Photos: 4})
	first.Steps, first.PerSecond = 20, 0
	m.reporter("trunk", trunkLosses)(first)
	require.Contains(t, log.String(), "step=10 of=20\n")
	m.reporter("trunk", trunkLosses)(fall(10, loop.Options{Photos: 4}))
	require.Contains(t, log.String(), "step=10 of=10 photos_per_second=40.0 left=0s")
}
