package training

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/report"
)

// TestReportOfFailedMeasuring says that it failed, of a model that is there; the next run measures it.
func TestReportOfFailedMeasuring(t *testing.T) {
	options := tiny(t)
	options.Heads = []string{}
	shipped, err := models.Default()
	require.NoError(t, err)
	options.Trunk.HalfSteps, options.Trunk.FullSteps, options.Trunk.Initial = 0, 0, shipped.Weights.Sub("trunk.")
	figures, failure := report.Figures{}, error(nil)
	options.Measure = func(_ context.Context, model *models.Model) (report.Figures, error) {
		require.NotEmpty(t, model.SHA256, "it is written")
		return figures, failure
	}
	read := func() report.Report {
		r, _ := readReport(t, &maker{Options: options})
		return r
	}
	failure = os.ErrNotExist
	_, err = Make(t.Context(), options)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, []string{report.Done, report.Failed}, []string{read().Stages[0].State, read().State})
	require.Contains(t, read().Error, "the model is made, and measuring it failed: ")

	figures, failure = report.Figures{Tables: []report.Table{{Title: "first"}}}, nil
	for range 2 { // also where all was done before
		_, err = Make(t.Context(), options)
		require.NoError(t, err)
		require.Equal(t, []string{report.Done, ""}, []string{read().State, read().Error})
		require.Equal(t, figures, read().Figures)
		figures.Tables[0].Title = "again"
	}

	// What was measured is not of a model that is made anew.
	m := &maker{Options: options}
	m.report = m.openReport(t.Context())
	m.beginStage("trunk")
	require.Empty(t, read().Figures)
}

// TestReportOfMeasuredFacetsThatFailed runs until it is measured.
func TestReportOfMeasuredFacetsThatFailed(t *testing.T) {
	m := reported(t)
	m.beginStage("facets")
	m.endStage(t.Context(), nil)
	r, _ := readReport(t, m)
	require.Equal(t, report.Running, r.State)
	measured := []report.MeasuredFacet{{Facet: catalog.Facet{Name: "neckline", Labels: []string{"boat"}}, Learned: report.FacetFigures{Photos: 9}}}
	(&FacetFit{maker: m}).Measured(measured)
	r, _ = readReport(t, m)
	require.Equal(t, measured, r.Measured)
	require.ErrorContains(t, (&FacetFit{maker: m, checkpoint: "stages/kept"}).Finish(t.Context(), errors.New("a photo is gone")), "a photo is gone")
	r, _ = readReport(t, m)
	require.Equal(t, []string{report.Done, report.Failed}, []string{r.Stages[0].State, r.State})
	require.Contains(t, r.Error, "measuring it failed: a photo is gone")
	require.NoError(t, (&FacetFit{maker: m}).Finish(t.Context(), nil))
	r, _ = readReport(t, m)
	require.Equal(t, report.Done, r.State)
}
