package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0.0 0.5 1.0"},
		{0, 3200, "0 1000 2000 3000"},
		{-0.3, 0.4, "-0.2 0.0 0.2 0.4"},
		{0, 0.001, "0.0000 0.0005 0.0010"},
		{0, 0.0002, "0 5e-5 1e-4 1.5e-4 2e-4"},
		{0, 0.0008, "0.0000 0.0002 0.0004 0.0006 0.0008"},
		{2.31, 2.34, "2.31 2.32 2.33 2.34"},
		{0, 3e7, "0 1e7 2e7 3e7"},
		{-0.09, 2, "0 1 2"},
		{1, 1, ""},
		{0, 4, "0 1 2 3 4"},
	} {
		var labels []string
		for _, tick := range ticks(c.low, c.high, 4) {
			labels = append(labels, tick.label)
		}
		require.Equal(t, c.want, strings.Join(labels, " "), fmt.Sprint(c.low, " to ", c.high))
	}
}

// TestChart puts a curve's ends where they belong.
func TestChart(t *testing.T) {
	c := newChart(Curve{Name: "macro F1", Steps: []int{5, 10}, Values: []float64{1, 0}, Best: true}, 10)
	require.Equal(t, "metric", c.Kind)
	require.Equal(t, "0, best 1 after 5 steps", c.Caption)
	require.Equal(t, "1 after 5, 0 after 10", c.Words)
	require.Equal(t, "M142.0 6.9L284.0 145.1", c.Line, "half and whole width, 5% of room above and below")
	require.Equal(t, 142.0, c.Dots[0].X)
	require.InDelta(t, plotHeight*0.05/1.1, c.Dots[0].Y, 1e-9)
	require.Empty(t, c.Raw)

	require.Equal(t, "0 after 1, 3 after 4, 6 after 7, 9 after 10, 12 after 13", words([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}))
	outlier := make([]float64, 100)
	outlier[50] = 1e9
	low, high := bounds(make([]float64, 100), outlier)
	require.Less(t, high, 1.0, "one outlier does not press the rest flat")
	require.Less(t, low, 0.0)
	low, high = bounds([]float64{760, 760.0001}, []float64{760, 760.0001})
	require.Greater(t, high-low, 100.0, "what is constant but for rounding is a flat line")
	require.NoError(t, (&Report{Stages: []*Stage{{Curves: []Curve{{}}}}}).page(&bytes.Buffer{}), "nothing is a curve, too")
}
