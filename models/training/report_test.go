package training

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// reported is a maker whose trainings are made up.
func reported(t *testing.T) *maker {
	work, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	m := &maker{Options: Options{Work: work, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Trunk: DefaultTrunkOptions()}}
	m.report = m.openReport(t.Context())
	return m
}

// fall is a training whose loss falls in jumps.
func fall(steps int, o LoopOptions) Progress {
	h := &History{}
	for i := range steps {
		x := float64(i) / float64(steps)
		noise := 0.2 * math.Sin(float64(i*i))
		h.record([]float64{2*math.Exp(-3*x) + noise, 1 - x + noise/2}, 1e-3*(1-x), 1+noise, 100*time.Millisecond)
		if o.Validate != nil && i%(steps/8) == steps/8-1 {
			h.validated("macro F1", 0.7-(x-0.7)*(x-0.7))
		}
	}
	o.Steps = steps
	return newStopwatch(h, o.withDefaults()).progress()
}

func readReport(t *testing.T, m *maker) (r Report, page string) {
	data, err := storage.ReadAll(t.Context(), m.Work, reportKey, 1<<24)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	html, err := storage.ReadAll(t.Context(), m.Work, reportPageKey, 1<<24)
	require.NoError(t, err)
	return r, string(html)
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

func TestReport(t *testing.T) {
	m := reported(t)
	m.current = "facets-without-fold-0"
	m.reportWeight(ClassWeight{"neckline", "v-neck <b>", 1234, 0.25, 34})
	report := m.reporter("facets", []string{"loss"})
	report(fall(2400, LoopOptions{Photos: 32, Accumulate: 2, Rate: 1e-3, Seed: 5, Patience: 3, Validate: bumps(1), Update: models.Update{ClipNorm: 2, EMA: 0.99}}))
	m.endStage(t.Context(), nil)
	m.current = "deeprank"
	m.reporter("deeprank", nil)(fall(3, LoopOptions{Photos: 1}))
	m.endStage(t.Context(), errors.New("step 3: <loss> 0 is NaN"))

	r, page := readReport(t, m)
	require.Len(t, r.Stages, 2)
	facets := r.Stages[0]
	require.Equal(t, "done", facets.State)
	require.Equal(t, 2400, facets.StepsDone)
	require.InDelta(t, 240, facets.Seconds, 1e-3)
	require.InDelta(t, 640, facets.PerSecond, 1e-3, "64 photos in a tenth of a second")
	require.Equal(t, []ClassWeight{{"neckline", "v-neck <b>", 1234, 0.25, 34}}, facets.ClassWeights)
	require.Subset(t, facets.Facts, []Fact{{"photos a step", "64"}, {"gradients clipped at", "2"}, {"moving average", "0.99"}, {"patience", "3 validations"}, {"seed", "5"}})
	var names []string
	for _, c := range facets.Curves {
		names = append(names, c.Name)
		require.Len(t, c.Steps, len(c.Values))
		require.LessOrEqual(t, len(c.Values), curvePoints)
	}
	require.Equal(t, []string{"loss", "loss_1", "macro F1", "learning rate", "gradients' norm", "photos a second"}, names)
	require.Equal(t, []int{3, 6}, facets.Curves[0].Steps[:2], "three steps make a point")
	require.Equal(t, 2400, facets.Curves[0].Steps[799])
	require.True(t, facets.Rehearsal, "it is without a fold")
	require.False(t, r.Stages[1].Rehearsal)
	require.Equal(t, "failed", r.Stages[1].State)
	require.Empty(t, r.Stages[1].ClassWeights, "another stage's")
	require.Equal(t, []int{1, 2, 3}, r.Stages[1].Curves[0].Steps)

	require.Contains(t, page, `v-neck &lt;b&gt;</td><td class="n">1,234</td><td class="n">34</td>`)
	require.Contains(t, page, "step 3: &lt;loss&gt; 0 is NaN")
	require.NotRegexp(t, `(?i)<script|<link|src=|https?:`, page, "it stands alone")
	require.Equal(t, strings.Count(page, "<svg"), strings.Count(page, "</svg>"))
	require.NotRegexp(t, `NaN[ L"]|Inf`, regexp.MustCompile(`d="[^"]*"`).FindAllString(page, -1))
	accessible(t, page)

	// Another run in the same place goes on with it, and a stage that is run again takes its old place.
	again := &maker{Options: m.Options, current: "deeprank"}
	again.report = again.openReport(t.Context())
	again.reporter("deeprank", nil)(fall(5, LoopOptions{Photos: 1}))
	again.endStage(t.Context(), nil)
	r, page = readReport(t, again)
	require.Len(t, r.Stages, 2)
	require.Equal(t, facets, r.Stages[0])
	require.Equal(t, "done", r.Stages[1].State)
	require.Equal(t, 5, r.Stages[1].StepsDone)
	require.Equal(t, 4+1+4, strings.Count(page, `class="raw"`)+strings.Count(page, "<circle"), "the old curves are smoothed, too")
}

// TestReportOfMeasuredFacets shows each label in the facet's order, the answers, and the calibration.
func TestReportOfMeasuredFacets(t *testing.T) {
	m := reported(t)
	m.current = "facets"
	stage := m.report.stage("facets", "facets, without part 1 of 3", []string{"loss"})
	stage.Rehearsal = true
	m.reporterOf(stage)(fall(4, LoopOptions{Photos: 1}))
	m.reporter("facets", []string{"loss"})(fall(4, LoopOptions{Photos: 1}))
	m.endStage(t.Context(), nil)
	fit := &FacetFit{maker: m}
	fit.Measured([]MeasuredFacet{{
		Facet:   catalog.Facet{Name: "neckline", Labels: []string{"v-neck", "halter", "round <b>", "boat"}},
		Learned: FacetFigures{Photos: 9, MacroF1: 0.9876, Labels: []LabelFigures{{Label: "boat", Photos: 9, F1: 0.9}}},
		Apart: FacetFigures{
			Photos: 7, MacroF1: 0.3333, CalibrationError: 0.0512, Labels: []LabelFigures{{Label: "v-neck", Photos: 3, F1: 0.6667}, {Label: "round <b>", Photos: 4}},
			Answers:     [][]int{{3, 0, 0}, {3, 0, 1}},
			Calibration: []CalibrationPoint{{Photos: 4, Probability: 0.5, Right: 0.25}, {Photos: 1, Probability: 1, Right: 1}},
		},
	}})
	r, page := readReport(t, m)
	require.Len(t, r.Measured, 1)
	require.Contains(t, page, "macro F1 0.333")
	require.Contains(t, page, "macro F1 0.988")
	require.Contains(t, page, "error 0.051")
	require.Regexp(t, `(?s)>v-neck<.*>round &lt;b&gt;<.*>boat<`, page)
	require.NotContains(t, page, "halter", "there is no photo of one")
	require.Contains(t, page, "right, by probability: error 0.051, 0.000 before. of 4 answers of probability 0.50, 0.25 are right; of 1 answers of probability 1.00, 1.00 are right", "the chart in words")
	require.Contains(t, page, "3 of 4 photos of round &lt;b&gt; are taken for v-neck")
	require.Contains(t, page, "1 of 4 photos of round &lt;b&gt; are taken for another")
	require.Contains(t, page, `cx="142.0" cy="114.0" r="9.0"`, "half as right as probable, and below the diagonal")
	require.Equal(t, 1, strings.Count(page, "<details><summary class=\"head\">"), "what is no part of the model is folded away")

	accessible(t, page)

	again := &maker{Options: m.Options}
	again.report = again.openReport(t.Context())
	require.Equal(t, r.Measured, again.report.Measured)
}

// TestReportOfAnInterruption says that the stage did not fail.
func TestReportOfAnInterruption(t *testing.T) {
	m := reported(t)
	m.current = "trunk"
	m.reporter("trunk", trunkLosses)(fall(10, LoopOptions{}))
	require.NoError(t, m.Work.Put(t.Context(), reportKey, strings.NewReader("{")))
	require.Empty(t, m.openReport(t.Context()).Stages, "what is no report is begun anew")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.endStage(ctx, ctx.Err())
	r, _ := readReport(t, m)
	require.Equal(t, "interrupted", r.Stages[0].State)
	require.Empty(t, r.Stages[0].Error)
}

// TestReportOfSeveralTrainings has each of a stage's, and links to each.
func TestReportOfSeveralTrainings(t *testing.T) {
	m := reported(t)
	m.current = "facets"
	for range 2 { // the second time in the places of the first
		for _, title := range []string{"facets, without third 1", "facets"} {
			m.reporter(title, []string{"loss"})(fall(4, LoopOptions{Photos: 1}))
		}
		m.writeReport()
		r, page := readReport(t, m)
		require.Len(t, r.Stages, 2)
		require.Equal(t, []string{"done", "running"}, []string{r.Stages[0].State, r.Stages[1].State})
		for _, id := range []string{"stage-0", "stage-1"} {
			require.Equal(t, 1, strings.Count(page, `id="`+id+`"`))
			require.Equal(t, 1, strings.Count(page, `href="#`+id+`"`))
		}
	}
	m.endStage(t.Context(), nil)
	r, _ := readReport(t, m)
	require.Equal(t, "done", r.Stages[1].State)
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0.0 0.5 1.0"},
		{0, 3200, "0 1000 2000 3000"},
		{-0.3, 0.4, "-0.2 0.0 0.2 0.4"},
		{0, 0.001, "0.0000 0.0005 0.0010"},
		{0, 0.0002, "0 5e-5 1e-4 1.5e-4 2e-4"},
		{0, 0.0008, "0.0000 0.0002 0.0004 0.0006 0.0008"},
		{2.31, 2.34, "2.31 2.32 2.33 2.34"},
		{0, 3e7, "0 1e7 2e7 3e7"},
		{-0.09, 2, "0 1 2"},
		{1, 1, ""},
		{0, 4, "0 1 2 3 4"},
	} {
		var labels []string
		for _, tick := range ticks(c.low, c.high, 4) {
			labels = append(labels, tick.label)
		}
		require.Equal(t, c.want, strings.Join(labels, " "), fmt.Sprint(c.low, " to ", c.high))
	}
}

