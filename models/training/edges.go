package training

import (
	"context"
	"math/rand/v2"
	"sync/atomic"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/photo"
)

// lookEnd is where looks at a scene with a dress have ended, by sides that have not learned from it.
type lookEnd struct {
	scene int
	box   photo.Box
}

// leastEdgeOverlap is the overlap with the dress from which edges learn from a lookEnd: further off, no edge of it is in
// sight.
const leastEdgeOverlap = 0.4

// Steps of the edges' training, and samples in each.
const edgeSteps, edgeBatch = 1200, 64

// fitEdges fits where to the pixel the sides of a dress are, around the boxes that looks end at (see models.EdgesConfig). A
// model that no dress was seen for has none.
func (m *maker) fitEdges(ctx context.Context, model *models.Model, ends []lookEnd) error {
	model.Config.Refine.Edges = nil
	if len(ends) == 0 {
		return nil
	}
	config := models.DefaultEdgesConfig()
	samples, err := m.edgeSamples(ctx, config, ends)
	if err != nil {
		return err
	}
	groups := m.edgeGroups(ends)
	loss := func(net *models.Net, inputs []*Node) []*Node {
		return []*Node{models.EdgesLoss(models.EdgesHead(net, inputs[0], inputs[1]), inputs[2])}
	}
	options := headOptions{Seed: 8 + m.Seed, Steps: m.steps(edgeSteps), Batch: edgeBatch, LearningRate: 3e-3, Loop: m.headLoop()}
	options.Loop.Key = "" // a minute's work; the stage's checkpoint is another training's
	trainer, err := models.NewTrainer(m.Backend, loss, models.TrainerOptions{Seed: options.Seed, WeightDecay: 1e-3, Update: options.Loop.Update})
	if err != nil {
		return err
	}
	draws := func(number int) []int {
		rng := rand.New(rand.NewPCG(options.Seed, uint64(number)))
		drawn := make([]int, edgeBatch)
		for i := range drawn {
			drawn[i] = draw(rng, groups)
		}
		return drawn
	}
	options.Loop.Describe = func(number int) []string {
		return drawnBy(m.pool, func(pool *Pool) {
			for _, i := range draws(number) {
				pool.noteScene(ends[i].scene)
			}
		})
	}
	step := m.counter("refine: fitting edges")
	weights, err := runHead(ctx, trainer, func(number int) []*tensors.Tensor { return edgeInputs(config, samples, draws(number)) }, options,
		func(p loop.Progress) { step(p.Step, p.Steps) })
	if err != nil {
		return err
	}
	model.Weights.Merge("", weights)
	model.Config.Refine.Edges = config
	return nil
}

// edgeSample is what edges learn from one box.
type edgeSample struct {
	profiles models.EdgeProfiles
	sides    [4]float32 // of the dress, in shares of the picture
}

// edgeSamples reads the profiles around where looks have ended.
func (m *maker) edgeSamples(ctx context.Context, config *models.EdgesConfig, ends []lookEnd) ([]edgeSample, error) {
	samples := make([]edgeSample, len(ends))
	progress := m.counter("refine: profiles of dresses")
	var done atomic.Int64
	err := parallel(ctx, len(ends), func(i int) error {
		defer func() { progress(int(done.Add(1)), len(ends)) }()
		s := &m.pool.Scenes[ends[i].scene]
		p := config.Profiles(s.Image, ends[i].box)
		samples[i] = edgeSample{p, p.Sides(s.Box)}
		return nil
	})
	return samples, err
}

// edgeGroups are the shares that kinds of dresses have of a batch.
func (m *maker) edgeGroups(ends []lookEnd) []sampleGroup {
	byKind := map[sceneKind][]int{}
	for i, end := range ends {
		kind := m.pool.Scenes[end.scene].kind()
		byKind[kind] = append(byKind[kind], i)
	}
	var groups []sampleGroup
	for _, kind := range []sceneKind{homeDress, streetDress, paintedDress} {
		if len(byKind[kind]) > 0 {
			groups = append(groups, sampleGroup{byKind[kind], dressShares[kind]})
		}
	}
	return groups
}

// edgeInputs are the inputs of models.EdgesHead for some samples, and where their sides are.
func edgeInputs(config *models.EdgesConfig, samples []edgeSample, drawn []int) []*tensors.Tensor {
	profiles := make([]models.EdgeProfiles, len(drawn))
	var sides []float32
	for n, i := range drawn {
		profiles[n] = samples[i].profiles
		sides = append(sides, samples[i].sides[:]...)
	}
	across, down := config.Tensors(profiles, len(drawn))
	return []*tensors.Tensor{across, down, tensors.FromFlatDataAndDimensions(sides, len(drawn), 4)}
}
