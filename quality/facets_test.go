package quality

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
)

// TestFacetsThatWereJudged are shown, with the labels that people gave, though nobody imported or predicted any.
func TestFacetsThatWereJudged(t *testing.T) {
	all := []datasets.Judgement{
		{Facet: "hem", Label: "mini"}, {Facet: "hem", Label: "maxi"}, {Facet: "hem"}, {Facet: "hem", Label: datasets.Unseen},
		{Facet: datasets.DressFacet, Label: datasets.NoDress}, {Facet: "taken back"},
	}
	require.Equal(t, []catalog.Facet{{Name: "hem", Labels: []string{"mini", "maxi"}}}, facetsOf(&datasets.Dataset{}, nil, all, nil))
}
