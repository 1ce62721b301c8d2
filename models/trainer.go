package models

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/gomlx/pkg/ml/context/initializers"
	"github.com/gomlx/gomlx/pkg/ml/train/optimizers"
)

// LossFunc builds the graph of a training step's losses from a batch. The first is what is minimised,
// the others are reported. All are scalars.
type LossFunc func(net *Net, inputs []*Node) []*Node

// Trainer takes optimisation steps: forward, backward and AdamW's update in one graph
// (https://arxiv.org/abs/1711.05101).
type Trainer struct {
	ctx     *context.Context
	loss    LossFunc
	options TrainerOptions
	adam    gradientOptimizer
	// What a batch is for: a step of its own, a part of a step, or a step's last part.
	alone, part, last *context.Exec
	parts             int     // of the step that is being put together
	norm              float64 // of the last step's gradients
}

// gradientOptimizer is an optimiser that takes gradients, those of the context's trainable variables.
type gradientOptimizer interface {
	UpdateGraphWithGradients(ctx *context.Context, gradients []*Node, dtype dtypes.DType)
}

// TrainerOptions say how to train.
type TrainerOptions struct {
	Initial     Weights // where weights start; the others start from He's initialisation
	Seed        uint64
	WeightDecay float64
	// Frozen are prefixes of the weights that stay as they are.
	Frozen []string
	Update
}

// Update says what comes between gradients and weights.
type Update struct {
	// ClipNorm is the greatest length of all gradients as one vector; longer ones are shortened to it
	// (https://arxiv.org/abs/1211.5063). 0 leaves them as they are.
	ClipNorm float64
	// EMA is the decay of the moving average of the weights and running statistics that is given instead of
	// them (https://arxiv.org/abs/1703.01780), such as 0.999. It is unbiased: after n steps it is the mean of the
	// weights after each of them, weighed by EMA^(n-step). 0 gives the weights as they are.
	EMA float64
}

// Check says what cannot be.
func (u Update) Check() error {
	if !(u.ClipNorm >= 0) {
		return fmt.Errorf("the gradients' greatest length is %v, but must not be negative", u.ClipNorm)
	}
	if !(u.EMA >= 0 && u.EMA < 1) {
		return fmt.Errorf("the moving average's decay is %v, but must be at least 0 and less than 1", u.EMA)
	}
	return nil
}

// NotFiniteError says that a step met a loss or gradients that are not finite. The weights are worthless then.
type NotFiniteError struct {
	Losses []float64
	Norm   float64 // of the gradients; NaN as well where a loss already is not finite
}

