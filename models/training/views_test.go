package training

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// placeMap is a map whose two components say where in the photo, from 0 to 100 in each direction, a cell lies.
func placeMap(image *photo.Image, rows, columns int) featureMap {
	small, placement := photo.Letterbox(image, image.Frame(), columns*teacherStride+1, rows*teacherStride+1)
	_ = small
	m := featureMap{Placement: placement, Rows: rows, Columns: columns, Cells: make([]byte, rows*columns*2)}
	for r := range rows {
		for c := range columns {
			x, y := placement.ToPhoto((float64(c)+0.5)*teacherStride, (float64(r)+0.5)*teacherStride)
			m.Cells[(r*columns+c)*2] = byte(math.Round(100 * x / float64(image.Width)))
			m.Cells[(r*columns+c)*2+1] = byte(math.Round(100 * y / float64(image.Height)))
		}
	}
	return m
}

// TestLessonsLieWhereTheTrunkLooks compares what a view's cells learn with where in the photo they lie.
func TestLessonsLieWhereTheTrunkLooks(t *testing.T) {
	image := photo.New(400, 533)
	pool := &Pool{
		Wholes:            []Whole{{Image: image, maps: []featureMap{placeMap(image, 28, 21), placeMap(image, 14, 11)}}},
		teacherDeviations: []float32{spread, spread}, // bytes come back as they are
	}
	backbone := models.Backbone{Stride: 16, Mean: [3]float32{0.5, 0.5, 0.5}, Deviation: [3]float32{1, 1, 1}}
	const height, width = 192, 128
	for name, v := range map[string]view{
		"part":      {region: photo.Box{XMin: 100, YMin: 100, XMax: 300, YMax: 400}},
		"mirrored":  {region: photo.Box{XMin: 100, YMin: 100, XMax: 300, YMax: 400}, mirrored: true},
		"wide":      {region: photo.Box{XMin: 50, YMin: 200, XMax: 350, YMax: 350}},
		"beyond":    {region: photo.Box{XMin: -100, YMin: -50, XMax: 300, YMax: 550}},
		"mirrored2": {region: photo.Box{XMin: -100, YMin: -50, XMax: 300, YMax: 550}, mirrored: true},
	} {
		l := newLesson(1, height, width, backbone.Stride, 2)
		pixels := make([]float32, height*width*3)
		pool.show(rand.New(rand.NewPCG(1, 1)), v, pixels, height, width, backbone, &l, 0)
		_, placement := photo.Letterbox(image, v.region, width, height)
		whole := 0
		for r := range l.rows {
			for c := range l.columns {
				column := c
				if v.mirrored {
					column = l.columns - 1 - c
				}
				x, y := placement.ToPhoto((float64(column)+0.5)*16, (float64(r)+0.5)*16)
				at := r*l.columns + c
				switch beyond := max(-x, x-400, -y, y-533); {
				case beyond > 60:
					require.Zero(t, l.weights[at], name)
				case beyond < -40:
					whole++
					require.EqualValues(t, 1, l.weights[at], name)
					require.InDelta(t, 100*x/400, l.targets[2*at], 1.2, "%s: cell %d, %d", name, r, c)
					require.InDelta(t, 100*y/533, l.targets[2*at+1], 1.2, "%s: cell %d, %d", name, r, c)
				}
			}
		}
		require.Greater(t, whole, 10, name)
	}
}

func TestBilinear(t *testing.T) {
	for _, c := range []struct {
		row, column float64
		want        map[int]float32
	}{
		{0, 0, map[int]float32{0: 1}},
		{-3, 9, map[int]float32{2: 1}},
		{0.5, 1, map[int]float32{1: 0.5, 4: 0.5}},
		{1, 0.25, map[int]float32{3: 0.75, 4: 0.25}},
	} {
		got := map[int]float32{}
		bilinear(c.row, c.column, 2, 3, func(cell int, share float32) { got[cell] += share })
		require.Equal(t, c.want, got)
	}
}
