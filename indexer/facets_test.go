package indexer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
)

// faceted is a bench whose index has facets of one model, and an embedder of another one with other facets.
func faceted(t *testing.T) *bench {
	files := pictures(0, 9)
	files["nothing.png"] = picture(noDressWidth, 7)
	files["broken.jpg"] = []byte("no photo")
	b := newBench(t, files)
	b.embedder.meta.Facets = append(b.embedder.meta.Facets, catalog.Facet{Name: "colour", Labels: []string{"red", "green", "blue"}})
	b.run(t)
	other := newStub()
	other.meta.FacetModel = "heads-2"
	other.meta.Facets = []catalog.Facet{
		{Name: "sleeve", Labels: []string{"none", "short", "long"}}, {Name: "length", Labels: []string{"mini", "maxi"}},
		{Name: "colour", Labels: []string{"red", "green", "blue"}},
	}
	b.embedder = other
	return b
}

// Rows whose facets were read from what was kept are those of a job that saw the photos.
func TestFacetsAreReadFromKeptCells(t *testing.T) {
	b := faceted(t)
	report := b.run(t)
	b.requireConsistent(t, report)
	require.Equal(t, []int{0, 10}, []int{report.Embedded, report.FacetsRead})
	require.Zero(t, b.embedder.embeddings(t))
	require.Equal(t, 9, b.embedder.facetsRead)
	require.Contains(t, report.String(), "the facets of 10 photos were read from kept features")
	require.Contains(t, report.Stages, StageFacets)
	_, rows := parquetRows(t, b.out, report.Run)

	afresh := newBench(t, nil)
	afresh.photos, afresh.embedder = b.photos, b.embedder
	_, want := parquetRows(t, afresh.out, afresh.run(t).Run)
	require.Equal(t, timeless(want), timeless(rows))
}

// readsFewer gives up after some batches, as a killed job does.
type readsFewer struct {
	*stub
	left int
}

func (s *readsFewer) ReadFacets(ctx context.Context, dresses []embedding.Cells) ([][]embedding.Prediction, error) {
	if s.left--; s.left < 0 {
		return nil, errors.New("no power")
	}
	return s.stub.ReadFacets(ctx, dresses)
}

func TestReadingFacetsGoesOn(t *testing.T) {
	b := faceted(t)
	// A journal of two segments, of which the second is read after the power went.
	more := pictures(20, 2)
	writeFiles(t, b.photos, more)
	again := newStub()
	again.meta.Facets = append(again.meta.Facets, catalog.Facet{Name: "colour", Labels: []string{"red", "green", "blue"}})
	other := b.embedder
	b.embedder = again
	require.Equal(t, 2, b.run(t).Embedded)
	b.embedder = other

	options := b.options()
	options.Embedder = &readsFewer{other, 1}
	_, err := Run(t.Context(), options)
	require.ErrorContains(t, err, "no power")
	report := b.run(t)
	require.Equal(t, []int{0, 2}, []int{report.Embedded, report.FacetsRead})
	b.requireConsistent(t, report)
}

// A journal that does not say whose it is costs embedding, not the job.
func TestJournalOfUnknownModel(t *testing.T) {
	for _, content := range []string{"", "{"} {
		b := faceted(t)
		models, err := filepath.Glob(filepath.Join(escaped(b.out), "work", journalPrefix+"*", modelFile))
		require.NoError(t, err)
		require.Len(t, models, 1)
		require.NoError(t, os.Remove(models[0]))
		if content != "" {
			require.NoError(t, os.WriteFile(models[0], []byte(content), 0o644))
		}
		require.Equal(t, 10, b.run(t).Embedded)
	}
}