func (e *NotFiniteError) Error() string {
	for i, l := range e.Losses {
		if !finite(l) {
			return fmt.Sprintf("loss %d is %v: lower the learning rate, or look at this batch", i, l)
		}
	}
	return fmt.Sprintf("the losses are %v, but the gradients' norm is %v: lower the learning rate, or look at this batch", e.Losses, e.Norm)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Scopes and names of what the trainer keeps besides the weights.
const (
	averageScope     = "/average"
	accumulatorScope = "/accumulator"
	averageRateName  = "average_rate"
	partShareName    = "part_share"
)

// NewTrainer prepares the training of what loss builds.
func NewTrainer(backend backends.Backend, loss LossFunc, options TrainerOptions) (*Trainer, error) {
	if err := options.Check(); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	t := &Trainer{ctx: context.New().Checked(false), loss: loss, options: options}
	t.adam = optimizers.Adam().LearningRate(0).Epsilon(1e-8).WeightDecay(options.WeightDecay).Done().(gradientOptimizer)
	for _, e := range []struct {
		exec  **context.Exec
		build func(ctx *context.Context, inputs []*Node) []*Node
	}{{&t.alone, t.buildAlone}, {&t.part, t.buildPart}, {&t.last, t.buildLast}} {
		exec, err := context.NewExec(backend, t.ctx, e.build)
		if err != nil {
			return nil, fmt.Errorf("trainer: %w", err)
		}
		*e.exec = exec
	}
	return t, nil
}

// buildAlone is a step on one batch. Behind the losses it gives the gradients' norm.
func (t *Trainer) buildAlone(ctx *context.Context, inputs []*Node) []*Node {
	losses, variables, gradients := t.backward(ctx, inputs)
	return append(losses, t.update(ctx, variables, gradients))
}

// buildPart adds a batch's gradients to the accumulators.
func (t *Trainer) buildPart(ctx *context.Context, inputs []*Node) []*Node {
	losses, variables, gradients := t.backward(ctx, inputs)
	for i, v := range variables {
		sum := companion(ctx, accumulatorScope, v)
		sum.SetValueGraph(Add(sum.ValueGraph(losses[0].Graph()), gradients[i]))
	}
	return losses
}

// buildLast is a step on the mean of a batch's gradients and of those in the accumulators, and empties them.
func (t *Trainer) buildLast(ctx *context.Context, inputs []*Node) []*Node {
	losses, variables, gradients := t.backward(ctx, inputs)
	g := losses[0].Graph()
	share := scalarVariable(ctx, partShareName).ValueGraph(g)
	for i, v := range variables {
		sum := companion(ctx, accumulatorScope, v)
		gradients[i] = Mul(Add(sum.ValueGraph(g), gradients[i]), share)
		sum.SetValueGraph(ZerosLike(gradients[i]))
	}
	return append(losses, t.update(ctx, variables, gradients))
}

// backward builds losses, and the gradients of the variables that are trained.
func (t *Trainer) backward(ctx *context.Context, inputs []*Node) (losses []*Node, variables []*context.Variable, gradients []*Node) {
	g := inputs[0].Graph()
	losses = t.loss(NewTrainingNet(ctx, t.options.Initial, t.options.Seed, true), inputs)
	t.freeze()
	for v := range ctx.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			variables = append(variables, v)
		}
	}
	return losses, variables, ctx.BuildTrainableVariablesGradientsGraph(losses[0])
}

// update clips gradients, moves the weights and their averages, and returns the gradients' norm.
func (t *Trainer) update(ctx *context.Context, variables []*context.Variable, gradients []*Node) *Node {
	g := gradients[0].Graph()
	norm := globalNorm(variables, gradients)
	if t.options.ClipNorm > 0 {
		factor := MinScalar(Div(Const(g, float32(t.options.ClipNorm)), AddScalar(norm, 1e-6)), 1)
		for i := range gradients {
			gradients[i] = Mul(gradients[i], factor)
		}
	}
	t.adam.UpdateGraphWithGradients(ctx, gradients, dtypes.Float32)
	if t.options.EMA > 0 {
		rate := scalarVariable(ctx, averageRateName).ValueGraph(g)
		for v := range ctx.IterVariables() {
			if isWeight(v) && v.InUseByGraph(g) {
				average := companion(ctx, averageScope, v)
				old := average.ValueGraph(g)
				average.SetValueGraph(Add(old, Mul(rate, Sub(v.ValueGraph(g), old))))
			}
		}
	}
	return norm
}

// globalNorm is the length of all gradients as one vector. They are summed in the order of their variables'
// names: variables that a checkpoint made are in another order, and sums must be the same.
func globalNorm(variables []*context.Variable, gradients []*Node) *Node {
	order := make([]int, len(gradients))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(variables[a].Name(), variables[b].Name()) })
	var sum *Node
	for _, i := range order {
		square := ReduceAllSum(Square(gradients[i]))
		if sum == nil {
			sum = square
		} else {
			sum = Add(sum, square)
		}
	}
	return Sqrt(sum)
}

// isWeight tells weights and running statistics from what the trainer keeps besides.
func isWeight(v *context.Variable) bool {
	return v.Scope() == context.RootScope && v.DType() == dtypes.Float32
}

// companion is a variable of v's shape that starts at 0, in a scope of its own.
func companion(ctx *context.Context, scope string, v *context.Variable) *context.Variable {
	return ctx.InAbsPath(scope).WithInitializer(initializers.Zero).VariableWithShape(v.Name(), v.Shape()).SetTrainable(false)
}

// scalarVariable is a number that Step sets anew.
func scalarVariable(ctx *context.Context, name string) *context.Variable {
	return ctx.InAbsPath(context.ScopeSeparator+optimizers.Scope).VariableWithValue(name, float32(0)).SetTrainable(false)
}

