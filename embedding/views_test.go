package embedding

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// TestViews: what is not wider than half of a wide photo's height lies in one window from side to side, wherever it is.
func TestViews(t *testing.T) {
	for _, width := range []int{50, 100, 119, 401, 3000} {
		require.Len(t, viewsOf(photo.New(width, 100)), 1)
	}
	for _, width := range []int{120, 133, 150, 177, 200, 201, 400} {
		image := photo.New(width, 100)
		views := viewsOf(image)
		require.Equal(t, image.Frame(), views[0].frame)
		windows := views[1:]
		require.Equal(t, 0, windows[0].frame.XMin)
		require.Equal(t, width, windows[len(windows)-1].frame.XMax)
		require.LessOrEqual(t, len(windows), 2*width/100+1)
		for i, w := range windows {
			require.Equal(t, []int{100, 100}, []int{w.frame.Width(), w.frame.Height()})
			if i > 0 {
				require.GreaterOrEqual(t, windows[i-1].frame.XMax-w.frame.XMin, 50)
			}
		}
	}
	require.Len(t, viewsOf(photo.New(0, 0)), 1)
}

func TestJoinedViews(t *testing.T) {
	image := photo.New(200, 100)
	views := viewsOf(image)
	require.Len(t, views, 4)
	at := func(x0, x1 int, confidence float64) models.Place {
		return models.Place{Box: photo.Box{XMin: x0, YMin: 10, XMax: x1, YMax: 90}, Confidence: confidence}
	}
	places := joined(views, [][]models.Place{
		{at(20, 180, 0.3), at(10, 40, 0.5)},
		{at(12, 42, 0.9), at(70, 99, 0.95)}, // of the latter the window shows a part
		{at(70, 120, 0.7), at(51, 60, 0.99)},
		{at(100, 110, 0.6), at(160, 200, 0.2)},
	}, 5)
	require.Equal(t, []models.Place{at(12, 42, 0.9), at(70, 120, 0.7), at(160, 200, 0.2)}, places,
		"of each dress the most confident; the right border is the photo's own")
	small := viewsOf(photo.New(80, 40))[2] // 20 to 60
	require.True(t, small.cuts(photo.Box{XMin: 20, XMax: 30, YMax: 40}), "of few pixels a border is one of them")
	require.False(t, small.cuts(photo.Box{XMin: 21, XMax: 30, YMax: 40}))
	require.Len(t, joined(views, [][]models.Place{{at(0, 10, 0.1), at(30, 40, 0.2)}, nil, nil, nil}, 1), 1)
}
