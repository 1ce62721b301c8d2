package report

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNewCurve makes a point of as many steps as it takes to have no more than curvePoints.
func TestNewCurve(t *testing.T) {
	c := NewCurve("loss", 2400, func(step int) float64 { return float64(step) })
	require.Equal(t, []int{3, 6}, c.Steps[:2], "three steps make a point")
	require.Equal(t, []float64{1, 4}, c.Values[:2], "their mean")
	require.Equal(t, 2400, c.Steps[799])
	require.Len(t, c.Values, 800)
	require.Equal(t, []int{1, 2, 3}, NewCurve("loss", 3, func(int) float64 { return 0 }).Steps)
}

// TestSmooth does not lag behind what falls, and takes the noise away.
func TestSmooth(t *testing.T) {
	c := NewCurve("loss", 1000, func(step int) float64 { return -float64(step) + 100*float64(1-2*(step%2)) })
	smooth := c.smooth()
	for i := 200; i < 800; i++ {
		require.InDelta(t, -float64(i), smooth[i], 6)
	}
	c.Values[999] = 1e3 // one step says little, also where it is the last
	require.InDelta(t, -990, c.smooth()[999], 150)
	require.Nil(t, Curve{Name: CurveRate, Values: []float64{1}}.smooth())
}

func TestSteps(t *testing.T) {
	require.Equal(t, "1 step", Steps(1))
	require.Equal(t, "12,345 steps", Steps(12345))
}
