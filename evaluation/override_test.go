package evaluation

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
)

// painter answers for the photos of Override with vectors of two numbers: the first tells cloths apart, the
// second says nothing but the facet.
type painter struct{ asked int }

func (p *painter) BatchSize() int { return 4 }

func (p *painter) Embed(_ context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	var photos []embedding.Photo
	for range inputs {
		product := p.asked / 2
		p.asked++
		cloth := product - product%2 // siblings follow each other
		v := []float32{float32(cloth), 100 * float32(product%2), 1}
		photos = append(photos, embedding.Photo{Status: catalog.StatusOK, DeepRank: v, Unsupervised: v})
	}
	return photos, nil
}

func (p *painter) Ignore(_ string, v []float32, facets []string) ([]float32, []string, error) {
	rest := slices.Clone(v)
	rest[1] = 0
	return rest, facets, nil
}

func TestOverride(t *testing.T) {
	const n = 12
	done := 0
	reports, err := Override(t.Context(), &painter{}, 1, n, func(at, total int) { done = at; require.Equal(t, n+n/3, total) })
	require.NoError(t, err)
	require.Equal(t, n+n/3, done)
	seen := map[[3]string]OverrideReport{}
	for _, r := range reports {
		require.Positive(t, r.Searches)
		require.LessOrEqual(t, r.First, r.FirstFive)
		require.LessOrEqual(t, r.First, r.ReciprocalRank)
		if r.Facet == "all" {
			seen[[3]string{r.Embedding, r.Gallery, r.Method}] = r
		}
	}
	require.Len(t, seen, 2*2*4)
	for _, method := range []string{OverridePlain, OverrideIgnore, OverrideCosine, OverrideMove} {
		require.Positive(t, seen[[3]string{"deeprank", "true", method}].ReciprocalRank, method)
		require.Zero(t, seen[[3]string{"deeprank", "predicted", method}].First, "nothing is predicted, so that nothing passes")
	}
	require.GreaterOrEqual(t, seen[[3]string{"deeprank", "true", OverrideCosine}].ReciprocalRank, 0.1)
}
