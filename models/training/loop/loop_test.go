package loop

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// regression is a training so small that a test can take it many times: a network with batch normalisation
// learns a function of three numbers.
type regression struct {
	t       *testing.T
	options Options
	// spoil changes a batch's input.
	spoil  func(number int, x []float32)
	losses []float64 // of the last run's steps
}

func newRegression(t *testing.T) *regression {
	bucket, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	return &regression{t: t, options: Options{
		Steps: 12, Rate: 0.01, Photos: 4, Bucket: bucket, Key: "stages/test.checkpoint.safetensors", CheckpointEvery: time.Nanosecond,
		Update: models.Update{ClipNorm: 1, EMA: 0.9},
	}}
}

// run takes the steps, until stop says so after one.
func (r *regression) run(stop func(p Progress) bool) (models.Weights, error) {
	r.t.Helper()
	backend, err := compute.New("")
	require.NoError(r.t, err)
	trainer, err := models.NewTrainer(backend, func(net *models.Net, inputs []*Node) []*Node {
		hidden := models.ReLU(net.BatchNorm("norm", net.Linear("hidden", inputs[0], 8)))
		loss := ReduceAllMean(Square(Sub(net.Linear("out", hidden, 1), inputs[1])))
		return []*Node{loss, MulScalar(loss, 2)}
	}, models.TrainerOptions{Seed: 1, WeightDecay: 0.01, Update: r.options.Update})
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	r.losses = nil
	return Run(ctx, trainer, func(number int) []*tensors.Tensor {
		rng := rand.New(rand.NewPCG(7, uint64(number)))
		x, y := make([]float32, 12), make([]float32, 4)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
			y[i/3] += x[i] * float32(i%3)
		}
		if r.spoil != nil {
			r.spoil(number, x)
		}
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, 4, 3), tensors.FromFlatDataAndDimensions(y, 4, 1)}
	}, r.options, func(p Progress) {
		r.losses = nil
		for _, s := range p.History.Steps {
			r.losses = append(r.losses, s.Losses...)
		}
		if stop != nil && stop(p) {
			cancel()
		}
	})
}

// TestRunGoesOn interrupts a training after every step but the last, and compares the losses and the weights
// with an undisturbed one, bit for bit.
func TestRunGoesOn(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"plain":      func(o *Options) { o.Update = models.Update{} },
		"everything": func(o *Options) { o.Accumulate = 3 },
		"validated": func(o *Options) {
			o.ValidateEvery, o.Patience, o.Metric = 2, 100, "bumps"
			o.Validate = bumps(0.1, 0.2, 0.9, 0.3, 0.4, 0.5)
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole := newRegression(t)
			change(&whole.options)
			want, err := whole.run(nil)
			require.NoError(t, err)
			require.Len(t, whole.losses, 24)
			for _, loss := range whole.losses {
				require.Positive(t, loss)
			}

			broken := newRegression(t)
			change(&broken.options)
			for step := range broken.options.Steps - 1 {
				_, err := broken.run(func(p Progress) bool { return p.History.steps() > step })
				require.ErrorIs(t, err, context.Canceled)
				require.Len(t, broken.losses, 2*(step+1))
			}
			got, err := broken.run(nil)
			require.NoError(t, err)
			require.Equal(t, whole.losses, broken.losses)
			require.Equal(t, want, got)
		})
	}
}

// bumps is a validation that gives values one after the other, by the number that is written in the checkpointed
// weights' place: a resumed run must not start again at the first.
func bumps(values ...float64) func(context.Context, models.Weights) (float64, error) {
	next := 0
	return func(context.Context, models.Weights) (float64, error) {
		next++
		return values[(next-1)%len(values)], nil
	}
}

