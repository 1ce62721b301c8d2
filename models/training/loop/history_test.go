package loop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEarlyStop(t *testing.T) {
	for name, c := range map[string]struct {
		values   []float64
		patience int
		stalled  bool
		best     int
	}{
		"nothing measured":      {nil, 1, false, -1},
		"one value":             {[]float64{0.1}, 1, false, 0},
		"rising":                {[]float64{0.1, 0.2, 0.3}, 1, false, 2},
		"one worse":             {[]float64{0.1, 0.3, 0.2}, 1, true, 1},
		"one worse, more trust": {[]float64{0.1, 0.3, 0.2}, 2, false, 1},
		"no better is worse":    {[]float64{0.3, 0.3, 0.3}, 2, true, 0},
		"no patience needed":    {[]float64{0.3, 0.2, 0.1, 0}, 0, false, 0},
		"below zero":            {[]float64{-3, -2, -2.5}, 1, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var h History
			for i, v := range c.values {
				h.record([]float64{1}, 0, 0, 0)
				require.Equal(t, i == 0 || v > maxOf(c.values[:i]), h.validated("f1", v))
			}
			require.Equal(t, c.best, h.Best())
			require.Equal(t, c.stalled, h.stalled(c.patience))
		})
	}
}

func maxOf(values []float64) float64 {
	most := values[0]
	for _, v := range values {
		most = max(most, v)
	}
	return most
}

// TestWarmUpOfFewSteps: in a warm-up little is learned, so that none takes most of a training.
func TestWarmUpOfFewSteps(t *testing.T) {
	require.LessOrEqual(t, Options{Steps: 10}.withDefaults().WarmUp, 2)
}

// TestProgress tells speed and time left of what costs more later, without the steps that compile.
func TestLap(t *testing.T) {
	s := newStopwatch(&History{}, Options{}.withDefaults())
	s.last = s.last.Add(-time.Hour)
	require.GreaterOrEqual(t, s.lap(), time.Hour)
	require.Less(t, s.lap(), time.Hour)
}

// TestStepsInATensor come back as they were, of the precision of a checkpoint.
func TestStepsInATensor(t *testing.T) {
	var h, again History
	h.record([]float64{0.5, 2}, 0.125, 3, 1500*time.Millisecond)
	h.record([]float64{0.25, 1}, 0.0625, 4, time.Second)
	again.readSteps(h.tensor())
	require.Equal(t, h.Steps, again.Steps)
}

func TestProgress(t *testing.T) {
	h := &History{}
	h.record([]float64{9}, 0, 0, time.Hour) // of another process
	s := newStopwatch(h, Options{Steps: 6, Photos: 10, Accumulate: 2, Cost: func(step int) float64 {
		if step < 4 {
			return 1
		}
		return 4
	}})
	h.record([]float64{1}, 0, 0, time.Minute) // compiles
	require.Zero(t, s.progress().PerSecond)
	require.Zero(t, s.progress().Left, "nobody knows")
	h.record([]float64{1}, 0, 0, 2*time.Second)
	p := s.progress()
	require.Equal(t, 3, p.Step)
	require.InDelta(t, 10.0, p.PerSecond, 1e-9, "20 photos in 2 s")
	require.Equal(t, 18*time.Second, p.Left, "9 units of 2 s")
	require.InDelta(t, 9-0.02*8-0.02*(8-0.16), p.Losses[0], 1e-9)
	for range 3 {
		h.record([]float64{1}, 0, 0, 5*time.Second)
	}
	require.Zero(t, s.progress().Left)
}