func (t *Trainer) freeze() {
	for v := range t.ctx.IterVariables() {
		for _, prefix := range t.options.Frozen {
			if v.Scope() == context.RootScope && strings.HasPrefix(v.Name(), prefix) {
				v.SetTrainable(false)
			}
		}
	}
}

// Accumulate adds a batch's gradients to the step that Step will take, which is then one on the mean of all
// gradients: where losses are means over photos of equal weight, and but for batch normalisation, the same as one
// batch of all the photos. It returns the batch's losses, and errors as Step.
func (t *Trainer) Accumulate(batch ...*tensors.Tensor) ([]float64, error) {
	losses, err := run(t.part, batch)
	if err != nil {
		return nil, err
	}
	t.parts++
	return losses, check(losses, 0)
}

// Step takes one step with the given learning rate on a batch, and on those before it that were accumulated, and
// returns the batch's losses before it. A loss, or a gradient, that is not finite is a *NotFiniteError.
func (t *Trainer) Step(learningRate float64, batch ...*tensors.Tensor) ([]float64, error) {
	exec := t.alone
	if t.parts > 0 {
		exec = t.last
	}
	decay := t.options.EMA
	for _, s := range []struct {
		variable *context.Variable
		value    float64
	}{
		{optimizers.LearningRateVar(t.ctx, dtypes.Float32, learningRate), learningRate},
		{scalarVariable(t.ctx, partShareName), 1 / float64(t.parts+1)},
		{scalarVariable(t.ctx, averageRateName), (1 - decay) / (1 - math.Pow(decay, float64(t.Steps()+1)))},
	} {
		if err := s.variable.SetValue(tensors.FromScalar(float32(s.value))); err != nil {
			return nil, fmt.Errorf("trainer: %w", err)
		}
	}
	outputs, err := run(exec, batch)
	if err != nil {
		return nil, err
	}
	t.parts = 0
	losses := outputs[:len(outputs)-1]
	t.norm = outputs[len(losses)]
	return losses, check(losses, t.norm)
}

// Steps is how many steps were taken, those before a checkpoint included.
func (t *Trainer) Steps() int { return int(optimizers.GetGlobalStep(t.ctx)) }

// GradientNorm is the length of the last step's gradients as one vector, before they were clipped.
func (t *Trainer) GradientNorm() float64 { return t.norm }

// run executes a graph of scalars.
func run(exec *context.Exec, batch []*tensors.Tensor) ([]float64, error) {
	inputs := make([]any, len(batch))
	for i, b := range batch {
		inputs[i] = b
	}
	outputs, err := exec.Exec(inputs...)
	if err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	values := make([]float64, len(outputs))
	for i, o := range outputs {
		values[i] = float64(tensors.ToScalar[float32](o))
		if err := o.FinalizeAll(); err != nil {
			return nil, fmt.Errorf("trainer: %w", err)
		}
	}
	return values, nil
}

func check(losses []float64, norm float64) error {
	for _, x := range append(losses[:len(losses):len(losses)], norm) {
		if !finite(x) {
			return fmt.Errorf("trainer: %w", &NotFiniteError{losses, norm})
		}
	}
	return nil
}

// Weights returns the trained weights, or their moving average where there is one.
func (t *Trainer) Weights() (Weights, error) {
	weights, err := weightsIn(t.ctx, context.RootScope)
	if err != nil || t.options.EMA == 0 {
		return weights, err
	}
	average, err := weightsIn(t.ctx, averageScope)
	if err != nil {
		return nil, err
	}
	weights.Merge("", average)
	return weights, nil
}

// scopeSeparator stands between a variable's scope and name in a checkpoint. GoMLX's own way to join
// them loses the difference between the scopes "/a" and "/a/", and its Adam uses the latter.
const scopeSeparator = ":"

// State is all that a checkpoint needs, between two steps, to go on with the very same losses: every variable,
// the optimiser's and averages too, and the counters of steps.
func (t *Trainer) State() (Weights, map[string]string, error) {
	state, counters := Weights{}, map[string]string{}
	for v := range t.ctx.IterVariables() {
		if v.Scope() == accumulatorScope {
			continue // empty between steps
		}
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
