package report

import (
	"context"
	"slices"
)

// The states of a making and of its stages.
const (
	Running     = "running"
	Done        = "done"
	Failed      = "failed"
	Interrupted = "interrupted"
)

// outcome is the state of what has ended, and why it failed.
func outcome(ctx context.Context, err error) (state, reason string) {
	switch {
	case err == nil:
		return Done, ""
	case ctx.Err() != nil:
		return Interrupted, ""
	}
	return Failed, err.Error()
}

// interrupted marks what an earlier run has left behind as if it still ran: it was killed.
func (r *Report) interrupted() {
	if r.State == Running {
		r.State = Interrupted
	}
	for _, s := range r.Stages {
		if s.State == Running {
			s.State = Interrupted
		}
	}
}

// Begin goes on with the trainings of a stage that did not end well, or puts a new one in the place of all that it had.
// What was measured of the model before is not of the one that is made now.
func (r *Report) Begin(stage string) {
	r.State, r.Error, r.Measured, r.Figures = Running, "", nil, Figures{}
	at, resumed := len(r.Stages), false
	for i, s := range r.Stages {
		if s.Name != stage {
			continue
		}
		at = min(at, i)
		if s.State != Done {
			s.State, s.Error, resumed = Running, "", true
		}
	}
	if resumed {
		return
	}
	r.Stages = slices.DeleteFunc(r.Stages, func(s *Stage) bool { return s.Name == stage })
	r.Stages = slices.Insert(r.Stages, at, &Stage{Name: stage, Title: stage, State: Running, untrained: true})
}

// Train begins a training of a stage, in the place of an earlier one of the same title. A stage may have several, one after
// the other.
func (r *Report) Train(stage, title string) *Stage {
	s := &Stage{Name: stage, Title: title, State: Running}
	at, end := -1, len(r.Stages)
	for i, other := range r.Stages {
		if other.Name != stage {
			continue
		}
		end = i + 1
		switch {
		case other.Title == title || other.untrained:
			at = i
		case other.State == Running:
			other.State = Done
		}
	}
	if at >= 0 {
		r.Stages[at] = s
		return s
	}
	r.Stages = slices.Insert(r.Stages, end, s)
	return s
}

// EndStage notes how a stage ended. Where ctx is cancelled, it was interrupted.
func (r *Report) EndStage(ctx context.Context, stage string, err error) {
	for _, s := range r.Stages {
		if s.Name == stage && s.State == Running {
			s.State, s.Error = outcome(ctx, err)
		}
	}
}

// End notes how all of it ended, in a stage, between two or while the model was measured.
func (r *Report) End(ctx context.Context, err error) {
	r.State, r.Error = outcome(ctx, err)
	for _, s := range r.Stages {
		if s.State == Running {
			s.State, s.Error = r.State, r.Error
		}
	}
}
