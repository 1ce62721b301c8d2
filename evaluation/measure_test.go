package evaluation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
)

// TestUncalibrated takes a temperature of 2 back: probabilities go with the square.
func TestUncalibrated(t *testing.T) {
	said := embedding.Prediction{Name: "sleeve", Label: "long", Probability: 0.6, Probabilities: []float32{0.6, 0.3, 0.1}}
	photos := []embedding.Photo{{Status: catalog.StatusOK, Facets: []embedding.Prediction{said}}, {Status: catalog.StatusNoDress}}
	raw := Uncalibrated(photos, map[string]float64{"sleeve": 2})
	require.Equal(t, catalog.StatusNoDress, raw[1].Status)
	got := raw[0].Facets[0]
	require.Equal(t, "long", got.Label)
	require.InDelta(t, 0.36/0.46, got.Probability, 1e-6)
	require.InDeltaSlice(t, []float64{0.36 / 0.46, 0.09 / 0.46, 0.01 / 0.46}, []float64{float64(got.Probabilities[0]), float64(got.Probabilities[1]), float64(got.Probabilities[2])}, 1e-6)
}

func TestLabelProbabilities(t *testing.T) {
	facets := []catalog.Facet{{Name: "sleeve", Labels: []string{"short", "long"}}, {Name: "fit", Labels: []string{"slim"}}}
	said := []embedding.Prediction{{Name: "sleeve", Label: "long", Probabilities: []float32{0.25, 0.75}}}
	require.Equal(t, []LabelProbability{
		{Source: "a.jpg", PhotoID: "id", Facet: "sleeve", Label: "short", Probability: 0.25},
		{Source: "a.jpg", PhotoID: "id", Facet: "sleeve", Label: "long", Probability: 0.75, Predicted: true},
	}, LabelProbabilities("a.jpg", "id", facets, said))
}
