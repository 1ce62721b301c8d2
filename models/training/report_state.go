package training

import (
	"context"
	"slices"
)

// The states of a making and of its stages.
const (
	stageRuns        = "running"
	stageDone        = "done"
	stageFailed      = "failed"
	stageInterrupted = "interrupted"
)

// outcome is the state of what has ended, and why it failed.
func outcome(ctx context.Context, err error) (state, reason string) {
	switch {
	case err == nil:
		return stageDone, ""
	case ctx.Err() != nil:
		return stageInterrupted, ""
	}
	return stageFailed, err.Error()
}

// interrupted marks what an earlier run has left behind as if it still ran: it was killed.
func (r *Report) interrupted() {
	if r.State == stageRuns {
		r.State = stageInterrupted
	}
	for _, s := range r.Stages {
		if s.State == stageRuns {
			s.State = stageInterrupted
		}
	}
}

// beginStage reports a stage before anything is done for it: what ends it may not be a training.
func (m *maker) beginStage(name string) {
	m.current = name
	m.report.begin(name)
	m.writeReport()
}

// begin goes on with the trainings of a stage that did not end well, or puts a new one in the place of all that it had.
// What was measured of the model before is not of the one that is made now.
func (r *Report) begin(name string) {
	r.State, r.Error, r.Measured, r.Figures = stageRuns, "", nil, Figures{}
	at, resumed := len(r.Stages), false
	for i, s := range r.Stages {
		if s.Name != name {
			continue
		}
		at = min(at, i)
		if s.State != stageDone {
			s.State, s.Error, resumed = stageRuns, "", true
		}
	}
	if resumed {
		return
	}
	r.Stages = slices.DeleteFunc(r.Stages, func(s *StageReport) bool { return s.Name == name })
	r.Stages = slices.Insert(r.Stages, at, &StageReport{Name: name, Title: name, State: stageRuns, untrained: true})
}

// endStage notes how the current stage ended.
func (m *maker) endStage(ctx context.Context, err error) {
	for _, s := range m.report.Stages {
		if s.Name == m.current && s.State == stageRuns {
			s.State, s.Error = outcome(ctx, err)
		}
	}
	m.writeReport()
	m.weights = nil
}

// endReport notes how all of it ended, in a stage, between two or while the model was measured.
func (m *maker) endReport(ctx context.Context, err error) {
	if err == nil && m.report.State == stageDone { // before, and nothing was done again
		return
	}
	m.report.State, m.report.Error = outcome(ctx, err)
	for _, s := range m.report.Stages {
		if s.State == stageRuns {
			s.State, s.Error = m.report.State, m.report.Error
		}
	}
	m.writeReport()
}
