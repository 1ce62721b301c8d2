package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// written leaves a report in a bucket, and returns it as it is read back, and its page.
func written(t *testing.T, r *Report) (read Report, page string) {
	bucket, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.NoError(t, r.Write(t.Context(), bucket))
	data, err := storage.ReadAll(t.Context(), bucket, Key, 1<<24)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &read))
	html, err := storage.ReadAll(t.Context(), bucket, PageKey, 1<<24)
	require.NoError(t, err)
	return read, string(html)
}

// accessible looks at a page in a browser, with all that is folded in it.
func accessible(t *testing.T, page string) {
	t.Helper()
	t.Run("is accessible", func(t *testing.T) {
		v := browsertest.Visit(t)
		path := filepath.Join(t.TempDir(), "report.html")
		require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
		v.Do(chromedp.Navigate("file://" + path))
		browsertest.See[any](v, `document.querySelectorAll("details").forEach((e) => (e.open = true))`)
		v.Accessible()
		require.True(t, browsertest.See[bool](v, `Boolean(document.querySelector("main h1"))`))
		v.Do(chromedp.EmulateViewport(320, 640))
		require.LessOrEqual(t, browsertest.See[int](v, `document.documentElement.scrollWidth`), 320)
	})
}

// TestMeasuredFacets shows each label in the facet's order, the answers, and the calibration.
func TestMeasuredFacets(t *testing.T) {
	r := &Report{}
	r.Train("facets", "facets, without part 1 of 3").Rehearsal = true
	stage := r.Train("facets", "facets")
	stage.Steps, stage.StepsDone, stage.Error = 2000, 2000, "step 3: <loss> 0 is NaN"
	stage.Curves = []Curve{NewCurve("loss", 2000, func(step int) float64 { return 1 / float64(step+1) }), {Name: "macro F1", Steps: []int{1000, 2000}, Values: []float64{0.5, 0.6}, Best: true}}
	stage.ClassWeights = []ClassWeight{{"neckline", "v-neck", 1234, 0.25, 34}}
	r.Measured = []MeasuredFacet{{
		Facet:   catalog.Facet{Name: "neckline", Labels: []string{"v-neck", "halter", "round <b>", "boat"}},
		Learned: FacetFigures{Photos: 9, MacroF1: 0.9876, Labels: []LabelFigures{{Label: "boat", Photos: 9, F1: 0.9}}},
		Apart: FacetFigures{
			Photos: 7, MacroF1: 0.3333, CalibrationError: 0.0512, Labels: []LabelFigures{{Label: "v-neck", Photos: 3, F1: 0.6667}, {Label: "round <b>", Photos: 4}},
			Answers:     [][]int{{3, 0, 0}, {3, 0, 1}},
			Calibration: []CalibrationPoint{{Photos: 4, Probability: 0.5, Right: 0.25}, {Photos: 1, Probability: 1, Right: 1}},
		},
	}}
	read, page := written(t, r)
	require.NotContains(t, page, `</a> <span class="quiet">facets</span>`, "a rehearsal's title says of what")
	require.Equal(t, r.Measured, read.Measured)
	require.Contains(t, page, "macro F1 0.333")
	require.Contains(t, page, "macro F1 0.988")
	require.Contains(t, page, "error 0.051")
	require.Regexp(t, `(?s)>v-neck<.*>round &lt;b&gt;<.*>boat<`, page)
	require.NotContains(t, page, "halter", "there is no photo of one")
	require.Contains(t, page, "right, by probability: error 0.051, 0.000 uncalibrated. of 4 answers of probability 0.50, 0.25 are right; of 1 answers of probability 1.00, 1.00 are right", "the chart in words")
	require.Contains(t, page, "3 of 4 photos of round &lt;b&gt; are taken for v-neck")
	require.Contains(t, page, "1 of 4 photos of round &lt;b&gt; are taken for another")
	require.Contains(t, page, `cx="142.0" cy="114.0" r="9.0"`, "half as right as probable, and below the diagonal")
	require.Equal(t, 1, strings.Count(page, "<details><summary class=\"head\">"), "what is no part of the model is folded away")
	accessible(t, page)
}

// TestFigures has tables, and photos with both boxes, in words as well as in colours.
func TestFigures(t *testing.T) {
	r := &Report{}
	r.Begin("location")
	r.Figures = Figures{Tables: []Table{{Title: "Products <apart>", Caption: "of 7", Head: []string{"embedding", "R@1"}, Rows: [][]string{{"DeepRank", "0.250"}}}}, Located: &LocatedGroup{Legend: "the worst 4"}}
	truth, found := &photo.Box{XMin: 100, YMin: 200, XMax: 300, YMax: 400}, &photo.Box{XMin: 100, YMin: 200, XMax: 200, YMax: 400}
	for _, p := range []struct{ truth, found *photo.Box }{{truth, nil}, {nil, found}, {truth, found}, {nil, nil}} {
		pictured, err := NewLocatedPhoto("folder/a<b>.jpg", photo.New(400, 800), p.truth, p.found, 0.75)
		require.NoError(t, err)
		r.Located.Photos = append(r.Located.Photos, pictured)
	}
	both := r.Located.Photos[2]
	require.Equal(t, []int{100, 200}, []int{both.Width, both.Height})
	require.Equal(t, photo.Box{XMin: 25, YMin: 50, XMax: 75, YMax: 100}, *both.True)
	require.InDelta(t, 0.5, both.IoU, 1e-9)
	r.End(t.Context(), nil)
	read, page := written(t, r)
	require.Equal(t, r.Figures, read.Figures)
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

func TestSpell(t *testing.T) {
	for seconds, want := range map[float64]string{0.04: "0.0 s", 59: "59.0 s", 61: "1 min 01 s", 3600: "1 h 00 min", 90061: "25 h 01 min"} {
		require.Equal(t, want, spell(time.Duration(seconds*float64(time.Second))))
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		require.Equal(t, want, Grouped(n))
	}
}
