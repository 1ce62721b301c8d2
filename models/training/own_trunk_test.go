package training

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

func TestEvenly(t *testing.T) {
	require.Equal(t, []int{0, 3, 6}, evenly([]int{0, 1, 2, 3, 4, 5, 6, 7, 8}, 3))
	require.Equal(t, []int{4, 5}, evenly([]int{4, 5}, 3))
	require.Empty(t, evenly(nil, 3))
}

func TestGreyLooksKeepTheirLuma(t *testing.T) {
	image := photo.New(2, 1)
	copy(image.Pix, []uint8{255, 0, 0, 10, 200, 30})
	c := Crop{Image: image, Box: image.Frame()}
	m := jitter{grey: 1}.look(rand.New(rand.NewPCG(1, 1)), &c, 0, 2, 1)
	require.Equal(t, []uint8{76, 76, 76, 124, 124, 124}, m.Pix)
}

// TestJudgedAccuracy: facets count for the same, and those that nobody judged do not.
func TestJudgedAccuracy(t *testing.T) {
	j := &judgedLogits{
		logits: [][][]float64{{{1, 2}, {3, 2}, {0, 1}, {5, 1}}, {{1, 0}}, nil},
		truth:  [][]int{{1, 1, 1, 1}, {0}, nil},
	}
	require.InDelta(t, 0.75, j.accuracy(), 1e-9)
	require.Zero(t, (&judgedLogits{}).accuracy())
}
