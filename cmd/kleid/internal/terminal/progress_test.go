package terminal

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/models/training/loop"
)

func TestProgressInLines(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{w: &out}
	p.Show("embed", 1, 10, "")
	require.Empty(t, out.String(), "the first line comes after a while")
	p.told = time.Now().Add(-lineInterval)
	p.Show("embed", 4, 10, "1 unreadable")
	require.Regexp(t, `^embed \(1 unreadable\): 4 of 10, \d+\.\d/s\n$`, out.String())
	p.told = time.Now().Add(-lineInterval)
	p.Show("embed", 3, 10, "")
	p.Show("scan", 0, 0, "")
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "neither what comes late nor what has no total makes a line")
}

// TestStructuredLines wants JSON alone, also of what is a line for people otherwise.
func TestStructuredLines(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{w: &out, Structured: true}
	p.Show("embed", 0, 10, "")
	p.told = time.Now().Add(-lineInterval)
	p.Show("embed", 0, 10, "")
	require.Contains(t, out.String(), `"left":"unknown"`)
	app := &cli.App{ErrWriter: &out, Flags: []cli.Flag{LogFormatFlag()}, Action: func(c *cli.Context) error {
		Say(c, "%d things", 3)
		return nil
	}}
	require.NoError(t, app.Run([]string{"kleid", "--log-format", "json"}))
	require.Contains(t, out.String(), `"msg":"3 things"`)
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{w: &out, terminal: true}
	p.Show("embed", 4, 10, "")
	require.Contains(t, out.String(), "embed")
	require.Contains(t, out.String(), "4/10")
	require.NotContains(t, out.String(), "\n")
	_, err := io.WriteString(p, "a warning\n")
	require.NoError(t, err)
	before, after, found := strings.Cut(out.String(), "\ra warning\n")
	require.True(t, found, "the line stands alone: %q", out.String())
	require.Contains(t, before, "4/10")
	require.Contains(t, after, "4/10", "the bar comes back")
	p.End()
	require.True(t, strings.HasSuffix(out.String(), "\r"), "nothing of the bar is left on the line")
}

// TestProgressOfATraining is a bar with what a person wants to know of it, and nothing without a terminal.
func TestProgressOfATraining(t *testing.T) {
	var out bytes.Buffer
	require.Nil(t, (&Progress{w: &out}).WatchTraining(), "there are logs")

	p := &Progress{w: &out, terminal: true}
	watch := p.WatchTraining()
	watch("painting", loop.Progress{Step: 5, Steps: 10, PerSecond: 3})
	require.Contains(t, out.String(), "painting: 3.0 images/s")
	watch("trunk", loop.Progress{Step: 1, Steps: 100, Losses: []float64{2}})
	require.Contains(t, out.String(), "trunk, loss 2.0000", "nobody knows how long it takes")
	watch("trunk", loop.Progress{
		Step: 40, Steps: 100, Losses: []float64{1.5, 9}, PerSecond: 81.25, Left: 754 * time.Second,
		History: &loop.History{Metric: "macro F1", Validations: []loop.Validation{{Step: 20, Value: 0.5}, {Step: 40, Value: 0.625}}},
	})
	require.Contains(t, out.String(), "trunk: 81.2 images/s, 12m34s left, loss 1.5000, macro F1 0.6250")
	require.Contains(t, out.String(), "40/100")
	require.NotContains(t, out.String(), "photos/s", "steps are not photos")
	p.interval = time.Hour
	drawn := out.Len()
	watch("trunk", loop.Progress{Step: 41, Steps: 100})
	require.Equal(t, drawn, out.Len(), "a step may be shorter than a glance")
	watch("trunk", loop.Progress{Step: 100, Steps: 100})
	p.End()
	require.NotContains(t, out.String(), "\n")
}

// TestLogsForPeople have numbers that they can read; those for programs have all digits.
func TestLogsForPeople(t *testing.T) {
	var text, structured bytes.Buffer
	NewLogger(&text, false).Info("calibrated", "temperature", 19.999999738165187, "right", 1./6, "facet", "kind")
	require.Contains(t, text.String(), "temperature=20 right=0.1667 facet=kind")
	NewLogger(&structured, true).Info("calibrated", "right", 1./6)
	require.Contains(t, structured.String(), `"right":0.16666666666666666`)
}
