package loop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// A checkpoint is a safetensors file. Its tensors are the trainer's, whose names begin with a slash, and these.
const (
	stepsTensor = "steps" // History.tensor
	bestPrefix  = "best:" // weights of the best validation
)

// Its metadata are the validations, and the trainer's counters.
const (
	historyKey    = "history"
	counterPrefix = "counter:"
)

// maxCheckpoint is the greatest size in bytes of a checkpoint.
const maxCheckpoint = 8 << 30

// saveCheckpoint writes a training's whole state, whole or not at all. best may be nil; without a key it does
// nothing.
func saveCheckpoint(ctx context.Context, bucket storage.Bucket, key string, trainer *models.Trainer, history *History, best models.Weights) error {
	if key == "" || history.steps() == 0 {
		return nil
	}
	state, counters, err := trainer.State()
	if err != nil {
		return err
	}
	state[stepsTensor] = history.tensor()
	state.Merge(bestPrefix, best)
	text, err := json.Marshal(History{Metric: history.Metric, Validations: history.Validations})
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	metadata := map[string]string{historyKey: string(text)}
	for name, n := range counters {
		metadata[counterPrefix+name] = n
	}
	var b bytes.Buffer
	if err := models.EncodeSafetensors(&b, state, metadata, models.Float32); err != nil {
		return err
	}
	return bucket.Put(ctx, key, &b)
}

// resume restores a training from its checkpoint, if there is one.
func resume(ctx context.Context, trainer *models.Trainer, options Options) (history *History, best models.Weights, err error) {
	if options.Key == "" {
		return &History{}, nil, nil
	}
	data, err := storage.ReadAll(ctx, options.Bucket, options.Key, maxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return &History{}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if history, best, err = decodeCheckpoint(data, trainer); err != nil {
		return nil, nil, fmt.Errorf("checkpoint %s: %w; delete it to start the stage anew", options.Key, err)
	}
	return history, best, nil
}

func decodeCheckpoint(data []byte, trainer *models.Trainer) (history *History, best models.Weights, err error) {
	state, metadata, err := models.DecodeSafetensors(data)
	if err != nil {
		return nil, nil, err
	}
	history = &History{}
	if err := json.Unmarshal([]byte(metadata[historyKey]), history); err != nil {
		return nil, nil, fmt.Errorf("history: %w", err)
	}
	steps := state[stepsTensor]
	if steps == nil || len(steps.Shape) != 2 || steps.Shape[1] < 3 {
		return nil, nil, errors.New("there are no steps in it")
	}
	history.readSteps(steps)
	delete(state, stepsTensor)
	for name, t := range state {
		if rest, ok := strings.CutPrefix(name, bestPrefix); ok {
			if best == nil {
				best = models.Weights{}
			}
			best[rest] = t
			delete(state, name)
		}
	}
	counters := map[string]string{}
	for name, n := range metadata {
		if rest, ok := strings.CutPrefix(name, counterPrefix); ok {
			counters[rest] = n
		}
	}
	if err := trainer.Restore(state, counters); err != nil {
		return nil, nil, err
	}
	if trainer.Steps() != history.steps() {
		return nil, nil, fmt.Errorf("it has %d steps, but the trainer has taken %d", history.steps(), trainer.Steps())
	}
	return history, best, nil
}

// asFloats are a tensor's numbers; those of a batch that are whole, such as labels, are small.
func asFloats(t *tensors.Tensor) ([]float32, error) {
	if t.DType() != dtypes.Int32 {
		return tensors.CopyFlatData[float32](t)
	}
	whole, err := tensors.CopyFlatData[int32](t)
	data := make([]float32, len(whole))
	for i, v := range whole {
		data[i] = float32(v)
	}
	return data, err
}

// saveBatches writes the batches of a step that failed, as tensors batch-0.input-0 and so on.
func saveBatches(ctx context.Context, bucket storage.Bucket, key string, parts [][]*tensors.Tensor, photos []string, failure error) error {
	state := models.Weights{}
	for i, batch := range parts {
		for j, input := range batch {
			data, err := asFloats(input)
			if err != nil {
				return fmt.Errorf("the batch cannot be kept: %w", err)
			}
			state[fmt.Sprintf("batch-%d.input-%d", i, j)] = &models.Tensor{Shape: input.Shape().Dimensions, Data: data}
		}
	}
	names, err := json.Marshal(photos)
	if err != nil {
		return fmt.Errorf("the batch cannot be kept: %w", err)
	}
	var b bytes.Buffer
	if err := models.EncodeSafetensors(&b, state, map[string]string{"error": failure.Error(), "photos": string(names)}, models.Float32); err != nil {
		return fmt.Errorf("the batch cannot be kept: %w", err)
	}
	return bucket.Put(ctx, key, &b)
}
