package training

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/storage"
)

// fullBucket takes no file whose key begins so.
type fullBucket struct {
	storage.Bucket
	full string
}

func (b fullBucket) Put(ctx context.Context, key string, content io.Reader) error {
	if strings.HasPrefix(key, b.full) {
		return errors.New("no space left")
	}
	return b.Bucket.Put(ctx, key, content)
}

// TestReportBeforeTraining has a stage before anything is painted for it, and says how that ended.
func TestReportBeforeTraining(t *testing.T) {
	options := tiny(t)
	ctx, cancel := context.WithCancel(t.Context())
	var painting *report.Report
	var first sync.Once // of several that paint
	options.Watch = func(stage string, _ loop.Progress) {
		first.Do(func() {
			require.Equal(t, "painting", stage)
			r, _ := readReport(t, &maker{Options: options})
			painting = &r
			cancel()
		})
	}
	_, err := Make(ctx, options)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, report.Running, painting.State)
	require.Equal(t, []string{"trunk", report.Running}, []string{painting.Stages[0].Name, painting.Stages[0].State})
	r, page := readReport(t, &maker{Options: options})
	require.Len(t, r.Stages, 1)
	require.Equal(t, []string{report.Interrupted, report.Interrupted}, []string{r.State, r.Stages[0].State})
	for _, fact := range r.Facts {
		require.NotEqual(t, productsFact, fact.Name, "nobody knows how many there will be")
	}
	require.Contains(t, page, `<span class="state interrupted">interrupted</span>`)
}

// TestPaintingAgainIsTold: who lets a training go on sees why it paints once more.
func TestPaintingAgainIsTold(t *testing.T) {
	options := tiny(t)
	until := func(last string) (stages []string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var one sync.Mutex
		options.Watch = func(stage string, _ loop.Progress) {
			one.Lock()
			defer one.Unlock()
			if !slices.Contains(stages, stage) {
				stages = append(stages, stage)
			}
			if stage == last {
				cancel()
			}
		}
		_, err := Make(ctx, options)
		require.ErrorIs(t, err, context.Canceled)
		return stages
	}
	require.Equal(t, []string{"painting", "painting held-out", "trunk"}, until("trunk"))
	const again = "painting again, since painted photos are not kept"
	require.Equal(t, []string{again}, until(again))
}

// TestReportBetweenStages has what failed there at its top; the next run begins where that was.
func TestReportBetweenStages(t *testing.T) {
	options := tiny(t)
	empty := options.Work
	options.Work = fullBucket{empty, "stages/trunk"}
	options.Heads = []string{}
	shipped, err := models.Default()
	require.NoError(t, err)
	options.Trunk.HalfSteps, options.Trunk.FullSteps, options.Trunk.Initial = 0, 0, shipped.Weights.Sub("trunk.")
	_, err = Make(t.Context(), options)
	require.ErrorContains(t, err, "no space left")
	r, page := readReport(t, &maker{Options: options})
	require.Equal(t, []string{report.Done, report.Failed}, []string{r.Stages[0].State, r.State})
	require.Contains(t, r.Error, "no space left")
	require.Less(t, strings.Index(page, "no space left"), strings.Index(page, "<table"))

	options.Work = empty
	_, err = Make(t.Context(), options)
	require.NoError(t, err)
	r, page = readReport(t, &maker{Options: options})
	require.Equal(t, []string{report.Done, report.Done, ""}, []string{r.Stages[0].State, r.State, r.Error})
	require.NotContains(t, page, "no space left")
}

// TestReportOfAKill: what an earlier run left as running does not run, and goes on with its curves.
func TestReportOfAKill(t *testing.T) {
	m := reported(t)
	for _, name := range []string{"facets", "deeprank"} {
		m.beginStage(name)
		m.reporter(name+" of "+name, nil)(fall(10, loop.Options{}))
		if name == "facets" {
			m.endStage(t.Context(), nil)
		}
	}
	m.writeReport()
	again := &maker{Options: m.Options}
	again.report = again.openReport(t.Context())
	require.Equal(t, []string{report.Interrupted, report.Done, report.Interrupted}, []string{again.report.State, again.report.Stages[0].State, again.report.Stages[1].State})
	again.beginStage("deeprank")
	again.beginStage("facets") // anew
	r, _ := readReport(t, again)
	require.Len(t, r.Stages, 2)
	require.Equal(t, []string{"facets", report.Running}, []string{r.Stages[0].Title, r.Stages[0].State})
	require.Empty(t, r.Stages[0].Curves)
	require.Equal(t, []string{"deeprank of deeprank", report.Running}, []string{r.Stages[1].Title, r.Stages[1].State})
	require.NotEmpty(t, r.Stages[1].Curves)
	again.reporter("facets of facets", nil)(fall(5, loop.Options{}))
	again.reporter("facets once more", nil)(fall(5, loop.Options{}))
	again.endReport(t.Context(), errors.New("out of luck"))
	r, _ = readReport(t, again)
	var titles, states []string
	for _, s := range r.Stages {
		titles, states = append(titles, s.Title), append(states, s.State)
	}
	require.Equal(t, []string{"facets of facets", "facets once more", "deeprank of deeprank"}, titles)
	require.Equal(t, []string{report.Done, report.Failed, report.Failed}, states)
}
