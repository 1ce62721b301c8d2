package training

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// stagesVersion is raised where a stage trains in another way, so that other results follow from the same inputs.
const stagesVersion = 10

// maxStage is the greatest size in bytes of what a stage leaves.
const maxStage = 8 << 30

// trunk returns the weights of the trunk and of the heads that were trained with it. Like a stage's, its
// files are named after what went into it.
func (m *maker) trunk(ctx context.Context) (models.Weights, error) {
	initial := &models.Model{Config: m.Options.Trunk.Config, Weights: models.Weights{}}
	initial.Weights.Merge("trunk.", m.Options.Trunk.Initial)
	options := m.Options.Trunk
	options.WarmUp = options.warmUp()
	if options.Teacher != nil {
		initial.Weights.Merge("trunk.teacher.", options.Teacher.Weights) // to be hashed
	}
	photos, err := m.photoNames()
	if err != nil {
		return nil, err
	}
	options.Config.Notes = nil                  // a file may be moved
	config, err := json.Marshal(options.Config) // not %v, which would print where in memory its parts are
	if err != nil {
		return nil, err
	}
	options.Config, options.Initial, options.Teacher, options.CheckpointEvery, options.Loop = models.Config{}, nil, nil, 0, loop.Options{}
	inputs := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %+v %+v %x %s", stagesVersion, initial.EmbeddingModel(), config, options, m.Options.Paint, photos, m.Options.Trunk.Loop.Identity()))
	inputs = m.withPool(inputs)
	key := fmt.Sprintf("stages/trunk-%x.safetensors", inputs[:6])
	checkpoint := fmt.Sprintf("stages/trunk-%x.checkpoint.safetensors", inputs[:6])
	data, err := storage.ReadAll(ctx, m.Work, key, maxStage)
	if err == nil {
		m.Logger.Info("this stage is done", "stage", "trunk", "file", key)
		weights, _, err := models.DecodeSafetensors(data)
		return weights, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	m.beginStage("trunk")
	if m.Options.Trunk.steps() > 0 {
		if err := m.photos(ctx); err != nil {
			return nil, err
		}
		if m.photographed() {
			examples, err := m.examples()
			if err != nil {
				return nil, err
			}
			if err := m.pool.readWholes(ctx, examples, photo.DefaultLimits()); err != nil {
				return nil, err
			}
		}
		if teacher := m.Options.Trunk.Teacher; teacher != nil && len(m.pool.Wholes) > 0 {
			if err := m.pool.teach(ctx, m.Options.Backend, *teacher, m.Work, m.counter("the teacher looks at real photos")); err != nil {
				return nil, err
			}
		}
		m.Options.Trunk.Loop.Validate, m.Options.Trunk.Loop.Metric = trunkRecall(m.Options.Backend, m.held, m.Options.Trunk.Config), recallName
	}
	weights, err := trainTrunk(ctx, m.Options.Backend, m.pool, m.Work, checkpoint, m.Options.Trunk, m.reporter("trunk", trunkLosses))
	m.endStage(ctx, err)
	if err != nil {
		return nil, err
	}
	for _, forTraining := range []string{"contrast.", "teacher."} {
		for name := range weights.Sub(forTraining) {
			delete(weights, forTraining+name)
		}
	}
	weights = weights.WithoutAuxiliary()
	trunk := &models.Model{Config: m.Options.Trunk.Config, Weights: weights}
	if err := m.pictureTransforms(trunk); err != nil {
		return nil, err
	}
	if err := trunk.Save(ctx, m.Work, key, models.Float32); err != nil {
		return nil, err
	}
	return weights, m.Work.Delete(ctx, checkpoint)
}

// withPool hashes into what went into a stage the size that its pool keeps crops in, where it is not that of
// the shipped model's.
func (m *maker) withPool(inputs [sha256.Size]byte) [sha256.Size]byte {
	if kept := keptSize(m.config()); kept != keptSize(models.DefaultConfig()) {
		inputs = sha256.Sum256(fmt.Appendf(inputs[:], "%v", kept))
	}
	return inputs
}

// stage runs one step of the making, which changes the model, and keeps its result under a name that
// follows from what went into it: the same step on the same model is not run again, by any machine
// that works in the same place. What is told of real photos is part of it, but not the photos' own bytes.
func (m *maker) stage(ctx context.Context, name string, model *models.Model, run func() error) error {
	config, err := json.Marshal(model.Config)
	if err != nil {
		return err
	}
	inputs := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %s %+v %d %v %s %s %d",
		stagesVersion, model.EmbeddingModel(), model.FacetHeads(), config, m.Options.Paint, m.Steps, m.Heads, m.reference, m.Options.Loop.Identity(), m.Seed))
	if strings.HasPrefix(name, "facets") {
		inputs = sha256.Sum256(fmt.Appendf(inputs[:], "%+v", m.Options.FacetLoss)) // maps are printed in the order of their keys
	}
	if m.Location != nil {
		inputs = sha256.Sum256(fmt.Appendf(inputs[:], "location %s", m.Location.fingerprint()))
	}
	if m.Shop != nil {
		inputs = sha256.Sum256(fmt.Appendf(inputs[:], "%s", m.Shop.fingerprint))
	}
	if m.Mining != "" {
		inputs = sha256.Sum256(fmt.Appendf(inputs[:], "%s", m.Mining))
	}
	if left := m.Triplets.identity(); left != "" && strings.HasPrefix(name, "deeprank") {
		inputs = sha256.Sum256(fmt.Appendf(inputs[:], "%s", left))
	}
	inputs = m.withPool(inputs)
	key := fmt.Sprintf("stages/%s-%x.safetensors", name, inputs[:6])
	data, err := storage.ReadAll(ctx, m.Work, key, maxStage)
	if err == nil {
		done, err := models.Decode(data)
		if err != nil {
			return fmt.Errorf("%s: %w; delete it to run the stage anew", key, err)
		}
		m.Logger.Info("this stage is done", "stage", name, "file", key)
		*model = *done
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	m.beginStage(name)
	if name != overrideHead { // which paints its own
		if err := m.photos(ctx); err != nil {
			return err
		}
	}
	m.checkpoint = fmt.Sprintf("stages/%s-%x.checkpoint.safetensors", name, inputs[:6])
	err = run()
	m.endStage(ctx, err)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := model.Save(ctx, m.Work, key, models.Float32); err != nil {
		return err
	}
	return m.Work.Delete(ctx, m.checkpoint)
}
