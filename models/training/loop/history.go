package loop

import (
	"time"

	"github.com/kleid-search/kleid/models"
)

// History is what every step of a training was like. It is in the checkpoints, so that curves and early stop go
// on where a training goes on.
type History struct {
	Steps       []Step       `json:"-"`
	Metric      string       `json:"metric,omitempty"` // what validations measure
	Validations []Validation `json:"validations,omitempty"`
}

// Step is one step. Numbers have the precision of float32.
type Step struct {
	Losses  []float64 // before the step
	Rate    float64   // the learning rate
	Norm    float64   // of the gradients, before they were clipped
	Seconds float64   // since the step before, validations included
}

// Validation is a measurement after so many steps.
type Validation struct {
	Step  int     `json:"step"`
	Value float64 `json:"value"`
}

func (h *History) steps() int { return len(h.Steps) }

// record adds a step, with the precision that a checkpoint keeps.
func (h *History) record(losses []float64, rate, norm float64, took time.Duration) {
	kept := func(x float64) float64 { return float64(float32(x)) }
	s := Step{Rate: kept(rate), Norm: kept(norm), Seconds: kept(took.Seconds())}
	for _, l := range losses {
		s.Losses = append(s.Losses, kept(l))
	}
	h.Steps = append(h.Steps, s)
}

// validated adds a measurement after the last step and says whether it is the best so far.
func (h *History) validated(metric string, value float64) bool {
	best := h.Best()
	h.Metric = metric
	h.Validations = append(h.Validations, Validation{Step: h.steps(), Value: value})
	return best < 0 || value > h.Validations[best].Value
}

// Best is the index of the first best validation, -1 where there is none.
func (h *History) Best() int {
	best := -1
	for i, v := range h.Validations {
		if best < 0 || v.Value > h.Validations[best].Value {
			best = i
		}
	}
	return best
}

// stalled says whether so many validations passed without a new best.
func (h *History) stalled(patience int) bool {
	best := h.Best()
	return patience > 0 && best >= 0 && len(h.Validations)-1-best >= patience
}

// tensor holds the steps, [steps, losses+3]: losses, rate, norm, seconds.
func (h *History) tensor() *models.Tensor {
	columns := 3
	if h.steps() > 0 {
		columns += len(h.Steps[0].Losses)
	}
	t := models.NewTensor(h.steps(), columns)
	for i, s := range h.Steps {
		row := t.Data[i*columns : (i+1)*columns]
		for j, x := range append(s.Losses[:len(s.Losses):len(s.Losses)], s.Rate, s.Norm, s.Seconds) {
			row[j] = float32(x)
		}
	}
	return t
}

// readSteps reads what tensor wrote.
func (h *History) readSteps(t *models.Tensor) {
	columns := t.Shape[1]
	for i := range t.Shape[0] {
		row := make([]float64, columns)
		for j, x := range t.Data[i*columns : (i+1)*columns] {
			row[j] = float64(x)
		}
		n := columns - 3
		h.Steps = append(h.Steps, Step{Losses: row[:n:n], Rate: row[n], Norm: row[n+1], Seconds: row[n+2]})
	}
}

// stopwatch tells the progress of a training by its history.
type stopwatch struct {
	history *History
	options Options
	smooth  []float64 // losses
	left    float64   // cost of the steps to come
	seen    int       // steps that smooth and left know of
	first   int       // step of this process: it compiles, which tells nothing of the others
	last    time.Time
}

// lapWindow is how many steps tell the speed.
const lapWindow = 50

func newStopwatch(history *History, options Options) *stopwatch {
	s := &stopwatch{history: history, options: options, first: history.steps(), last: time.Now()}
	for i := range options.Steps {
		s.left += options.Cost(i)
	}
	return s
}

// lap returns the time since it was last called.
func (s *stopwatch) lap() time.Duration {
	now := time.Now()
	defer func() { s.last = now }()
	return now.Sub(s.last)
}

func (s *stopwatch) progress() Progress {
	steps := s.history.Steps
	for ; s.seen < len(steps); s.seen++ {
		losses := steps[s.seen].Losses
		if s.smooth == nil {
			s.smooth = append(s.smooth, losses...)
		}
		for i, l := range losses {
			s.smooth[i] += 0.02 * (l - s.smooth[i])
		}
		s.left -= s.options.Cost(s.seen)
	}
	p := Progress{Step: len(steps), Steps: s.options.Steps, Losses: s.smooth, History: s.history, Options: s.options}
	p.Stopped = p.Step < p.Steps && s.history.stalled(s.options.Patience)
	from := max(len(steps)-lapWindow, s.first+1)
	if p.Step == p.Steps {
		from = max(min(from, len(steps)-1), 0) // of a single step it is all that there is to tell
	}
	var seconds, cost float64
	for i := from; i < len(steps); i++ {
		seconds += steps[i].Seconds
		cost += s.options.Cost(i)
	}
	if seconds > 0 {
		p.PerSecond = float64((len(steps)-from)*s.options.Photos*s.options.Accumulate) / seconds
		p.Left = time.Duration(seconds / cost * max(s.left, 0) * float64(time.Second))
	}
	return p
}
