package training

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models/training/loop"
)

// TestWarmUpOfFewSteps: in a warm-up little is learned, so that none takes most of a training, but by hand.
func TestWarmUpOfFewSteps(t *testing.T) {
	options := DefaultTrunkOptions()
	require.Equal(t, 100, options.warmUp(), "of many steps it is what it was")
	options.HalfSteps, options.FullSteps = 6, 4
	require.Equal(t, 2, options.warmUp())
	options.Loop.WarmUp = 50
	require.Equal(t, 50, options.warmUp())

	m := reported(t)
	var log bytes.Buffer
	m.Logger = slog.New(slog.NewTextHandler(&log, nil))
	m.current = "trunk"
	report := m.reporter("trunk", trunkLosses)
	report(fall(10, loop.Options{}))
	require.NotContains(t, log.String(), "warm-up")
	for range 2 {
		report(fall(10, loop.Options{WarmUp: 50}))
	}
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("the warm-up is long for so few steps")))
	require.Contains(t, log.String(), "warm_up=50 steps=10")
}
