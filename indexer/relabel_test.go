package indexer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// said are judgements by photo.
type said map[string]struct {
	labels  map[string]string
	noDress bool
}

func (s said) Of(photoID string, _ photo.Box, _ []catalog.Facet) (map[string]string, bool) {
	return s[photoID].labels, s[photoID].noDress
}

// TestLabelsByPeople take the place of predicted ones, in Parquet, store and report, also of photos that were indexed
// before, and are gone again when they are taken back.
func TestLabelsByPeople(t *testing.T) {
	files := pictures(0, 4)
	b := newBench(t, files)
	before, err := Run(t.Context(), b.options())
	require.NoError(t, err)
	require.Zero(t, before.Judged)
	_, predicted := parquetRows(t, b.out, before.Run)

	facet := b.embedder.Metadata().Facets[0]
	was := bySource(t, predicted, pictureName(1)).Facets[facet.Name].Label
	other := facet.Labels[0]
	if other == was {
		other = facet.Labels[1]
	}
	options := b.options()
	options.Gate.MinRows = 0.5
	options.Judgements = said{
		photo.ID(files[pictureName(1)]): {labels: map[string]string{facet.Name: other}},
		photo.ID(files[pictureName(2)]): {noDress: true},
	}
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	b.requireConsistent(t, report)
	require.True(t, report.Published)
	require.Equal(t, []int{3, 1, 1, 0}, []int{report.OK, report.NoDress, report.Judged, report.Embedded})
	require.Contains(t, report.String(), "1 photos have labels that people gave")
	_, rows := parquetRows(t, b.out, report.Run)
	judged := bySource(t, rows, pictureName(1))
	require.Equal(t, catalog.FacetValue{Label: other, Probability: 1, Source: catalog.Human}, judged.Facets[facet.Name])
	for _, f := range b.embedder.Metadata().Facets[1:] {
		require.Equal(t, bySource(t, predicted, pictureName(1)).Facets[f.Name], judged.Facets[f.Name], "nobody said more")
	}
	none := bySource(t, rows, pictureName(2))
	require.Equal(t, catalog.StatusNoDress, none.Status)
	require.Nil(t, none.Box)
	require.Nil(t, none.EmbeddingDeepRank)
	require.Nil(t, none.Facets)
	require.Equal(t, bySource(t, predicted, pictureName(3)).Facets, bySource(t, rows, pictureName(3)).Facets)

	again, err := Run(t.Context(), b.options())
	require.NoError(t, err)
	require.Equal(t, []int{4, 0, 0}, []int{again.OK, again.NoDress, again.Judged})
}
