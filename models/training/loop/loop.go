// Package loop is the one loop of all trainings: it takes steps, measures, stops early, and keeps checkpoints that a
// training which was killed goes on from, to the very same weights.
package loop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// Options say how a training goes about its steps, and what it does besides. The zero value of all but
// Steps and Rate takes the steps and nothing else.
type Options struct {
	Steps int
	// Rate is the learning rate after WarmUp steps, from where it falls along a cosine (models.CosineRate). In
	// Options.Loop and Options.Trunk.Loop of package training 0 is each training's own. WarmUp 0 is a twentieth of all steps.
	Rate   float64
	WarmUp int
	// Accumulate is how many batches make one step; 0 is 1. See models.Trainer.Accumulate.
	Accumulate int
	// Photos in a batch, and the Seed that they are drawn with, to tell people.
	Photos int
	Seed   uint64
	// Cost of a step, in any unit, to tell the time that is left; nil where all cost the same.
	Cost func(step int) float64

	// Validate measures weights, and Metric names what; more is better. nil: there is nothing to measure with.
	Validate func(ctx context.Context, weights models.Weights) (float64, error)
	Metric   string
	// ValidateEvery so many steps; 0 is a twentieth of all.
	ValidateEvery int
	// Patience is how many validations may pass without a new best before the training ends, if there is
	// something to measure with; the weights are then the best ones. 0 takes all steps and the last weights.
	Patience int

	// Checkpoints go to Bucket under Key every CheckpointEvery (0: three minutes), and a training goes on from the
	// one that is there. Without a Key there are none, and without a Bucket batches that break a training are not kept.
	Bucket          storage.Bucket
	Key             string
	CheckpointEvery time.Duration
	// KeepLast leaves a checkpoint after the last step as well, where the caller has more to do before it may go.
	KeepLast bool
	// Describe names the photos of a batch, for the error of one that makes losses or gradients infinite; may be nil.
	Describe func(batch int) []string

	// Update is for those who make the trainer.
	models.Update
}

// Identity tells apart what gives other weights.
func (o Options) Identity() string {
	return fmt.Sprint(o.Update, o.Rate, o.WarmUp, cmp.Or(o.Accumulate, 1), o.ValidateEvery, o.Patience)
}

// Check says what cannot be.
func (o Options) Check() error {
	for name, n := range map[string]int{"steps of warm-up": o.WarmUp, "batches for a step": o.Accumulate, "steps between validations": o.ValidateEvery, "patience": o.Patience} {
		if n < 0 {
			return fmt.Errorf("the %s are %d, but must not be negative", name, n)
		}
	}
	if !(o.Rate >= 0 && o.Rate <= 1) {
		return fmt.Errorf("the learning rate is %v, but must be from 0, a training's own, to 1", o.Rate)
	}
	return o.Update.Check()
}

func (o Options) withDefaults() Options {
	o.WarmUp = cmp.Or(o.WarmUp, o.Steps/20+1)
	o.Accumulate = cmp.Or(o.Accumulate, 1)
	o.ValidateEvery = cmp.Or(o.ValidateEvery, o.Steps/20+1)
	o.CheckpointEvery = cmp.Or(o.CheckpointEvery, 3*time.Minute)
	if o.Cost == nil {
		o.Cost = func(int) float64 { return 1 }
	}
	return o
}

// validates says whether weights are measured after so many steps.
func (o Options) validates(steps int) bool {
	return o.Validate != nil && (steps%o.ValidateEvery == 0 || steps == o.Steps)
}

// Progress of a training.
type Progress struct {
	Step, Steps int
	Losses      []float64 // smoothed over about fifty steps
	PerSecond   float64   // photos; 0 while no step is known but the first, which compiles
	Left        time.Duration
	// History grows with every step, and Options are those in force; nil and zero of what is no training.
	History *History
	Options Options
	// Stopped says that this was the last step, before all were taken: see Options.Patience.
	Stopped bool
}

