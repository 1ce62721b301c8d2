package training

import (
	"context"
	"fmt"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/report"
)

// stageProgress is what the report has of a training that runs.
type stageProgress struct {
	losses []string // their names
	last   loop.Progress
}

// lossName is what the report calls a loss.
func (s *stageProgress) lossName(i int) string {
	if i < len(s.losses) {
		return s.losses[i]
	}
	return fmt.Sprintf("loss_%d", i)
}

// draw shows a stage's steps as curves.
func (s *stageProgress) draw(stage *report.Stage) {
	options, history := s.last.Options, s.last.History
	stage.Facts = optionFacts(options)
	stage.Curves, stage.Seconds = nil, 0
	for _, r := range history.Steps {
		stage.Seconds += r.Seconds
	}
	if len(history.Steps) == 0 {
		return
	}
	of := func(name string, value func(loop.Step) float64) {
		curve := report.NewCurve(name, len(history.Steps), func(step int) float64 { return value(history.Steps[step]) })
		stage.Curves = append(stage.Curves, curve)
	}
	for i := range history.Steps[0].Losses {
		of(s.lossName(i), func(r loop.Step) float64 { return r.Losses[i] })
	}
	if len(history.Validations) > 0 {
		c := report.Curve{Name: history.Metric, Best: true}
		for _, v := range history.Validations {
			c.Steps, c.Values = append(c.Steps, v.Step), append(c.Values, v.Value)
		}
		stage.Curves = append(stage.Curves, c)
	}
	photos := float64(options.Photos * max(options.Accumulate, 1))
	of(report.CurveRate, func(r loop.Step) float64 { return r.Rate })
	of(report.CurveNorm, func(r loop.Step) float64 { return r.Norm })
	of(report.CurveSpeed, func(r loop.Step) float64 { return photos / max(r.Seconds, 1e-9) })
}

// openReport goes on with the report of an earlier run in the same place, whose finished stages are not run again.
func (m *maker) openReport(ctx context.Context) *report.Report {
	r, err := report.Open(ctx, m.Work)
	if err != nil {
		m.Logger.Warn("the report of an earlier run cannot be read, and is begun anew", "error", err)
		return &report.Report{}
	}
	return r
}

// reportWeight adds a class weight to the current stage.
func (m *maker) reportWeight(w report.ClassWeight) { m.weights = append(m.weights, w) }

// writeReport leaves the report in Options.Work. Training goes on without.
func (m *maker) writeReport() {
	if len(m.report.Stages) == 0 && m.report.Error == "" {
		return
	}
	if m.hasPhotos() || len(m.report.Facts) == 0 { // those of before are of the same data, as far as stages are done
		m.report.Facts = m.facts()
	}
	for _, s := range m.report.Stages {
		if training := m.trainings[s]; training != nil {
			training.draw(s)
		}
		if s.Name == m.current && len(m.weights) > 0 {
			s.ClassWeights = m.weights
		}
	}
	if err := m.report.Write(context.Background(), m.Work); err != nil { // also where the training was interrupted
		m.Logger.Warn("the report cannot be written", "error", err)
	}
}

// beginStage reports a stage before anything is done for it: what ends it may not be a training.
func (m *maker) beginStage(name string) {
	m.current = name
	m.report.Begin(name)
	m.writeReport()
}

// endStage notes how the current stage ended.
func (m *maker) endStage(ctx context.Context, err error) {
	m.report.EndStage(ctx, m.current, err)
	m.writeReport()
	m.weights = nil
}

// endReport notes how all of it ended, in a stage, between two or while the model was measured.
func (m *maker) endReport(ctx context.Context, err error) {
	if err == nil && m.report.State == report.Done { // before, and nothing was done again
		return
	}
	m.report.End(ctx, err)
	m.writeReport()
}

// measure measures the model that was made, as far as Options.Measure does, for the report.
func (m *maker) measure(ctx context.Context, model *models.Model) error {
	if m.Options.Measure == nil {
		return nil
	}
	figures, err := m.Options.Measure(ctx, model)
	m.report.Figures = figures
	if err != nil {
		return measuringFailed(err)
	}
	if m.report.State == report.Done { // nothing was trained again, and so nothing else writes it
		m.writeReport()
	}
	return nil
}

// measuringFailed is an error of what comes after the training.
func measuringFailed(err error) error {
	return fmt.Errorf("the model is made, and measuring it failed: %w", err)
}
