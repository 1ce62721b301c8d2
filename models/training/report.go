package training

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/kleid-search/kleid/storage"
)

// The report's keys in Options.Work: the same for programs and for people.
const (
	reportKey     = "report.json"
	reportPageKey = "report.html"
)

// Report is how a making went: what went into it, and each stage's curves.
type Report struct {
	Updated time.Time      `json:"updated"`
	State   string         `json:"state"`           // as a stage's; "" in reports of an earlier Kleid
	Error   string         `json:"error,omitempty"` // what it failed of, in a stage or between two
	Facts   []Fact         `json:"facts"`           // data and seeds
	Stages  []*StageReport `json:"stages"`
	// Measured are figures of facets that were fitted, if that is what was trained; Figures are of other models.
	Measured []MeasuredFacet `json:"measured,omitempty"`
	Figures
}

// Fact is something that a person may want to know of a training.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ClassWeight is what a label's samples count.
type ClassWeight struct {
	Facet   string  `json:"facet"`
	Label   string  `json:"label"`
	Samples int     `json:"samples"`
	Weight  float64 `json:"weight"`
	Painted int     `json:"painted,omitempty"` // of Samples, where others are photos
}

// Mixed says whether some of the samples are painted, and are told apart.
func Mixed(weights []ClassWeight) bool {
	return slices.ContainsFunc(weights, func(w ClassWeight) bool { return w.Painted > 0 })
}

// StageReport is the training of the trunk or of a head.
type StageReport struct {
	Name         string        `json:"name"`
	Title        string        `json:"title"`
	State        string        `json:"state"` // running, done, failed or interrupted
	Error        string        `json:"error,omitempty"`
	Facts        []Fact        `json:"facts"` // options
	Steps        int           `json:"steps"`
	StepsDone    int           `json:"steps_done"`
	StoppedEarly bool          `json:"stopped_early,omitempty"`
	Seconds      float64       `json:"seconds"` // of all steps
	PerSecond    float64       `json:"photos_per_second"`
	ClassWeights []ClassWeight `json:"class_weights,omitempty"`
	Curves       []Curve       `json:"curves"`
	Pictures     []Picture     `json:"pictures,omitempty"`

	// Rehearsal says that its weights are not those of the model: they only tell what such weights know of photos that
	// are left out.
	Rehearsal bool `json:"rehearsal,omitempty"`

	untrained bool // it has begun, and no training of it has
	losses    []string
	options   LoopOptions
	history   *History
}

// Curve is a number for each of some steps: of every one, or, where there are more than curvePoints, the mean
// of as many as there are to the next.
type Curve struct {
	Name   string    `json:"name"`
	Steps  []int     `json:"steps"` // counted from 1
	Values []float64 `json:"values"`
	Smooth []float64 `json:"-"` // for the picture; nil where there is nothing to smooth
	Best   bool      `json:"best,omitempty"`
}

// curvePoints is the most that a curve has.
const curvePoints = 1000

// openReport goes on with the report of an earlier run in the same place, whose finished stages are not run again.
func (m *maker) openReport(ctx context.Context) *Report {
	r := &Report{}
	data, err := storage.ReadAll(ctx, m.Work, reportKey, 64<<20)
	if err == nil {
		err = json.Unmarshal(data, r)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.Logger.Warn("the report of an earlier run cannot be read, and is begun anew", "error", err)
		return &Report{}
	}
	for _, s := range r.Stages {
		s.smooth()
	}
	r.interrupted()
	return r
}

// stage begins a training, in the place of an earlier one of the same name and title. A stage may have several, one
// after the other.
func (r *Report) stage(name, title string, losses []string) *StageReport {
	s := &StageReport{Name: name, Title: title, State: stageRuns, losses: losses, history: &History{}}
	at, end := -1, len(r.Stages)
	for i, other := range r.Stages {
		if other.Name != name {
			continue
		}
		end = i + 1
		switch {
		case other.Title == title || other.untrained:
			at = i
		case other.State == stageRuns:
			other.State = stageDone
		}
	}
	if at >= 0 {
		r.Stages[at] = s
		return s
	}
	r.Stages = slices.Insert(r.Stages, end, s)
	return s
}

// reportWeight adds a class weight to the current stage.
func (m *maker) reportWeight(w ClassWeight) { m.weights = append(m.weights, w) }

// progress takes in a step.
func (s *StageReport) progress(p Progress) {
	s.Steps, s.StepsDone, s.PerSecond = p.Steps, p.Step, p.PerSecond
	s.options, s.history, s.StoppedEarly = p.Options, p.History, p.Stopped
}

func (s *StageReport) lossName(i int) string {
	if i < len(s.losses) {
		return s.losses[i]
	}
	return fmt.Sprintf("loss_%d", i)
}

// writeReport leaves the report in Options.Work. Training goes on without.
func (m *maker) writeReport() {
	if len(m.report.Stages) == 0 && m.report.Error == "" {
		return
	}
	m.report.Updated = time.Now().UTC().Truncate(time.Second)
	if m.hasPhotos() || len(m.report.Facts) == 0 { // those of before are of the same data, as far as stages are done
		m.report.Facts = m.facts()
	}
	for _, s := range m.report.Stages {
		if s.history != nil {
			s.Facts = s.options.facts()
			s.curves()
		}
		if s.Name == m.current && len(m.weights) > 0 {
			s.ClassWeights = m.weights
		}
	}
	data, err := json.Marshal(m.report)
	var page bytes.Buffer
	err = errors.Join(err, m.report.page(&page))
	if err == nil {
		ctx := context.Background() // also where the training was interrupted
		err = errors.Join(m.Work.Put(ctx, reportKey, bytes.NewReader(data)), m.Work.Put(ctx, reportPageKey, &page))
	}
	if err != nil {
		m.Logger.Warn("the report cannot be written", "error", err)
	}
}