// TestRunStopsEarly ends where nothing gets better, and gives the best weights.
func TestRunStopsEarly(t *testing.T) {
	r := newRegression(t)
	var seen []models.Weights
	values := bumps(0.1, 0.5, 0.4, 0.5, 0.3)
	r.options.ValidateEvery, r.options.Patience, r.options.Metric = 2, 3, "f1"
	r.options.Validate = func(ctx context.Context, weights models.Weights) (float64, error) {
		seen = append(seen, weights.Clone())
		return values(ctx, weights)
	}
	var history *History
	var last Progress
	weights, err := r.run(func(p Progress) bool { history, last = p.History, p; return false })
	require.NoError(t, err)
	require.True(t, last.Stopped)
	require.Equal(t, 10, history.steps(), "two validations to the best and three in vain, every second step")
	require.Equal(t, seen[1], weights)
	require.NotEqual(t, seen[4], weights)
	require.Equal(t, Validation{Step: 4, Value: 0.5}, history.Validations[history.Best()])

	// It has ended: another run adds nothing to what the checkpoint has.
	again, err := r.run(nil)
	require.NoError(t, err)
	require.Equal(t, weights, again)
	require.Len(t, seen, 5)

	// Who has all patience gets the last ones.
	values, seen = bumps(0.9, 0.5, 0.4), nil
	r.options.Patience, r.options.Key = 0, "patient"
	weights, err = r.run(nil)
	require.NoError(t, err)
	require.Len(t, seen, 6)
	require.Equal(t, seen[5], weights)

	r.options.Validate = func(context.Context, models.Weights) (float64, error) { return math.NaN(), nil }
	r.options.Key, r.options.Metric = "another", "recall"
	_, err = r.run(nil)
	require.ErrorContains(t, err, "step 1: recall is not a number")
	broken := errors.New("no photos")
	r.options.Validate = func(context.Context, models.Weights) (float64, error) { return 0, broken }
	_, err = r.run(nil)
	require.ErrorIs(t, err, broken)
}

// TestRunKeepsTheBatchThatBrokeIt stops at numbers that are not finite, says where, keeps the batch, and leaves
// the checkpoint before.
func TestRunKeepsTheBatchThatBrokeIt(t *testing.T) {
	for accumulate, batch := range map[int]int{1: 5, 3: 16} { // step 5 in both
		r := newRegression(t)
		r.options.Accumulate = accumulate
		r.spoil = func(number int, x []float32) {
			if number == batch {
				x[4] = float32(math.Inf(1))
			}
		}
		r.options.Describe = func(number int) []string {
			return []string{strings.Repeat("a", number+1) + ".jpg"}
		}
		_, err := r.run(nil)
		var broken *models.NotFiniteError
		require.ErrorAs(t, err, &broken)
		require.ErrorContains(t, err, "step 5: trainer: loss 0 is NaN")
		require.ErrorContains(t, err, strings.Repeat("a", batch+1)+".jpg")
		require.ErrorContains(t, err, "nan-step-5.safetensors")
		require.Len(t, r.losses, 10, "five steps were good")

		data, err := storage.ReadAll(t.Context(), r.options.Bucket, "nan-step-5.safetensors", 1<<20)
		require.NoError(t, err)
		kept, metadata, err := models.DecodeSafetensors(data)
		require.NoError(t, err)
		require.Len(t, kept, 2*accumulate)
		var spoilt []string
		for name, tensor := range kept {
			for _, v := range tensor.Data {
				if math.IsInf(float64(v), 1) {
					spoilt = append(spoilt, name)
				}
			}
		}
		require.Equal(t, map[int][]string{1: {"batch-0.input-0"}, 3: {"batch-1.input-0"}}[accumulate], spoilt)
		require.Contains(t, metadata["photos"], strings.Repeat("a", batch+1)+".jpg")
		require.Contains(t, metadata["error"], "loss 0 is NaN")

		// The checkpoint is from before: with a batch that is whole the training ends as if nothing had been.
		r.spoil = nil
		got, err := r.run(nil)
		require.NoError(t, err)
		whole := newRegression(t)
		whole.options.Accumulate = accumulate
		want, err := whole.run(nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestCheckpointsThatAreNone are refused by name, and told how to go on.
func TestCheckpointsThatAreNone(t *testing.T) {
	r := newRegression(t)
	contents := []string{"", "\x02\x00\x00\x00\x00\x00\x00\x00{}", "something else"}
	for _, state := range []models.Weights{{}, {stepsTensor: models.NewTensor(4)}, {stepsTensor: models.NewTensor(2, 2)}} {
		var b bytes.Buffer
		require.NoError(t, models.EncodeSafetensors(&b, state, map[string]string{historyKey: "{}"}, models.Float32))
		contents = append(contents, b.String())
	}
	for _, content := range contents {
		require.NoError(t, r.options.Bucket.Put(t.Context(), r.options.Key, strings.NewReader(content)))
		_, err := r.run(nil)
		require.ErrorContains(t, err, r.options.Key)
		require.ErrorContains(t, err, "delete it")
	}
}

func TestOptionsCheck(t *testing.T) {
	require.NoError(t, Options{}.Check())
	for _, o := range []Options{{WarmUp: -1}, {Accumulate: -1}, {ValidateEvery: -1}, {Patience: -1}, {Update: models.Update{EMA: 1}}} {
		require.Error(t, o.Check())
		require.NotEqual(t, Options{}.Identity(), o.Identity())
	}
}