// TestChart puts a curve's ends where they belong.
func TestChart(t *testing.T) {
	c := newChart(Curve{Name: "macro F1", Steps: []int{5, 10}, Values: []float64{1, 0}, Best: true}, 10)
	require.Equal(t, "metric", c.Kind)
	require.Equal(t, "0, best 1 after 5 steps", c.Caption)
	require.Equal(t, "1 after 5, 0 after 10", c.Words)
	require.Equal(t, "M142.0 6.9L284.0 145.1", c.Line, "half and whole width, 5% of room above and below")
	require.Equal(t, 142.0, c.Dots[0].X)
	require.InDelta(t, plotHeight*0.05/1.1, c.Dots[0].Y, 1e-9)
	require.Empty(t, c.Raw)

	require.Equal(t, "0 after 1, 3 after 4, 6 after 7, 9 after 10, 12 after 13", words([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}))
	outlier := make([]float64, 100)
	outlier[50] = 1e9
	low, high := bounds(make([]float64, 100), outlier)
	require.Less(t, high, 1.0, "one outlier does not press the rest flat")
	require.Less(t, low, 0.0)
	low, high = bounds([]float64{760, 760.0001}, []float64{760, 760.0001})
	require.Greater(t, high-low, 100.0, "what is constant but for rounding is a flat line")
	require.NoError(t, (&Report{Stages: []*StageReport{{Curves: []Curve{{}}}}}).page(&bytes.Buffer{}), "nothing is a curve, too")
}

// TestSmooth does not lag behind what falls, and takes the noise away.
func TestSmooth(t *testing.T) {
	s := StageReport{Curves: []Curve{{Name: "loss"}, {Name: curveRate, Values: []float64{1}}}}
	for i := range 1000 {
		s.Curves[0].Values = append(s.Curves[0].Values, -float64(i)+100*float64(1-2*(i%2)))
	}
	s.smooth()
	for i := 200; i < 800; i++ {
		require.InDelta(t, -float64(i), s.Curves[0].Smooth[i], 6)
	}
	require.Nil(t, s.Curves[1].Smooth)
}

func TestSpell(t *testing.T) {
	for seconds, want := range map[float64]string{0.04: "0.0 s", 59: "59.0 s", 61: "1 min 01 s", 3600: "1 h 00 min", 90061: "25 h 01 min"} {
		require.Equal(t, want, spell(time.Duration(seconds*float64(time.Second))))
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		require.Equal(t, want, grouped(n))
	}
}
