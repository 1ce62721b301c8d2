package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/vocabulary"
	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/vectors"
)

func TestProgressInLines(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out}
	p.show("embed", 1, 10, "")
	require.Empty(t, out.String(), "the first line comes after a while")
	p.told = time.Now().Add(-lineInterval)
	p.show("embed", 4, 10, "1 unreadable")
	require.Regexp(t, `^embed \(1 unreadable\): 4 of 10, \d+\.\d/s\n$`, out.String())
	p.told = time.Now().Add(-lineInterval)
	p.show("embed", 3, 10, "")
	p.show("scan", 0, 0, "")
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "neither what comes late nor what has no total makes a line")
}

// TestStructuredLines wants JSON alone on standard error, also of what is a table or a line for people otherwise.
func TestStructuredLines(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, structured: true}
	p.show("embed", 0, 10, "")
	p.told = time.Now().Add(-lineInterval)
	p.show("embed", 0, 10, "")
	require.Contains(t, out.String(), `"left":"unknown"`)
	require.NoError(t, showLabels(p, []vocabulary.Change{{Facet: "fit", Label: "slim", Fate: vocabulary.Added, Photos: 3}}))
	require.Contains(t, out.String(), `"facet":"fit","label":"slim","photos":3`)
	app := newApp(strings.NewReader(""), io.Discard, &out)
	app.Command("embed").Action = func(c *cli.Context) error {
		say(c, "%d things", 3)
		return nil
	}
	require.NoError(t, app.Run([]string{"kleid", "embed", "--log-format", "json"}))
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		require.True(t, json.Valid([]byte(line)), line)
	}
	// What is for people goes by progress.say and say.
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if !strings.HasSuffix(file, "_test.go") && file != "confirm.go" { // a question for a terminal
			require.NotRegexp(t, `Fprint\w*\(c\.App\.ErrWriter`, string(text), file)
		}
	}
}

// TestTrainedModelInOneLine is of kleid train facets without --dataset, which measures nothing.
func TestTrainedModelInOneLine(t *testing.T) {
	model, err := models.Load(t.Context(), tiny)
	require.NoError(t, err)
	for _, args := range [][]string{nil, {"--json"}} {
		var out bytes.Buffer
		app := newApp(strings.NewReader(""), &out, io.Discard)
		app.Command("embed").Action = func(c *cli.Context) error { return printTrained(c, model) }
		require.NoError(t, app.Run(append([]string{"kleid", "embed"}, args...)))
		if args == nil {
			require.Empty(t, out.String())
			continue
		}
		got := decodeLine[trainedModel](t, result{stdout: out.String()})
		require.Equal(t, trainedModel{"model.safetensors", model.EmbeddingModel(), model.FacetModel()}, got)
	}
}

// TestEscapesDoNothing gives labels that would do something to a terminal.
func TestEscapesDoNothing(t *testing.T) {
	const label = "mini\x1b[31m"
	var out strings.Builder
	row := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	writeFacets(row, []evaluation.FacetReport{{
		Facet: label, Labels: []evaluation.LabelReport{{Label: label, Count: 2}},
		Confusion: evaluation.Confusion{Labels: []string{label, label}, Counts: [][]int{{0, 2, 0}, {0, 0, 0}}},
	}})
	app := newApp(strings.NewReader(""), &out, io.Discard)
	app.Command("embed").Action = func(c *cli.Context) error {
		box := catalog.Box{XMax: 1, YMax: 1}
		seen := embeddedPhoto{Status: catalog.StatusOK, Box: &box, Facets: map[string]catalog.FacetValue{label: {Label: label}}}
		facets := []catalog.Facet{{Name: label, Labels: []string{label}}}
		answer := searcher.Answer{Status: catalog.StatusOK, Facets: map[string]searcher.Facet{label: {Label: label}}}
		return errors.Join(writeSeen(c, catalog.Metadata{Facets: facets}, seen), writeAnswer(c, answer, facets))
	}
	require.NoError(t, app.Run([]string{"kleid", "embed"}))
	out.WriteString(withoutEscapes((&vectors.FilterError{Facet: "length", Label: "x", Known: []string{label}}).Error()))
	require.NotContains(t, out.String(), "\x1b")
	require.Contains(t, out.String(), `mini\x1b[31m`)
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, terminal: true}
	p.show("embed", 4, 10, "")
	require.Contains(t, out.String(), "embed")
	require.Contains(t, out.String(), "4/10")
	require.NotContains(t, out.String(), "\n")
	_, err := io.WriteString(p, "a warning\n")
	require.NoError(t, err)
	before, after, found := strings.Cut(out.String(), "\ra warning\n")
	require.True(t, found, "the line stands alone: %q", out.String())
	require.Contains(t, before, "4/10")
	require.Contains(t, after, "4/10", "the bar comes back")
	p.end()
	require.True(t, strings.HasSuffix(out.String(), "\r"), "nothing of the bar is left on the line")
}

// TestProgressOfATraining is a bar with what a person wants to know of it, and nothing without a terminal.
func TestProgressOfATraining(t *testing.T) {
	var out bytes.Buffer
	require.Nil(t, (&progress{w: &out}).watchTraining(), "there are logs")

	p := &progress{w: &out, terminal: true}
	watch := p.watchTraining()
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
	p.end()
	require.NotContains(t, out.String(), "\n")
}

// TestLogsForPeople have numbers that they can read; those for programs have all digits.
func TestLogsForPeople(t *testing.T) {
	var text, structured bytes.Buffer
	newLogger(&text, false).Info("calibrated", "temperature", 19.999999738165187, "right", 1./6, "facet", "kind")
	require.Contains(t, text.String(), "temperature=20 right=0.1667 facet=kind")
	newLogger(&structured, true).Info("calibrated", "right", 1./6)
	require.Contains(t, structured.String(), `"right":0.16666666666666666`)
}
