package training

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
)

// TestOtherFacets: nothing knows how many facets there are, and their order is the options'.
func TestOtherFacets(t *testing.T) {
	options := tiny(t)
	options.Paint.Products = 8
	options.Facets = []catalog.Facet{{Name: "sleeve", Labels: []string{"long", "sleeveless", "cap", "short", "three-quarters"}}, {Name: "fit", Labels: []string{"slim", "wide"}}}
	options.FacetLoss.Given = map[string]map[string]float64{"fit": {"slim": 2}}
	m, err := newMaker(t.Context(), options)
	require.NoError(t, err)
	require.NoError(t, m.photos(t.Context()))
	for _, pool := range []*Pool{m.pool, m.held} {
		require.Equal(t, options.Facets, pool.Facets)
		for _, c := range pool.Crops {
			require.Len(t, c.Labels, 2)
			require.Contains(t, []int16{0, 1, 2, 3, 4}, c.Labels[0])
			require.Equal(t, int16(-1), c.Labels[1], "the studio knows nothing of it")
		}
	}
	var none [32]byte
	other := &maker{Options: Options{Trunk: TrunkOptions{Config: models.DefaultConfig()}}}
	require.Equal(t, none, other.withPool(none), "stages of the studio's facets and the shipped model's crops keep their names")
	require.Equal(t, datasets.Facets(), other.vocabulary())
	first := m.withPool(none)
	m.Options.Facets[1].Labels = []string{"wide", "slim"}
	require.NotEqual(t, first, m.withPool(none), "stages of other facets are other stages")
	other.Options.Trunk.Config.CropHeight += 16
	require.NotEqual(t, none, other.withPool(none), "how large crops are kept was not always their model's affair")

	options.FacetLoss.Given = map[string]map[string]float64{"neckline": {"round": 2}}
	_, err = newMaker(t.Context(), options)
	require.ErrorContains(t, err, `there is no facet "neckline"`)
}
