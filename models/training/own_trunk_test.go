package training

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEvenly(t *testing.T) {
	require.Equal(t, []int{0, 3, 6}, evenly([]int{0, 1, 2, 3, 4, 5, 6, 7, 8}, 3))
	require.Equal(t, []int{4, 5}, evenly([]int{4, 5}, 3))
	require.Empty(t, evenly(nil, 3))
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
