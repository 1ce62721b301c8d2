package models

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

// cellsOf answers as perfect networks would for boxes in a photo of 400 x 400, on a grid of 20 x 20.
func cellsOf(boxes ...photo.Box) []CellBox {
	var cells []CellBox
	for y := 10.0; y < 400; y += 20 {
		for x := 10.0; x < 400; x += 20 {
			c := CellBox{X: x, Y: y, Foreground: 0.01, XMin: x - 5, YMin: y - 5, XMax: x + 5, YMax: y + 5}
			for _, b := range boxes {
				if x > float64(b.XMin) && x < float64(b.XMax) && y > float64(b.YMin) && y < float64(b.YMax) {
					c = CellBox{X: x, Y: y, Foreground: 0.95, XMin: float64(b.XMin), YMin: float64(b.YMin), XMax: float64(b.XMax), YMax: float64(b.YMax)}
				}
			}
			cells = append(cells, c)
		}
	}
	return cells
}

func TestMerge(t *testing.T) {
	config := defaultMergeConfig()
	left, right := photo.Box{XMin: 20, YMin: 40, XMax: 160, YMax: 380}, photo.Box{XMin: 240, YMin: 60, XMax: 390, YMax: 300}

	require.Empty(t, Merge(cellsOf(), photo.Box{XMax: 400, YMax: 400}, config), "nothing but background")

	one := Merge(cellsOf(left), photo.Box{XMax: 400, YMax: 400}, config)
	require.Len(t, one, 1)
	require.Equal(t, left, one[0].Box)
	require.Greater(t, one[0].Confidence, config.MinConfidence)

	two := Merge(cellsOf(left, right), photo.Box{XMax: 400, YMax: 400}, config)
	require.Len(t, two, 2)
	require.ElementsMatch(t, []photo.Box{left, right}, []photo.Box{two[0].Box, two[1].Box})
	require.GreaterOrEqual(t, two[0].Confidence, two[1].Confidence)
}

func TestMergeAveragesByCertainty(t *testing.T) {
	cells := []CellBox{
		{X: 50, Y: 50, Foreground: 0.9, XMin: 0, YMin: 0, XMax: 100, YMax: 100},
		{X: 50, Y: 50, Foreground: 0.3, XMin: 20, YMin: 0, XMax: 120, YMax: 100},
	}
	places := Merge(cells, photo.Box{XMax: 400, YMax: 400}, defaultMergeConfig())
	require.Len(t, places, 1)
	require.Less(t, places[0].Box.XMin, 5, "the certain box weighs nine times as much")
}

func TestMergeClips(t *testing.T) {
	cells := []CellBox{{X: 50, Y: 50, Foreground: 0.9, XMin: -30, YMin: -10, XMax: 130, YMax: 900}}
	places := Merge(cells, photo.Box{XMax: 100, YMax: 200}, defaultMergeConfig())
	require.Len(t, places, 1)
	require.Equal(t, photo.Box{XMin: 0, YMin: 0, XMax: 100, YMax: 200}, places[0].Box)
}
