package models

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// rows is a tensor [n, len(values)/n].
func rows(n int, values ...float32) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(values, n, len(values)/n)
}

// linearLoss is the mean over the rows of a linear layer's output: its gradient by the weight is the mean of the
// rows, that by the bias is 1.
func linearLoss(net *Net, inputs []*Node) []*Node {
	return []*Node{ReduceAllMean(net.Linear("line", inputs[0], 1))}
}

func newTestTrainer(t *testing.T, loss LossFunc, options TrainerOptions) *Trainer {
	t.Helper()
	trainer, err := NewTrainer(testBackend(t), loss, options)
	require.NoError(t, err)
	return trainer
}

func step(t *testing.T, trainer *Trainer, rate float64, batch ...*tensors.Tensor) []float64 {
	t.Helper()
	losses, err := trainer.Step(rate, batch...)
	require.NoError(t, err)
	return losses
}

func weightsOf(t *testing.T, trainer *Trainer) Weights {
	t.Helper()
	weights, err := trainer.Weights()
	require.NoError(t, err)
	return weights
}

// TestWeightsOfAnotherNetwork are not passed over in silence.
func TestWeightsOfAnotherNetwork(t *testing.T) {
	checked := func(net *Net, inputs []*Node) []*Node {
		losses := linearLoss(net, inputs)
		if err := net.CheckInitial(); err != nil {
			panic(err)
		}
		return losses
	}
	trainer := newTestTrainer(t, checked, TrainerOptions{Initial: Weights{"curve.weight": NewTensor(1, 2)}})
	_, err := trainer.Step(0.1, rows(2, 3, 4, 5, 6))
	require.ErrorContains(t, err, `such as "curve.weight"`)
	trainer = newTestTrainer(t, checked, TrainerOptions{Initial: Weights{"curve.weight": NewTensor(1, 2), "line.bias": NewTensor(1)}})
	for n := range 3 { // of another shape, the graph is built anew
		step(t, trainer, 0.1, rows(n+1, make([]float32, 2*(n+1))...))
	}
}

// TestGradientNorm is that of all gradients together, before they are clipped.
func TestGradientNorm(t *testing.T) {
	for _, clip := range []float64{0, 1, 100} {
		trainer := newTestTrainer(t, linearLoss, TrainerOptions{Update: Update{ClipNorm: clip}})
		step(t, trainer, 0.1, rows(2, 3, 4, 5, 6)) // gradients (4, 5) and 1
		require.InDelta(t, math.Sqrt(16+25+1), trainer.GradientNorm(), 1e-5)
	}
}

// TestClipNorm looks into Adam's first moment, which is a tenth of the first gradient.
func TestClipNorm(t *testing.T) {
	for clip, factor := range map[float64]float64{0: 1, 100: 1, 3: 3 / math.Sqrt(42)} {
		trainer := newTestTrainer(t, linearLoss, TrainerOptions{Update: Update{ClipNorm: clip}})
		step(t, trainer, 0.1, rows(2, 3, 4, 5, 6))
		state, _, err := trainer.State()
		require.NoError(t, err)
		seen := 0
		for name, moment := range state {
			for i, want := range map[string][]float64{
				"/AdamOptimizer/:line.weight_1st_moment": {4, 5}, "/AdamOptimizer/:line.bias_1st_moment": {1},
			}[name] {
				require.InDelta(t, 0.1*want*factor, moment.Data[i], 1e-5, "clip %v, %s", clip, name)
				seen++
			}
		}
		require.Equal(t, 3, seen, "%v", state.Names())
	}
}

// TestAccumulate takes the same steps with batches in one piece and in parts.
func TestAccumulate(t *testing.T) {
	loss := func(net *Net, inputs []*Node) []*Node {
		hidden := ReLU(net.Linear("hidden", inputs[0], 8))
		return []*Node{ReduceAllMean(Square(Sub(net.Linear("out", hidden, 1), inputs[1])))}
	}
	const size, n, parts = 5, 12, 3
	options := TrainerOptions{Seed: 1, WeightDecay: 0.1, Update: Update{ClipNorm: 0.5, EMA: 0.9}}
	whole, inParts := newTestTrainer(t, loss, options), newTestTrainer(t, loss, options)
	for at := range 5 {
		x := tensors.MustCopyFlatData[float32](randomPixels(uint64(at), n, size))
		y := tensors.MustCopyFlatData[float32](randomPixels(uint64(at)+100, n, 1))
		want := step(t, whole, 1e-2, rows(n, x...), rows(n, y...))
		var mean float64
		for p := range parts {
			const m = n / parts
			batch := []*tensors.Tensor{rows(m, x[p*m*size:(p+1)*m*size]...), rows(m, y[p*m:(p+1)*m]...)}
			take := func(batch ...*tensors.Tensor) ([]float64, error) { return inParts.Accumulate(batch...) }
			if p == parts-1 {
				take = func(batch ...*tensors.Tensor) ([]float64, error) { return inParts.Step(1e-2, batch...) }
			}
			got, err := take(batch...)
			require.NoError(t, err)
			mean += got[0] / parts
		}
		require.InEpsilon(t, want[0], mean, 1e-5)
		require.InEpsilon(t, whole.GradientNorm(), inParts.GradientNorm(), 1e-5)
		require.Equal(t, at+1, inParts.Steps())
	}
	want, got := weightsOf(t, whole), weightsOf(t, inParts)
	require.Equal(t, want.Names(), got.Names())
	for name := range want {
		require.InDeltaSlice(t, want[name].Data, got[name].Data, 1e-5, name)
	}
}

