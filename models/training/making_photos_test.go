package training

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
)

// TestPoolOfOtherFacets: nothing knows how many facets there are, and their order is the pool's.
func TestPoolOfOtherFacets(t *testing.T) {
	facets := []catalog.Facet{{Name: "sleeve", Labels: []string{"long", "sleeveless", "cap", "short", "three-quarters"}}, {Name: "fit", Labels: []string{"slim", "wide"}}}
	options := tiny(t)
	pool := newPool(options.Trunk.Config, facets)
	require.NoError(t, pool.Paint(t.Context(), options.Paint, func(int, int) {}))
	require.NotEmpty(t, pool.Crops)
	for _, c := range pool.Crops {
		require.Len(t, c.Labels, 2)
		require.Contains(t, []int16{0, 1, 2, 3, 4}, c.Labels[0])
		require.Equal(t, int16(-1), c.Labels[1], "the studio knows nothing of it")
	}
}

func TestStagesOfLargerCropsAreOtherStages(t *testing.T) {
	var none [32]byte
	m := &maker{Options: Options{Trunk: TrunkOptions{Config: models.DefaultConfig()}}}
	require.Equal(t, none, m.withPool(none), "stages of the shipped model's crops keep their names")
	m.Options.Trunk.Config.CropHeight += 16
	require.NotEqual(t, none, m.withPool(none), "how large crops are kept was not always their model's affair")
}

func TestMakeRefusesWeightsOfFacetsThatThereAreNot(t *testing.T) {
	options := tiny(t)
	options.FacetLoss.Given = map[string]map[string]float64{"cut": {"round": 2}}
	_, err := newMaker(t.Context(), options)
	require.ErrorContains(t, err, `there is no facet "cut"`)
}
