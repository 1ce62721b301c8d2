package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"bytes"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// counterPrefix marks the trainer's step counters in a checkpoint's metadata.
const counterPrefix = "counter:"

// saveCheckpoint writes a trainer's whole state, whole or not at all.
func saveCheckpoint(ctx context.Context, bucket storage.Bucket, key string, trainer *models.Trainer, progress any) error {
	state, counters, err := trainer.State()
	if err != nil {
		return err
	}
	text, err := json.Marshal(progress)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	metadata := map[string]string{"progress": string(text)}
	for name, n := range counters {
		metadata[counterPrefix+name] = n
	}
	var b bytes.Buffer
	if err := models.EncodeSafetensors(&b, state, metadata, models.Float32); err != nil {
		return err
	}
	return bucket.Put(ctx, key, &b)
}

// loadCheckpoint restores a trainer and progress; it says whether there was a checkpoint.
func loadCheckpoint(ctx context.Context, bucket storage.Bucket, key string, trainer *models.Trainer, progress any) (bool, error) {
	r, err := bucket.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return false, fmt.Errorf("checkpoint %s: %w", key, err)
	}
	state, metadata, err := models.DecodeSafetensors(data)
	if err != nil {
		return false, fmt.Errorf("checkpoint %s: %w; delete it to start the stage anew", key, err)
	}
	if err := json.Unmarshal([]byte(metadata["progress"]), progress); err != nil {
		return false, fmt.Errorf("checkpoint %s: progress: %w", key, err)
	}
	counters := map[string]string{}
	for name, n := range metadata {
		if rest, ok := strings.CutPrefix(name, counterPrefix); ok {
			counters[rest] = n
		}
	}
	return true, trainer.Restore(state, counters)
}
