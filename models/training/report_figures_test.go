package training

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// TestReportOfFailedMeasuring says that it failed, of a model that is there; the next run measures it.
func TestReportOfFailedMeasuring(t *testing.T) {
	options := tiny(t)
	options.Heads = []string{}
	shipped, err := models.Default()
	require.NoError(t, err)
	options.Trunk.HalfSteps, options.Trunk.FullSteps, options.Trunk.Initial = 0, 0, shipped.Weights.Sub("trunk.")
	figures, failure := Figures{}, error(nil)
	options.Measure = func(_ context.Context, model *models.Model) (Figures, error) {
		require.NotEmpty(t, model.SHA256, "it is written")
		return figures, failure
	}
	report := func() Report {
		r, _ := readReport(t, &maker{Options: options})
		return r
	}
	failure = os.ErrNotExist
	_, err = Make(t.Context(), options)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, []string{stageDone, stageFailed}, []string{report().Stages[0].State, report().State})
	require.Contains(t, report().Error, "the model is made, and measuring it failed: ")

	figures, failure = Figures{Tables: []Table{{Title: "first"}}}, nil
	for range 2 { // also where all was done before
		_, err = Make(t.Context(), options)
		require.NoError(t, err)
		require.Equal(t, []string{stageDone, ""}, []string{report().State, report().Error})
		require.Equal(t, figures, report().Figures)
		figures.Tables[0].Title = "again"
	}

	// What was measured is not of a model that is made anew.
	m := &maker{Options: options}
	m.report = m.openReport(t.Context())
	m.beginStage("trunk")
	require.Empty(t, report().Figures)
}

// TestReportOfMeasuredFacetsThatFailed runs until it is measured.
func TestReportOfMeasuredFacetsThatFailed(t *testing.T) {
	m := reported(t)
	m.beginStage("facets")
	m.endStage(t.Context(), nil)
	r, _ := readReport(t, m)
	require.Equal(t, stageRuns, r.State)
	require.ErrorContains(t, (&FacetFit{maker: m, checkpoint: "stages/kept"}).Finish(t.Context(), errors.New("a photo is gone")), "a photo is gone")
	r, _ = readReport(t, m)
	require.Equal(t, []string{stageDone, stageFailed}, []string{r.Stages[0].State, r.State})
	require.Contains(t, r.Error, "measuring it failed: a photo is gone")
	require.NoError(t, (&FacetFit{maker: m}).Finish(t.Context(), nil))
	r, _ = readReport(t, m)
	require.Equal(t, stageDone, r.State)
}

// TestReportOfFigures has tables, and photos with both boxes, in words as well as in colours.
func TestReportOfFigures(t *testing.T) {
	m := reported(t)
	m.beginStage("location")
	m.report.Figures = Figures{Tables: []Table{{Title: "Products <apart>", Caption: "of 7", Head: []string{"embedding", "R@1"}, Rows: [][]string{{"DeepRank", "0.250"}}}}, Located: &LocatedGroup{Legend: "the worst 4"}}
	truth, found := &photo.Box{XMin: 100, YMin: 200, XMax: 300, YMax: 400}, &photo.Box{XMin: 100, YMin: 200, XMax: 200, YMax: 400}
	for _, p := range []struct{ truth, found *photo.Box }{{truth, nil}, {nil, found}, {truth, found}, {nil, nil}} {
		pictured, err := NewLocatedPhoto("folder/a<b>.jpg", photo.New(400, 800), p.truth, p.found, 0.75)
		require.NoError(t, err)
		m.report.Located.Photos = append(m.report.Located.Photos, pictured)
	}
	both := m.report.Located.Photos[2]
	require.Equal(t, []int{100, 200}, []int{both.Width, both.Height})
	require.Equal(t, photo.Box{XMin: 25, YMin: 50, XMax: 75, YMax: 100}, *both.True)
	require.InDelta(t, 0.5, both.IoU, 1e-9)
	m.endReport(t.Context(), nil)
	r, page := readReport(t, m)
	require.Equal(t, m.report.Figures, r.Figures)
	for _, says := range []string{
		`Products &lt;apart&gt;</h2>`, `<th scope="row">DeepRank</th><td class="n">0.250</td>`, "the worst 4",
		"<b>missed</b><span>a dress, none found</span>", "<b>false</b><span>no dress, confidence 0.75</span>", "<span>IoU 0.50, confidence 0.75</span>", "<span>no dress, none found</span>",
		`<rect class="true" x="25" y="50" width="50" height="50"/>`, `<rect class="found" x="25" y="50" width="25" height="50"/>`,
		`aria-label="folder/a&lt;b&gt;.jpg: missed, a dress, none found"`, `href="data:image/jpeg;base64,`,
		`title="folder/a&lt;b&gt;.jpg">a&lt;b&gt;.jpg<`,
	} {
		require.Contains(t, page, says)
	}
	require.NotRegexp(t, `(?i)<script|https?:|ZgotmplZ`, page)
	accessible(t, page)
}
