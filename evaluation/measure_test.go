package evaluation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
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
	box := &catalog.Box{XMax: 3, YMax: 4}
	require.Equal(t, []LabelProbability{
		{Source: "a.jpg", PhotoID: "id", Facet: "sleeve", Label: "short", Probability: 0.25, FacetModel: "f", Box: box},
		{Source: "a.jpg", PhotoID: "id", Facet: "sleeve", Label: "long", Probability: 0.75, Predicted: true, FacetModel: "f", Box: box},
	}, LabelProbabilities("a.jpg", "id", "f", box, facets, said))
}

// TestMeasuredOn tells apart other photos and other labels of them, and not their order.
func TestMeasuredOn(t *testing.T) {
	facet := catalog.Facet{Name: "sleeve", Labels: []string{"short", "long"}}
	on := func(photosWithLabels ...string) string {
		var examples []datasets.Example
		for i := 0; i < len(photosWithLabels); i += 2 {
			examples = append(examples, datasets.Example{PhotoID: photosWithLabels[i], Labels: map[string]string{"sleeve": photosWithLabels[i+1]}})
		}
		r := MeasureFacets([]catalog.Facet{facet}, examples, make([]embedding.Photo, len(examples)), Counting{Least: 1})
		require.Equal(t, r[0].MeasuredOn != "", Mean(r).MeasuredOn != "")
		return r[0].MeasuredOn
	}
	two := on("a", "short", "b", "long")
	require.NotEmpty(t, two)
	require.Equal(t, two, on("b", "long", "a", "short"))
	require.Equal(t, two, on("b", "long", "a", "short", "c", ""), "of c nothing is known")
	require.NotEqual(t, two, on("a", "short", "b", "short"))
	require.NotEqual(t, two, on("a", "short"))
	require.NotEqual(t, two, on("a", "short", "c", "long"))

	// The photos of a reference are told apart by their bytes, too.
	e := &scripted{answers: map[int]embedding.Photo{20: {}, 21: {}}}
	location := func(width int, name string) string {
		one := example(t, width)
		one.Name, one.NoDress = name, true
		r, err := Location(t.Context(), Part{e, []datasets.Example{one}})
		require.NoError(t, err)
		return r.MeasuredOn
	}
	require.Equal(t, location(20, "a.jpg"), location(20, "b.jpg"))
	require.NotEqual(t, location(20, "a.jpg"), location(21, "a.jpg"))
}
