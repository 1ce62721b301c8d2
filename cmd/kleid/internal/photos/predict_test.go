package photos

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
)

// TestUnsureLabels are called that, as kleid search does.
func TestUnsureLabels(t *testing.T) {
	facet := catalog.Facet{Name: "fit", Labels: []string{"slim", "wide"}}
	p := embedding.Prediction{Name: "fit", Label: "wide", Probabilities: []float32{0.4, 0.6}}
	require.Equal(t, []string{"wide 60%, unsure", "slim 40%"}, mostLikely(facet, p, 3))
	p.Confident = true
	require.Equal(t, []string{"wide 60%", "slim 40%"}, mostLikely(facet, p, 3))
}