// TestEMA compares the moving average with its closed form, Σ decay^(n-i)·w_i / Σ decay^(n-i), for weights and
// batch normalisation's statistics, across a checkpoint.
func TestEMA(t *testing.T) {
	const decay, steps = 0.8, 6
	loss := func(net *Net, inputs []*Node) []*Node {
		return []*Node{ReduceAllMean(Square(net.BatchNorm("norm", net.Linear("line", inputs[0], 3))))}
	}
	plain := newTestTrainer(t, loss, TrainerOptions{Seed: 1})
	averaged := newTestTrainer(t, loss, TrainerOptions{Seed: 1, Update: Update{EMA: decay}})
	sum, share := map[string][]float64{}, 0.0
	for at := range steps {
		if at == steps/2 {
			state, counters, err := averaged.State()
			require.NoError(t, err)
			averaged = newTestTrainer(t, loss, TrainerOptions{Seed: 1, Update: Update{EMA: decay}})
			require.NoError(t, averaged.Restore(state, counters))
		}
		x := randomPixels(uint64(at), 7, 4)
		require.Equal(t, step(t, plain, 0.05, x), step(t, averaged, 0.05, x), "an average changes no step")
		share = decay*share + 1
		current := weightsOf(t, plain)
		for name, w := range current {
			if sum[name] == nil {
				sum[name] = make([]float64, len(w.Data))
			}
			for i, v := range w.Data {
				sum[name][i] = decay*sum[name][i] + float64(v)
			}
		}
		got := weightsOf(t, averaged)
		require.Equal(t, current.Names(), got.Names())
		for name, w := range got {
			for i, v := range w.Data {
				require.InDelta(t, sum[name][i]/share, v, 1e-6, "step %d, %s", at, name)
			}
		}
		if at == 0 {
			require.Equal(t, current["norm.running_mean"], got["norm.running_mean"], "the first average is the first weights")
		}
	}
	require.NotEqual(t, weightsOf(t, plain)["norm.running_var"], weightsOf(t, averaged)["norm.running_var"])
}

// TestNotFinite finds what is wrong with a batch: in a loss, and in gradients alone.
func TestNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, c := range map[string]struct {
		x    *tensors.Tensor
		want string
	}{
		"loss":                  {rows(1, 1, nan), "loss 0 is NaN"},
		"infinite":              {rows(1, inf, 1), "loss 0 is"},
		"gradients of a number": {rows(1, 0, 0), "gradients' norm is NaN"},
	} {
		t.Run(name, func(t *testing.T) {
			trainer := newTestTrainer(t, func(net *Net, inputs []*Node) []*Node {
				// √(Σx²) of a layer without input: 0, and its slope is 0/0.
				w := net.Project("line", inputs[0], 2)
				return []*Node{Sqrt(ReduceAllSum(Square(w)))}
			}, TrainerOptions{Seed: 1})
			_, err := trainer.Step(1e-3, c.x)
			var broken *NotFiniteError
			require.ErrorAs(t, err, &broken)
			require.ErrorContains(t, err, c.want)
		})
	}
	trainer := newTestTrainer(t, linearLoss, TrainerOptions{})
	_, err := trainer.Accumulate(rows(1, 1, nan))
	require.ErrorContains(t, err, "loss 0 is NaN")
}

// TestUpdateCheck refuses what cannot be.
func TestUpdateCheck(t *testing.T) {
	for _, u := range []Update{{ClipNorm: -1}, {ClipNorm: math.NaN()}, {EMA: 1}, {EMA: -0.1}, {EMA: math.NaN()}} {
		require.Error(t, u.Check(), fmt.Sprint(u))
		_, err := NewTrainer(testBackend(t), linearLoss, TrainerOptions{Update: u})
		require.Error(t, err)
	}
	require.NoError(t, Update{ClipNorm: 1, EMA: 0.999}.Check())
}
