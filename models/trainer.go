package models

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/gomlx/pkg/ml/train/optimizers"
)

// LossFunc builds the graph of a training step's losses from a batch. The first is what is minimised,
// the others are reported. All are scalars.
type LossFunc func(net *Net, inputs []*Node) []*Node

// Trainer takes optimisation steps: forward, backward and AdamW's update in one graph
// (https://arxiv.org/abs/1711.05101).
type Trainer struct {
	ctx    *context.Context
	exec   *context.Exec
	frozen []string
}

// TrainerOptions say how to train.
type TrainerOptions struct {
	Initial     Weights // where weights start; the others start from He's initialisation
	Seed        uint64
	WeightDecay float64
	// Frozen are prefixes of the weights that stay as they are.
	Frozen []string
}

// NewTrainer prepares the training of what loss builds.
func NewTrainer(backend backends.Backend, loss LossFunc, options TrainerOptions) (*Trainer, error) {
	t := &Trainer{ctx: context.New().Checked(false), frozen: options.Frozen}
	adam := optimizers.Adam().LearningRate(0).Epsilon(1e-8).WeightDecay(options.WeightDecay).Done()
	exec, err := context.NewExec(backend, t.ctx, func(ctx *context.Context, inputs []*Node) []*Node {
		g := inputs[0].Graph()
		losses := loss(NewTrainingNet(ctx, options.Initial, options.Seed, true), inputs)
		t.freeze()
		adam.UpdateGraph(ctx, g, losses[0])
		return losses
	})
	if err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	t.exec = exec
	return t, nil
}

func (t *Trainer) freeze() {
	for v := range t.ctx.IterVariables() {
		for _, prefix := range t.frozen {
			if v.Scope() == context.RootScope && strings.HasPrefix(v.Name(), prefix) {
				v.SetTrainable(false)
			}
		}
	}
}

// Step takes one step with the given learning rate on a batch and returns the losses before it. A loss
// that is not finite is an error, and the weights are then worthless.
func (t *Trainer) Step(learningRate float64, batch ...*tensors.Tensor) ([]float64, error) {
	rate := optimizers.LearningRateVar(t.ctx, dtypes.Float32, learningRate)
	if err := rate.SetValue(tensors.FromScalar(float32(learningRate))); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	inputs := make([]any, len(batch))
	for i, b := range batch {
		inputs[i] = b
	}
	outputs, err := t.exec.Exec(inputs...)
	if err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	losses := make([]float64, len(outputs))
	for i, o := range outputs {
		losses[i] = float64(tensors.ToScalar[float32](o))
		if math.IsNaN(losses[i]) || math.IsInf(losses[i], 0) {
			return losses, fmt.Errorf("trainer: loss %d is %v: lower the learning rate, or look at this batch", i, losses[i])
		}
	}
	for _, o := range outputs {
		if err := o.FinalizeAll(); err != nil {
			return nil, fmt.Errorf("trainer: %w", err)
		}
	}
	return losses, nil
}

// Weights returns the trained weights.
func (t *Trainer) Weights() (Weights, error) { return TrainedWeights(t.ctx) }

// scopeSeparator stands between a variable's scope and name in a checkpoint. GoMLX's own way to join
// them loses the difference between the scopes "/a" and "/a/", and its Adam uses the latter.
const scopeSeparator = ":"

// State is all that a checkpoint needs to go on with the very same losses: every variable, the
// optimiser's too, and the counters of steps.
func (t *Trainer) State() (Weights, map[string]string, error) {
	state, counters := Weights{}, map[string]string{}
	for v := range t.ctx.IterVariables() {
		value, err := v.Value()
		if err != nil {
			return nil, nil, fmt.Errorf("trainer: %w", err)
		}
		name := v.Scope() + scopeSeparator + v.Name()
		switch v.DType() {
		case dtypes.Float32:
			data, err := tensors.CopyFlatData[float32](value)
			if err != nil {
				return nil, nil, fmt.Errorf("trainer: %w", err)
			}
			state[name] = &Tensor{Shape: value.Shape().Dimensions, Data: data}
		case dtypes.Int64:
			counters[name] = strconv.FormatInt(tensors.ToScalar[int64](value), 10)
		}
	}
	return state, counters, nil
}

// Restore sets the variables to what State returned. It is called before the first step.
func (t *Trainer) Restore(state Weights, counters map[string]string) error {
	for _, name := range state.Names() {
		tensor := state[name]
		scope, base, _ := strings.Cut(name, scopeSeparator)
		t.ctx.InAbsPath(scope).VariableWithValue(base, tensors.FromFlatDataAndDimensions(tensor.Data, tensor.Shape...)).
			SetTrainable(scope == context.RootScope && !strings.Contains(base, "running_"))
	}
	for name, text := range counters {
		scope, base, _ := strings.Cut(name, scopeSeparator)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("trainer: counter %q: %w", name, err)
		}
		t.ctx.InAbsPath(scope).VariableWithValue(base, tensors.FromScalar(n)).SetTrainable(false)
	}
	return nil
}

// CosineRate is the learning rate at a step of a schedule: a linear warm-up, then half a cosine down
// to a hundredth (https://arxiv.org/abs/1608.03983).
func CosineRate(peak float64, step, warmUp, steps int) float64 {
	if step < warmUp {
		return peak * float64(step+1) / float64(warmUp)
	}
	progress := float64(step-warmUp) / float64(max(steps-warmUp, 1))
	return peak * (0.01 + 0.99*0.5*(1+math.Cos(math.Pi*min(progress, 1))))
}
