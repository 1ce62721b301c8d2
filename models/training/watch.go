package training

import (
	"fmt"
	"strings"
	"time"

	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/report"
)

// headLoop says how the current stage's head is trained, and where its checkpoint is.
func (m *maker) headLoop() loop.Options {
	o := m.Options.Loop
	o.Bucket, o.Key = m.Work, m.checkpoint
	o.Patience = 0 // what heads are validated with is what they are calibrated or reported with
	return o
}

// counter tells of the progress of many small things.
func (m *maker) counter(what string) func(done, total int) {
	begun := time.Now()
	limiter := &every{period: 10 * time.Second}
	return func(done, total int) {
		switch {
		case m.Watch != nil:
			p := loop.Progress{Step: done, Steps: total}
			if elapsed := time.Since(begun); done > 0 {
				p.PerSecond = float64(done) / elapsed.Seconds()
				p.Left = time.Duration(float64(elapsed) / float64(done) * float64(total-done))
			}
			m.Watch(what, p)
		case limiter.now() || done == total:
			m.Logger.Info(what, "done", done, "of", total)
		}
	}
}

// reporter tells of the progress of a training, and keeps the report. A title says which fold the stage leaves out.
func (m *maker) reporter(title string, losses []string) func(loop.Progress) {
	for k := range realFolds {
		if strings.HasSuffix(m.current, withoutFold(k)) {
			title += fmt.Sprintf(" (without fold %d)", k)
		}
	}
	stage := m.report.Train(m.current, title)
	stage.Rehearsal = isWithoutFold(m.current)
	return m.reporterOf(stage, losses)
}

// reporterOf is that of a stage which is in the report already.
func (m *maker) reporterOf(stage *report.Stage, losses []string) func(loop.Progress) {
	title := stage.Title
	training := &stageProgress{losses: losses}
	logged := &every{period: 15 * time.Second}
	written := &every{period: time.Minute, last: time.Now()}
	return func(p loop.Progress) {
		stage.Steps, stage.StepsDone, stage.PerSecond, stage.StoppedEarly = p.Steps, p.Step, p.PerSecond, p.Stopped
		training.last = p
		if m.trainings == nil {
			m.trainings = map[*report.Stage]*stageProgress{}
		}
		m.trainings[stage] = training
		if o := p.Options; o.WarmUp > longestWarmUp(o.Steps) && m.warned != m.current { // by hand: none is so long by itself
			m.warned = m.current
			m.Logger.Warn("the warm-up is long for so few steps: the learning rate rises in it, and little is learned", "training", title, "warm_up", o.WarmUp, "steps", o.Steps)
		}
		if written.now() {
			m.writeReport()
		}
		if p.Stopped {
			best := p.History.Validations[p.History.Best()]
			m.Logger.Info(title+": stopped early, since "+p.History.Metric+" gets no better", "step", p.Step, "of", p.Steps,
				"validations_without_a_better_one", p.Options.Patience, "best", fmt.Sprintf("%.4f", best.Value), "best_step", best.Step)
		}
		if m.Watch != nil {
			m.Watch(title, p)
			return
		}
		if p.Step == 0 || !logged.now() && p.Step != p.Steps && !p.Stopped {
			return
		}
		attributes := []any{"step", p.Step, "of", p.Steps}
		if p.PerSecond > 0 {
			attributes = append(attributes, "photos_per_second", fmt.Sprintf("%.1f", p.PerSecond), "left", p.Left.Round(time.Second))
		}
		for i, l := range p.Losses {
			attributes = append(attributes, training.lossName(i), fmt.Sprintf("%.4f", l))
		}
		if n := len(p.History.Validations); n > 0 {
			attributes = append(attributes, p.History.Metric, fmt.Sprintf("%.4f", p.History.Validations[n-1].Value))
		}
		m.Logger.Info(title, attributes...)
	}
}
