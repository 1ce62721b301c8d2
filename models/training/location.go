package training

import (
	"cmp"
	"context"
	"math/rand/v2"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
)

// headOptions steer the training of a head on a frozen trunk.
type headOptions struct {
	Seed         uint64
	Steps, Batch int
	LearningRate float64
	// RealShare of each batch are real photos.
	RealShare float64
	// Loop has what else there is to say about the steps. Its Steps, Rate, Photos and Seed are the head's.
	Loop loop.Options
}

// locationOptions steer the training of the background and location networks.
type locationOptions struct {
	headOptions
	// Background and Location say which of the two is trained.
	Background, Location bool
	// Excluded is the evaluation fold that is not learned from; -1 learns from all.
	Excluded int
}

// trainLocation trains the background and location networks on a frozen trunk, on painted and real
// scenes of the pool, starting from the model's heads.
func trainLocation(ctx context.Context, backend backends.Backend, pool *Pool, model *models.Model, options locationOptions, report func(loop.Progress)) (models.Weights, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return nil, err
	}
	frozen := models.NewFrozenNet(model.Weights)
	loss := func(net *models.Net, inputs []*Node) []*Node {
		features := StopGradient(backbone.Build(frozen.In("trunk"), inputs[0]))
		foreground, box := locationLoss(net, features, inputs[1:])
		return []*Node{Add(foreground, box), foreground, box}
	}
	var fixed []string
	if !options.Background {
		fixed = append(fixed, "background.")
	}
	if !options.Location {
		fixed = append(fixed, "location.")
	}
	trainer, err := models.NewTrainer(backend, loss, models.TrainerOptions{Initial: model.Weights, Seed: options.Seed, WeightDecay: 1e-3, Frozen: fixed, Update: options.Loop.Update})
	if err != nil {
		return nil, err
	}
	groups := pool.sceneGroups(options.Excluded, options.RealShare)
	batches := func(pool *Pool, step int) []*tensors.Tensor {
		rng := rand.New(rand.NewPCG(options.Seed, uint64(step)))
		scale := model.Config.Scales[step%len(model.Config.Scales)]
		return pool.drawScenes(rng, func() int { return draw(rng, groups) }, options.Batch, scale[0], scale[1], backbone).tensors(scale[0], scale[1])
	}
	options.Loop.Describe = func(number int) []string { return drawnBy(pool, func(pool *Pool) { batches(pool, number) }) }
	weights, err := runHead(ctx, trainer, func(number int) []*tensors.Tensor { return batches(pool, number) }, options.headOptions, report)
	for _, prefix := range fixed {
		for name := range weights.Sub(prefix) {
			delete(weights, prefix+name) // its batch statistics have moved
		}
	}
	return weights, err
}

// sceneGroups are the scenes that location learns from, without a fold, unless it is negative. Each batch has all kinds
// of them, since its statistics are normalised by and those of all kinds served with. Kinds of real ones have the same
// share, however many there are: most show a garment at home that is no dress, which is easily told.
func (p *Pool) sceneGroups(excluded int, realShare float64) []sampleGroup {
	var painted sampleGroup
	byKind := map[sceneKind][]int{}
	for i := range p.Scenes {
		switch s := &p.Scenes[i]; {
		case !s.Real:
			painted.samples = append(painted.samples, i)
		case excluded < 0 || s.fold() != excluded:
			byKind[s.kind()] = append(byKind[s.kind()], i)
		}
	}
	var groups []sampleGroup
	for _, kind := range []sceneKind{homeDress, streetDress, homeOther, streetOther} {
		if scenes := byKind[kind]; len(scenes) > 0 {
			groups = append(groups, sampleGroup{scenes, realShare / float64(len(byKind))})
		}
	}
	painted.share = 1
	if len(groups) > 0 {
		painted.share = 1 - realShare
	}
	if len(painted.samples) > 0 {
		groups = append(groups, painted)
	}
	return groups
}

// runHead takes the steps of a head's training and returns its weights. See loop.
func runHead(ctx context.Context, trainer *models.Trainer, batches func(number int) []*tensors.Tensor, options headOptions, report func(loop.Progress)) (models.Weights, error) {
	o := options.Loop
	o.Steps, o.Rate, o.Photos, o.Seed = options.Steps, cmp.Or(o.Rate, options.LearningRate), options.Batch, options.Seed
	return loop.Run(ctx, trainer, batches, o, report)
}
