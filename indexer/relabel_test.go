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
	isDress bool
}

func (s said) IsDress(photoID string) bool { return s[photoID].isDress }

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

// TestDressesThatPeopleTellOf are looked for again, once, and are in the index as long as people say so.
func TestDressesThatPeopleTellOf(t *testing.T) {
	files := pictures(0, 4)
	files["nothing.png"], files["neither.png"] = picture(noDressWidth, 7), picture(noDressWidth, 8)
	b := newBench(t, files)
	night := func(judgements Judgements, embedded, ok int) Report {
		t.Helper()
		options := b.options()
		options.Judgements, options.Gate.MinRows = judgements, 0.5
		report, err := Run(t.Context(), options)
		require.NoError(t, err)
		require.True(t, report.Published, "%v", report.Gate.Reasons)
		b.requireConsistent(t, report)
		require.Equal(t, []int{embedded, ok, 6 - ok}, []int{report.Embedded, report.OK, report.NoDress})
		return report
	}
	told := said{photo.ID(files["nothing.png"]): {isDress: true}, photo.ID(files[pictureName(1)]): {isDress: true}}
	night(nil, 6, 4)
	report := night(told, 1, 5)
	_, rows := parquetRows(t, b.out, report.Run)
	row := bySource(t, rows, "nothing.png")
	require.Equal(t, catalog.StatusOK, row.Status)
	require.NotNil(t, row.Box)
	require.NotEmpty(t, row.Facets)
	require.Len(t, row.EmbeddingDeepRank, b.embedder.meta.DeepRankSize)
	night(told, 0, 5)

	b.embedder.meta.FacetModel = "heads-2"
	night(told, 0, 5) // its facets are read from what is kept
	night(nil, 0, 4)  // taken back
	night(told, 0, 5)
	nothing, err := photo.Open(files["nothing.png"], photo.DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, 2, b.embedder.seen[pixelID(nothing)])
}