// Run takes a training's steps, or those that a checkpoint has left, and returns the weights. batches makes the
// batch of a number, and is a function of it alone, so that a resumed run sees the very same batches: a step
// takes Options.Accumulate of them. The loop's result, and every loss on the way, are the same whether and
// wherever it was interrupted.
func Run(ctx context.Context, trainer *models.Trainer, batches func(number int) []*tensors.Tensor, options Options, report func(Progress)) (models.Weights, error) {
	options = options.withDefaults()
	history, best, err := resume(ctx, trainer, options)
	if err != nil {
		return nil, err
	}
	save := func() error {
		// Also when a person has just interrupted the training.
		return saveCheckpoint(context.WithoutCancel(ctx), options.Bucket, options.Key, trainer, history, best)
	}
	saved := time.Now()
	clock := newStopwatch(history, options)
	assembling, stop := context.WithCancel(ctx)
	defer stop()
	report(clock.progress()) // perhaps the last: a training that was done already
	ready := Prefetch(assembling, history.steps()*options.Accumulate, options.Steps*options.Accumulate, batches)

	for history.steps() < options.Steps && !history.stalled(options.Patience) {
		step := history.steps()
		parts, err := take(ctx, ready, options.Accumulate)
		if err != nil {
			return nil, errors.Join(err, save())
		}
		rate := models.CosineRate(options.Rate, step, options.WarmUp, options.Steps)
		losses, err := oneStep(trainer, rate, parts)
		if err != nil {
			return nil, keepBroken(ctx, options, step, parts, err)
		}
		history.record(losses, rate, trainer.GradientNorm(), clock.lap())
		if options.validates(step + 1) {
			weights, err := trainer.Weights()
			if err != nil {
				return nil, err
			}
			value, err := options.Validate(ctx, weights)
			if err != nil {
				return nil, err
			}
			if math.IsNaN(value) {
				return nil, fmt.Errorf("step %d: %s is not a number", step, options.Metric)
			}
			if history.validated(options.Metric, value) && options.Patience > 0 {
				best = weights
			}
		}
		report(clock.progress())
		if time.Since(saved) >= options.CheckpointEvery {
			saved = time.Now()
			if err := save(); err != nil {
				return nil, err
			}
		}
	}
	if options.KeepLast {
		if err := save(); err != nil {
			return nil, err
		}
	}
	if best != nil {
		return best, nil
	}
	return trainer.Weights()
}

// take waits for a step's batches.
func take(ctx context.Context, ready <-chan []*tensors.Tensor, n int) ([][]*tensors.Tensor, error) {
	var parts [][]*tensors.Tensor
	for range n {
		batch, ok := <-ready
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !ok {
			return nil, errors.New("there are no more batches")
		}
		parts = append(parts, batch)
	}
	return parts, nil
}

// oneStep takes a step on batches that are computed one after the other, and returns their mean losses.
func oneStep(trainer *models.Trainer, rate float64, parts [][]*tensors.Tensor) ([]float64, error) {
	var mean []float64
	for i, batch := range parts {
		compute := trainer.Accumulate
		if i == len(parts)-1 {
			compute = func(batch ...*tensors.Tensor) ([]float64, error) { return trainer.Step(rate, batch...) }
		}
		losses, err := compute(batch...)
		if err != nil {
			return nil, err
		}
		if mean == nil {
			mean = make([]float64, len(losses))
		}
		for l, loss := range losses {
			mean[l] += loss / float64(len(parts))
		}
	}
	return mean, nil
}

// keepBroken explains a step that failed. If numbers were not finite, it leaves the step's batches beside the
// checkpoints as nan-step-N.safetensors, and names their photos. The last checkpoint stays as it is.
func keepBroken(ctx context.Context, options Options, step int, parts [][]*tensors.Tensor, failure error) error {
	failure = fmt.Errorf("step %d: %w", step, failure)
	var broken *models.NotFiniteError
	if !errors.As(failure, &broken) {
		return failure
	}
	var photos []string
	if options.Describe != nil {
		for i := range parts {
			photos = append(photos, options.Describe(step*options.Accumulate+i)...)
		}
		failure = fmt.Errorf("%w; its photos: %s", failure, shortList(photos))
	}
	if options.Bucket == nil {
		return failure
	}
	key := fmt.Sprintf("nan-step-%d.safetensors", step)
	if err := saveBatches(ctx, options.Bucket, key, parts, photos, failure); err != nil {
		return errors.Join(failure, err)
	}
	return fmt.Errorf("%w; the batch is %s in %s", failure, key, options.Bucket)
}

// shortList names a few and counts the rest.
func shortList(names []string) string {
	const most = 12
	if len(names) <= most {
		return fmt.Sprintf("%q", names)
	}
	return fmt.Sprintf("%q and %d more", names[:most], len(names)-most)
}

// Prefetch assembles batches while the network computes.
func Prefetch[T any](ctx context.Context, from, to int, assemble func(number int) T) <-chan T {
	out := make(chan T, 2)
	go func() {
		defer close(out)
		for number := from; number < to; number++ {
			select {
			case out <- assemble(number):
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