// hasPhotos says whether there is something to learn from by now.
func (m *maker) hasPhotos() bool { return m.pool != nil && len(m.pool.Crops)+len(m.pool.Scenes) > 0 }

// facts are the sizes of the data, and the seeds.
func (m *maker) facts() []Fact {
	facts := []Fact{{"trunk", m.Options.Trunk.Config.Backbone}}
	if m.From != nil {
		facts[0].Value = m.From.Config.Backbone + ", as it was"
	}
	count := func(name string, n int) { facts = append(facts, Fact{name, grouped(n)}) }
	if m.hasPhotos() {
		var realCrops, labelledCrops, realScenes, empty int
		for i := range m.pool.Crops {
			if c := &m.pool.Crops[i]; c.Real {
				realCrops++
				if labelled(c) {
					labelledCrops++
				}
			}
		}
		for _, s := range m.pool.Scenes {
			if s.Real {
				realScenes++
			}
			if s.Box.Empty() {
				empty++
			}
		}
		count("products", len(m.pool.Products))
		if !m.pool.onlyScenes {
			count("painted crops", len(m.pool.Crops)-realCrops)
			count("real crops", realCrops)
			count("real crops with labels", labelledCrops)
		}
		if !m.pool.onlyCrops {
			count("scenes", len(m.pool.Scenes))
			count("real scenes", realScenes)
			count("scenes without a dress", empty)
		}
	}
	if m.held != nil {
		count("painted dresses held out", len(m.held.Products))
	}
	return append(facts, Fact{"seed of what is painted", fmt.Sprint(m.Options.Paint.Seed)})
}

// stepCount is after how many steps something is done: every step, every 100 steps.
func stepCount(n int) string {
	if n == 1 {
		return "step"
	}
	return grouped(n) + " steps"
}

// facts are the options in force.
func (o LoopOptions) facts() []Fact {
	o = o.withDefaults()
	facts := []Fact{
		{"photos a step", grouped(o.Photos * o.Accumulate)},
		{"learning rate", fmt.Sprintf("%.3g", o.Rate)},
		{"warm-up", grouped(o.WarmUp) + " steps"},
	}
	add := func(on bool, name, format string, values ...any) {
		if on {
			facts = append(facts, Fact{name, fmt.Sprintf(format, values...)})
		}
	}
	add(o.Accumulate > 1, "batches a step", "%d", o.Accumulate)
	add(o.ClipNorm > 0, "gradients clipped at", "%g", o.ClipNorm)
	add(o.EMA > 0, "moving average", "%g", o.EMA)
	add(o.Validate != nil, "validated", "every %s", stepCount(o.ValidateEvery))
	add(o.Validate != nil && o.Patience > 0, "patience", "%d validations", o.Patience)
	add(true, "seed", "%d", o.Seed)
	return facts
}

// curves draws them from the history.
func (s *StageReport) curves() {
	steps := s.history.Steps
	of := func(name string, value func(StepRecord) float64) Curve {
		c := Curve{Name: name}
		stride := (len(steps) + curvePoints - 1) / curvePoints
		for from := 0; from < len(steps); from += stride {
			to := min(from+stride, len(steps))
			var sum float64
			for _, r := range steps[from:to] {
				sum += value(r)
			}
			c.Steps, c.Values = append(c.Steps, to), append(c.Values, sum/float64(to-from))
		}
		return c
	}
	s.Curves, s.Seconds = nil, 0
	for _, r := range steps {
		s.Seconds += r.Seconds
	}
	if len(steps) == 0 {
		return
	}
	for i := range steps[0].Losses {
		s.Curves = append(s.Curves, of(s.lossName(i), func(r StepRecord) float64 { return r.Losses[i] }))
	}
	if len(s.history.Validations) > 0 {
		c := Curve{Name: s.history.Metric, Best: true}
		for _, v := range s.history.Validations {
			c.Steps, c.Values = append(c.Steps, v.Step), append(c.Values, v.Value)
		}
		s.Curves = append(s.Curves, c)
	}
	photos := float64(s.options.Photos * max(s.options.Accumulate, 1))
	s.Curves = append(s.Curves,
		of(curveRate, func(r StepRecord) float64 { return r.Rate }),
		of(curveNorm, func(r StepRecord) float64 { return r.Norm }),
		of(curveSpeed, func(r StepRecord) float64 { return photos / max(r.Seconds, 1e-9) }))
	s.smooth()
}

// The curves besides losses and what is validated.
const (
	curveRate  = "learning rate"
	curveNorm  = "gradients' norm"
	curveSpeed = "photos a second"
)

// smooth adds to the curves that are noisy what the noise is around: the mean of two moving averages over about
// a fiftieth of them, one from each end, so that it does not lag behind.
func (s *StageReport) smooth() {
	for i := range s.Curves {
		c := &s.Curves[i]
		if c.Name == curveRate || c.Best {
			continue
		}
		c.Smooth = moving(c.Values)
		back := moving(reversed(c.Values))
		for j := range c.Smooth {
			c.Smooth[j] = (c.Smooth[j] + back[len(back)-1-j]) / 2
		}
	}
}

// moving is an unbiased exponential moving average.
func moving(values []float64) []float64 {
	keep := 1 - 1/max(float64(len(values))/50, 1)
	var sum, share float64
	averages := make([]float64, len(values))
	for i, v := range values {
		sum, share = keep*sum+v, keep*share+1
		averages[i] = sum / share
	}
	return averages
}

func reversed(values []float64) []float64 {
	r := slices.Clone(values)
	slices.Reverse(r)
	return r
}

// grouped writes 12345 as 12,345.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
