package training

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// TrunkOptions steer the training of the trunk.
type TrunkOptions struct {
	Config models.Config
	Seed   uint64
	// Initial are weights of the bare trunk to start from, such as torchvision's; nil starts from
	// nothing. With them and no steps the trunk stays what they are.
	Initial models.Weights
	// Steps at half the crop's size, which cost a quarter, and then at its full size
	// (https://arxiv.org/abs/1906.06423).
	HalfSteps, FullSteps int
	PaintedPairs         int // pairs of photos of one painted dress in a batch
	RealPairs            int // pairs of looks at one real photo in a batch
	Scenes               int // whole photos in a batch
	LearningRate         float64
	WeightDecay          float64
	WarmUp               int
	CheckpointEvery      time.Duration
	Mix                  MixOptions // of crops
	// Loop has what else there is to say about the steps. Its Steps, Rate, WarmUp, Photos, Cost, Seed, Bucket, Key
	// and CheckpointEvery are TrainTrunk's.
	Loop LoopOptions
}

// DefaultTrunkOptions are those of the shipped model.
func DefaultTrunkOptions() TrunkOptions {
	return TrunkOptions{
		Config: models.DefaultConfig(), Seed: 1, HalfSteps: 2400, FullSteps: 800,
		PaintedPairs: 24, RealPairs: 8, Scenes: 12,
		LearningRate: 2e-3, WeightDecay: 0.02, WarmUp: 100, CheckpointEvery: 3 * time.Minute,
	}
}

// trunkLosses names what the trunk's training reports.
var trunkLosses = []string{"loss", "contrast", "facets", "foreground", "box"}

// projectionSize is the length of the vector in which the contrastive loss compares. It is thrown away
// after training.
const projectionSize = 256

// TrainTrunk trains the trunk, with all heads, on painted dresses (their facets, their boxes, and that
// two photos show one product) and on unlabelled real photos (that two looks show one photo). It
// needs no label of a real photo. It leaves checkpoints under key in bucket, and goes on from one.
func TrainTrunk(ctx context.Context, backend backends.Backend, pool *Pool, bucket storage.Bucket, key string, options TrunkOptions, report func(Progress)) (models.Weights, error) {
	if len(pool.Products) < options.PaintedPairs {
		return nil, fmt.Errorf("trunk: a batch takes %d products, and there are %d: paint more", options.PaintedPairs, len(pool.Products))
	}
	config := options.Config
	backbone, err := models.BackboneByName(config.Backbone)
	if err != nil {
		return nil, err
	}
	initial := models.Weights{}
	initial.Merge("trunk.", options.Initial)
	trainer, err := models.NewTrainer(backend, trunkLoss(pool, config, backbone), models.TrainerOptions{Initial: initial, Seed: options.Seed, WeightDecay: options.WeightDecay, Update: options.Loop.Update})
	if err != nil {
		return nil, err
	}
	steps := options.HalfSteps + options.FullSteps
	if steps == 0 {
		if len(initial) == 0 {
			return nil, errors.New("trunk: no steps and no weights to start from: give one of them")
		}
		return initial, nil
	}
	o := options.Loop
	o.Steps, o.Rate, o.WarmUp = steps, options.LearningRate, options.WarmUp
	o.Bucket, o.Key, o.CheckpointEvery = bucket, key, options.CheckpointEvery
	o.Photos = 2*(options.PaintedPairs+options.RealPairs) + options.Scenes
	o.Cost, o.Seed = options.stepCost, options.Seed
	o.Describe = func(number int) []string {
		return drawnBy(pool, func(pool *Pool) { trunkBatch(pool, options, backbone, number) })
	}
	return loop(ctx, trainer, func(number int) []*tensors.Tensor { return trunkBatch(pool, options, backbone, number) }, o, report)
}

// stepCost is about what a step takes, in steps at half the size.
func (o TrunkOptions) stepCost(step int) float64 {
	if step < o.HalfSteps {
		return 1
	}
	return 4
}

// trunkBatch is a function of the batch's number alone, so that a resumed run sees the very same batches.
func trunkBatch(pool *Pool, options TrunkOptions, backbone models.Backbone, number int) []*tensors.Tensor {
	rng := rand.New(rand.NewPCG(options.Seed, uint64(number)))
	config := options.Config
	height, width := config.CropHeight, config.CropWidth
	if number/max(options.Loop.Accumulate, 1) < options.HalfSteps {
		height, width = height/2, width/2
	}
	painted, real, scenes := pool.trainingIndices()
	if len(real) == 0 { // nothing but painted dresses
		options.RealPairs = 0
	}
	crops := pool.drawCrops(rng, painted, real, options.PaintedPairs, options.RealPairs, config, width, height, backbone)
	options.Mix.mix(rng, &crops, height, width)
	scale := config.Scales[rng.IntN(len(config.Scales))]
	whole := pool.drawScenes(rng, scenes, options.Scenes, scale[0], scale[1], backbone)
	return append(crops.tensors(height, width, pool.labelCount()), whole.tensors(scale[0], scale[1])...)
}

// trainingIndices are what the trunk may learn from: every painted product and scene, and real photos
// as pictures only.
func (p *Pool) trainingIndices() (painted, real, scenes []int) {
	for i := range p.Products {
		painted = append(painted, i)
	}
	for i, c := range p.Crops {
		if c.Real {
			real = append(real, i)
		}
	}
	for i, s := range p.Scenes {
		if !s.Real {
			scenes = append(scenes, i)
		}
	}
	return painted, real, scenes
}

// trunkLoss sums the losses of all heads.
func trunkLoss(pool *Pool, config models.Config, backbone models.Backbone) models.LossFunc {
	return func(net *models.Net, inputs []*Node) []*Node {
		pixels, targets, positives := inputs[0], inputs[1], inputs[2]
		cells := models.Cells(backbone.Build(net.In("trunk"), pixels), config.CellRows, config.CellColumns)
		z := models.Normalised(net.Linear("contrast", cells, projectionSize))
		contrast := models.SupervisedContrastive(z, positives, 0.1)
		facets := facetLoss(net, pool, cells, targets, 0)
		foreground, box := locationLoss(net, backbone.Build(net.In("trunk"), inputs[3]), inputs[4:])
		total := Add(Add(contrast, MulScalar(facets, 0.7)), Add(MulScalar(foreground, 0.5), MulScalar(box, 0.5)))
		return []*Node{total, contrast, facets, foreground, box}
	}
}

// facetLoss is the mean cross-entropy of the facets, focal where gamma is not 0; targets holds them behind
// each other.
func facetLoss(net *models.Net, pool *Pool, cells, targets *Node, gamma float64) *Node {
	var sum *Node
	at := 0
	for _, facet := range pool.Facets {
		n := len(facet.Labels)
		logits := models.FacetHead(net, facet.Name, cells, n)
		loss := models.FocalCrossEntropy(logits, Slice(targets, AxisRange(), AxisRange(at, at+n)), gamma)
		if sum == nil {
			sum = loss
		} else {
			sum = Add(sum, loss)
		}
		at += n
	}
	return MulScalar(sum, 1/float64(len(pool.Facets)))
}

// locationLoss takes the features of whole photos and the rest of a sceneBatch's tensors.
func locationLoss(net *models.Net, features *Node, truth []*Node) (foreground, box *Node) {
	foreground = models.BinaryCrossEntropy(models.BackgroundHead(net, features), truth[0], truth[1])
	box = models.BoxLoss(models.LocationHead(net, features), truth[2], truth[3], truth[4])
	return foreground, box
}
