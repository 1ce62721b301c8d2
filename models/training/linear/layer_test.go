package linear

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
)

func TestLayer(t *testing.T) {
	x := Matrix{2, 3, []float32{1, 2, 3, -1, 0, 1}}
	l := Layer{&models.Tensor{Shape: []int{2, 3}, Data: []float32{1, 0, 2, 0, -1, 0}}, nil}
	require.Equal(t, Matrix{2, 2, []float32{7, -2, 1, 0}}, l.Apply(x))
	l.Bias = &models.Tensor{Shape: []int{2}, Data: []float32{10, 20}}
	y := l.Apply(x)
	require.Equal(t, Matrix{2, 2, []float32{17, 18, 11, 20}}, y)
	for i := range x.Rows {
		require.Equal(t, y.Row(i), l.Of(x.Row(i)))
	}
}
