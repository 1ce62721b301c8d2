package training

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/report"
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

// fall is a training whose loss falls in jumps, a step in a tenth of a second.
func fall(steps int, o loop.Options) loop.Progress {
	h := &loop.History{}
	for i := range steps {
		x := float64(i) / float64(steps)
		noise := 0.2 * math.Sin(float64(i*i))
		h.Steps = append(h.Steps, loop.Step{Losses: []float64{2*math.Exp(-3*x) + noise, 1 - x + noise/2}, Rate: 1e-3 * (1 - x), Norm: 1 + noise, Seconds: 0.1})
		if o.Validate != nil && i%(steps/8) == steps/8-1 {
			h.Metric = "macro F1"
			h.Validations = append(h.Validations, loop.Validation{Step: i + 1, Value: 0.7 - (x-0.7)*(x-0.7)})
		}
	}
	o.Steps, o.Accumulate = steps, cmp.Or(o.Accumulate, 1)
	return loop.Progress{Step: steps, Steps: steps, PerSecond: float64(10 * o.Photos * o.Accumulate), History: h, Options: o}
}

func readReport(t *testing.T, m *maker) (r report.Report, page string) {
	data, err := storage.ReadAll(t.Context(), m.Work, report.Key, 1<<24)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	html, err := storage.ReadAll(t.Context(), m.Work, report.PageKey, 1<<24)
	require.NoError(t, err)
	return r, string(html)
}

func TestReport(t *testing.T) {
	m := reported(t)
	m.current = "facets-without-fold-0"
	weight := report.ClassWeight{Facet: "neckline", Label: "v-neck <b>", Samples: 1234, Weight: 0.25, Painted: 34}
	m.reportWeight(weight)
	m.reporter("facets", []string{"loss"})(fall(2400, loop.Options{Photos: 32, Accumulate: 2, Rate: 1e-3, Seed: 5, Patience: 3, Validate: func(context.Context, models.Weights) (float64, error) { return 1, nil }, Update: models.Update{ClipNorm: 2, EMA: 0.99}}))
	m.endStage(t.Context(), nil)
	m.current = "deeprank"
	m.reporter("deeprank", nil)(fall(3, loop.Options{Photos: 1}))
	m.endStage(t.Context(), errors.New("step 3: <loss> 0 is NaN"))

	r, page := readReport(t, m)
	require.Len(t, r.Stages, 2)
	facets := r.Stages[0]
	require.Equal(t, "done", facets.State)
	require.Equal(t, 2400, facets.StepsDone)
	require.InDelta(t, 240, facets.Seconds, 1e-3)
	require.InDelta(t, 640, facets.PerSecond, 1e-3, "64 photos in a tenth of a second")
	require.Equal(t, []report.ClassWeight{weight}, facets.ClassWeights)
	require.Subset(t, facets.Facts, []report.Fact{fact("photos a step", "64"), fact("gradients clipped at", "2"), fact("moving average", "0.99"), fact("patience", "3 validations"), fact("seed", "5")})
	var names []string
	for _, c := range facets.Curves {
		names = append(names, c.Name)
		require.Len(t, c.Steps, len(c.Values))
	}
	require.Equal(t, []string{"loss", "loss_1", "macro F1", "learning rate", "gradients' norm", "photos a second"}, names)
	require.Equal(t, []int{3, 6}, facets.Curves[0].Steps[:2], "three steps make a point")
	require.Equal(t, 2400, facets.Curves[0].Steps[799])
	require.True(t, facets.Rehearsal, "it is without a fold")
	require.False(t, r.Stages[1].Rehearsal)
	require.Equal(t, []string{"facets (without fold 0)", "deeprank"}, []string{facets.Title, r.Stages[1].Title})
	require.Equal(t, "failed", r.Stages[1].State)
	require.Empty(t, r.Stages[1].ClassWeights, "another stage's")
	require.Equal(t, []int{1, 2, 3}, r.Stages[1].Curves[0].Steps)

	require.Contains(t, page, `v-neck &lt;b&gt;</td><td class="n">1,234</td><td class="n">34</td>`)
	require.Contains(t, page, "step 3: &lt;loss&gt; 0 is NaN")
	require.NotRegexp(t, `(?i)<script|<link|src=|https?:`, page, "it stands alone")
	require.Equal(t, strings.Count(page, "<svg"), strings.Count(page, "</svg>"))
	require.NotRegexp(t, `NaN[ L"]|Inf`, regexp.MustCompile(`d="[^"]*"`).FindAllString(page, -1))

	// Another run in the same place goes on with it, and a stage that is run again takes its old place.
	again := &maker{Options: m.Options, current: "deeprank"}
	again.report = again.openReport(t.Context())
	again.reporter("deeprank", nil)(fall(5, loop.Options{Photos: 1}))
	again.endStage(t.Context(), nil)
	r, page = readReport(t, again)
	require.Len(t, r.Stages, 2)
	require.Equal(t, facets, r.Stages[0])
	require.Equal(t, "done", r.Stages[1].State)
	require.Equal(t, 5, r.Stages[1].StepsDone)
	require.Equal(t, 4+1+4, strings.Count(page, `class="raw"`)+strings.Count(page, "<circle"), "the old curves are smoothed, too")
}

// TestReportOfAnInterruption says that the stage did not fail.
func TestReportOfAnInterruption(t *testing.T) {
	m := reported(t)
	m.current = "trunk"
	m.reporter("trunk", trunkLosses)(fall(10, loop.Options{}))
	require.NoError(t, m.Work.Put(t.Context(), report.Key, strings.NewReader("{")))
	require.Empty(t, m.openReport(t.Context()).Stages, "what is no report is begun anew")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.endStage(ctx, ctx.Err())
	r, _ := readReport(t, m)
	require.Equal(t, "interrupted", r.Stages[0].State)
	require.Empty(t, r.Stages[0].Error)
}

// TestReportOfNoStep: a training that fails before its first step, as with a broken checkpoint, has no options to tell of.
func TestReportOfNoStep(t *testing.T) {
	m := reported(t)
	m.current = "trunk"
	m.reporter("trunk", trunkLosses)
	m.endStage(t.Context(), errors.New("the checkpoint is broken"))
	r, _ := readReport(t, m)
	require.Equal(t, report.Failed, r.Stages[0].State)
	require.Empty(t, r.Stages[0].Facts)
}

// TestReportOfSeveralTrainings has each of a stage's, and links to each.
func TestReportOfSeveralTrainings(t *testing.T) {
	m := reported(t)
	m.current = "facets"
	for range 2 { // the second time in the places of the first
		for _, title := range []string{"facets, without third 1", "facets"} {
			m.reporter(title, []string{"loss"})(fall(4, loop.Options{Photos: 1}))
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
