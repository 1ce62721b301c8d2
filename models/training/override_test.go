package training

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
)

// TestFitEffects recovers what labels add to vectors that are a sum of it, of what is the dress's own, and of
// noise.
func TestFitEffects(t *testing.T) {
	facets := []catalog.Facet{{Name: "neckline", Labels: []string{"round", "v-neck", "boat"}}, {Name: "colour", Labels: []string{"red", "blue"}}}
	added := [][][]float64{{{1, 0, 0}, {-1, 1, 0}, {0, -1, 0}}, {{0, 0, 2}, {0, 0, -2}}}
	rng := rand.New(rand.NewPCG(1, 2))
	var dresses []dressed
	const size = 12
	vector := func(own []float64, labels []int) []float64 {
		v := make([]float64, size)
		for k := range v {
			v[k] = own[k] + 0.05*rng.NormFloat64()
			if k < 3 {
				v[k] += added[0][labels[0]][k] + added[1][labels[1]][k]
			}
		}
		return v
	}
	for i := range 600 {
		own := make([]float64, size)
		for k := range own {
			own[k] = rng.NormFloat64()
		}
		labels := []int{rng.IntN(3), rng.IntN(2)}
		dresses = append(dresses, dressed{vector(own, labels), labels, -1})
		other := []int{(labels[0] + 1) % 3, labels[1]}
		if i%2 == 0 {
			other = []int{labels[0], 1 - labels[1]}
		}
		dresses = append(dresses, dressed{vector(own, other), other, len(dresses) - 1})
	}
	effects, err := fitEffects(dresses, facets)
	require.NoError(t, err)
	for f, facet := range facets {
		for a := range facet.Labels {
			for b := range a {
				for k := range 3 {
					require.InDelta(t, added[f][a][k]-added[f][b][k], effects[f].At(a, k)-effects[f].At(b, k), 0.1)
				}
			}
		}
	}
	m := &models.Model{Config: models.Config{EmbeddingSize: size}, Weights: models.Weights{models.OverrideName("deeprank", "colour"): directions(effects[1])}}
	basis, _, err := m.Override("deeprank", []string{"colour"})
	require.NoError(t, err)
	red, blue := models.Without([]float32{0, 0, 2, 1}, pad(basis, 4)), models.Without([]float32{0, 0, -2, 1}, pad(basis, 4))
	require.InDeltaSlice(t, red, blue, 0.3, "a red dress and a blue one are alike but for the colour")
}

// pad cuts the vectors of a basis to their first numbers.
func pad(basis [][]float64, n int) [][]float64 {
	short := make([][]float64, len(basis))
	for i, b := range basis {
		short[i] = b[:n]
	}
	return short
}

// TestMakeOverride fits the directions to a model that has all else, and again to one that was ranked anew.
func TestMakeOverride(t *testing.T) {
	options := tiny(t)
	model, err := Make(t.Context(), options)
	require.NoError(t, err)
	for _, embedding := range []string{"unsupervised", "deeprank"} {
		basis, known, err := model.Override(embedding, []string{"neckline", "colour"})
		require.NoError(t, err)
		require.Equal(t, []string{"neckline", "colour"}, known)
		require.NotEmpty(t, basis)
	}
	options.From, options.Heads = &models.Model{Config: model.Config, Weights: model.Weights.WithoutOverrides()}, []string{"override"}
	again, err := Make(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, model.EmbeddingModel(), again.EmbeddingModel())
	name := models.OverrideName("deeprank", "sleeve")
	require.InDeltaSlice(t, model.Weights[name].Data, again.Weights[name].Data, 0.005, "it depends on the embedding alone, which is in half precision now")
}
