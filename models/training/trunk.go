package training

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/storage"
)

// TrunkOptions steer the training of the trunk.
type TrunkOptions struct {
	Config models.Config
	Seed   uint64
	// Initial are weights of the bare trunk to start from, such as torchvision's; nil starts from
	// nothing. With them and no steps the trunk stays what they are.
	Initial models.Weights
	// Steps at about half the size of the crops that the model reads, which cost a quarter, and then at their full
	// size (https://arxiv.org/abs/1906.06423).
	HalfSteps, FullSteps int
	PaintedPairs         int // pairs of photos of one painted dress in a batch
	RealPairs            int // pairs of looks at a part of a real photo in a batch
	Scenes               int // whole painted photos in a batch
	RealScenes           int // whole real photos in a batch, which are there for the teacher's lessons alone
	// Teacher is what real photos are seen with; nil trains without.
	Teacher         *Teacher
	LearningRate    float64
	WeightDecay     float64
	WarmUp          int // steps, but a tenth of all at most; Loop's, where there is one, counts as it is
	CheckpointEvery time.Duration
	Mix             MixOptions // of crops
	// Loop has what else there is to say about the steps. Its Steps, WarmUp, Photos, Cost, Seed, Bucket, Key
	// and CheckpointEvery are trainTrunk's.
	Loop loop.Options
}

// DefaultTrunkOptions are those of the shipped model. Two thirds of a batch are real photos: with one third, and more
// painted dresses, what the trunk sees of real photos is worse, and of painted ones hardly better.
func DefaultTrunkOptions() TrunkOptions {
	return TrunkOptions{
		Config: models.DefaultConfig(), Seed: 1, HalfSteps: 3000, FullSteps: 5000,
		PaintedPairs: 12, RealPairs: 24, Scenes: 8, RealScenes: 16,
		LearningRate: 2e-3, WeightDecay: 0.02, WarmUp: 100, CheckpointEvery: 3 * time.Minute,
	}
}

// trunkLosses names what the trunk's training reports.
var trunkLosses = []string{"loss", "contrast", "facets", "foreground", "box", "teacher_crops", "teacher_cells", "teacher_scenes"}

// projectionSize is the length of the vector in which the contrastive loss compares. It is thrown away
// after training.
const projectionSize = 256

// trainTrunk trains the trunk, with all heads, on painted dresses (their facets, their boxes, and that
// two photos show one product) and on unlabelled real photos (that two looks show one photo). It
// needs no label of a real photo. It leaves checkpoints under key in bucket, and goes on from one.
func trainTrunk(ctx context.Context, backend backends.Backend, pool *Pool, bucket storage.Bucket, key string, options TrunkOptions, report func(loop.Progress)) (models.Weights, error) {
	initial := models.Weights{}
	initial.Merge("trunk.", options.Initial)
	steps := options.steps()
	if steps == 0 { // which takes no photos
		if len(initial) == 0 {
			return nil, errNoTrunk
		}
		return initial, nil
	}
	if len(pool.Products) < options.PaintedPairs {
		return nil, fmt.Errorf("trunk: a batch takes %d products, and there are %d: paint more", options.PaintedPairs, len(pool.Products))
	}
	config := options.Config
	backbone, err := config.Trunk()
	if err != nil {
		return nil, err
	}
	trainer, err := models.NewTrainer(backend, trunkLoss(pool, config, backbone), models.TrainerOptions{Initial: initial, Seed: options.Seed, WeightDecay: options.WeightDecay, Update: options.Loop.Update})
	if err != nil {
		return nil, err
	}
	o := options.Loop
	o.Steps, o.Rate, o.WarmUp = steps, cmp.Or(o.Rate, options.LearningRate), options.warmUp()
	o.Bucket, o.Key, o.CheckpointEvery = bucket, key, options.CheckpointEvery
	crops, wholes := options.batchOf(pool)
	o.Photos = crops + wholes
	o.Cost = func(step int) float64 { return options.stepCost(pool, backbone, step) }
	o.Seed = options.Seed
	o.Describe = func(number int) []string {
		return drawnBy(pool, func(pool *Pool) { trunkBatch(pool, options, backbone, number) })
	}
	return loop.Run(ctx, trainer, func(number int) []*tensors.Tensor { return trunkBatch(pool, options, backbone, number) }, o, report)
}

// longestWarmUp is how long a warm-up of a training is that nobody chose.
func longestWarmUp(steps int) int { return steps/10 + 1 }

// warmUp is in how many steps the learning rate rises: of so few steps that little else would be left, fewer.
func (o TrunkOptions) warmUp() int {
	return cmp.Or(o.Loop.WarmUp, min(o.WarmUp, longestWarmUp(o.steps())))
}

// steps of both sizes.
func (o TrunkOptions) steps() int { return o.HalfSteps + o.FullSteps }

// batchOf is how many crops and whole photos a batch has: those of real photos where there are some, and a teacher.
func (o TrunkOptions) batchOf(pool *Pool) (crops, wholes int) {
	crops, wholes = 2*o.PaintedPairs, o.Scenes
	if len(pool.Wholes) > 0 {
		crops += 2 * o.RealPairs
		if len(pool.teacherDeviations) > 0 {
			wholes += o.RealScenes
		}
	}
	return crops, wholes
}

// cropSize is the size in pixels of the crops of a step.
func (o TrunkOptions) cropSize(backbone models.Backbone, step int) (height, width int) {
	height, width = o.Config.CropHeight, o.Config.CropWidth
	if step < o.HalfSteps {
		height, width = models.RoundUp(height/2, backbone.Stride), models.RoundUp(width/2, backbone.Stride)
	}
	return height, width
}

// stepCost is about what a step takes: the pixels of its crops, which are smaller at first, and of its whole photos, which
// are not.
func (o TrunkOptions) stepCost(pool *Pool, backbone models.Backbone, step int) float64 {
	crops, wholes := o.batchOf(pool)
	height, width := o.cropSize(backbone, step)
	cost := float64(crops * height * width)
	for _, scale := range o.Config.Scales {
		cost += float64(wholes*scale[0]*scale[1]) / float64(len(o.Config.Scales))
	}
	return cost
}

// trunkBatch is a function of the batch's number alone, so that a resumed run sees the very same batches.
func trunkBatch(pool *Pool, options TrunkOptions, backbone models.Backbone, number int) []*tensors.Tensor {
	rng := rand.New(rand.NewPCG(options.Seed, uint64(number)))
	config := options.Config
	height, width := options.cropSize(backbone, number/max(options.Loop.Accumulate, 1))
	painted, scenes := pool.paintedIndices()
	crops := pool.drawCrops(rng, painted, options.PaintedPairs, config, width, height, backbone)
	options.Mix.mix(rng, &crops, height, width)
	scale := config.Scales[rng.IntN(len(config.Scales))]
	whole := pool.drawScenes(rng, func() int { return scenes[rng.IntN(len(scenes))] }, options.Scenes, scale[0], scale[1], backbone)
	views := 0
	if len(pool.Wholes) > 0 {
		views = 2 * options.RealPairs
	}
	batch := append(crops.tensors(height, width, pool.labelCount()), positives(crops, views))
	batch = append(batch, whole.tensors(scale[0], scale[1])...)
	if views > 0 {
		components := len(pool.teacherDeviations)
		batch = append(batch, pool.drawViews(rng, views, true, height, width, backbone).tensors(height, width, components)...)
		if components > 0 {
			batch = append(batch, pool.drawViews(rng, options.RealScenes, false, scale[0], scale[1], backbone).tensors(scale[0], scale[1], components)...)
		}
	}
	return batch
}

// positives are those of painted crops and, behind them, of so many views of real photos, the two of a pair each
// other's: [crops + views, crops + views].
func positives(crops cropBatch, views int) *tensors.Tensor {
	n := crops.n + views
	all := make([]float32, n*n)
	for i := range crops.n {
		copy(all[i*n:], crops.positives[i*crops.n:(i+1)*crops.n])
	}
	for i := range views {
		all[(crops.n+i)*n+crops.n+i^1] = 1
	}
	return tensors.FromFlatDataAndDimensions(all, n, n)
}

// paintedIndices are the painted products and scenes.
func (p *Pool) paintedIndices() (products, scenes []int) {
	for i := range p.Products {
		products = append(products, i)
	}
	for i, s := range p.Scenes {
		if !s.Real {
			scenes = append(scenes, i)
		}
	}
	return products, scenes
}

// trunkLoss sums the losses of all heads. The inputs are trunkBatch's.
func trunkLoss(pool *Pool, config models.Config, backbone models.Backbone) models.LossFunc {
	return func(net *models.Net, inputs []*Node) []*Node {
		painted, targets, positives, scenes, truth, rest := inputs[0], inputs[1], inputs[2], inputs[3], inputs[4:9], inputs[9:]
		crops, wholes := painted, scenes
		paintedCrops, paintedScenes := painted.Shape().Dimensions[0], scenes.Shape().Dimensions[0]
		taught := len(rest) == 6
		if len(rest) > 0 {
			crops = Concatenate([]*Node{crops, rest[0]}, 0)
		}
		if taught {
			wholes = Concatenate([]*Node{wholes, rest[3]}, 0)
		}
		pass := config.CropPass(net.In("trunk"), backbone, crops)
		cells := config.Cells(pass.Features)
		z := models.Normalised(net.Linear("contrast", cells, projectionSize))
		contrast := models.SupervisedContrastive(z, positives, 0.1)
		facets := facetLoss(net, pool, Slice(cells, AxisRange(0, paintedCrops)), targets, 0, readsAll)
		if pass.Auxiliary != nil {
			auxiliary := facetLoss(models.AuxiliaryNet(net.In("trunk")), pool, Slice(pass.Auxiliary, AxisRange(0, paintedCrops)), targets, 0, readsAll)
			facets = Add(facets, MulScalar(auxiliary, models.AuxiliaryWeight))
		}

		wholeFeatures := backbone.Build(net.In("trunk"), wholes)
		foreground, box := locationLoss(net, Slice(wholeFeatures, AxisRange(0, paintedScenes)), truth)
		total := Add(Add(contrast, MulScalar(facets, 0.7)), Add(MulScalar(foreground, 0.5), MulScalar(box, 0.5)))
		if pass.Penalty != nil {
			total = Add(total, pass.Penalty)
		}
		losses := []*Node{contrast, facets, foreground, box}
		if taught {
			views := Slice(pass.Features, AxisRange(paintedCrops))
			ofCrops := teacherLoss(net, views, rest[1], rest[2])
			ofCells := teacherLoss(net, gridOf(views, config), gridOf(rest[1], config), gridOf(rest[2], config))
			ofScenes := teacherLoss(net, Slice(wholeFeatures, AxisRange(paintedScenes)), rest[4], rest[5])
			total = Add(total, Add(MulScalar(Add(ofCrops, ofCells), 3), MulScalar(ofScenes, 2)))
			losses = append(losses, ofCrops, ofCells, ofScenes)
		}
		if err := net.CheckInitial(); err != nil {
			panic(err)
		}
		return append([]*Node{total}, losses...)
	}
}

// gridOf averages features [batch, height, width, n] over the grid of the model's cells, which is what its heads read.
func gridOf(features *Node, config models.Config) *Node {
	d := features.Shape().Dimensions
	return Reshape(config.Cells(features), d[0], config.CellRows, config.CellColumns, d[3])
}

// teacherLoss is the weighted mean square of what the trunk's features [batch, rows, columns, channels], mapped
// linearly, lack to the teacher's components, [batch, rows, columns, components], whose own mean square is 1.
func teacherLoss(net *models.Net, features, targets, weights *Node) *Node {
	components := targets.Shape().Dimensions[3]
	said := net.ConvBias("teacher", features, components, 1, 1)
	perCell := ReduceMean(Square(Sub(said, targets)), -1)
	return Div(ReduceAllSum(Mul(perCell, Squeeze(weights, -1))), MaxScalar(ReduceAllSum(weights), 1e-6))
}

// readsAll is for facetLoss.
func readsAll(string) []float32 { return nil }

// facetLoss is the mean cross-entropy of the facets, of cells [batch, columns], of which each head reads those that reads
// says: see FacetLoss.reads. targets holds the facets' own behind each other, and focal is FacetLoss.Focal.
func facetLoss(net *models.Net, pool *Pool, cells, targets *Node, focal float64, reads func(facet string) []float32) *Node {
	var sum *Node
	at := 0
	for _, facet := range pool.Facets {
		n := len(facet.Labels)
		seen := cells
		if mask := reads(facet.Name); mask != nil {
			seen = Mul(cells, Const(cells.Graph(), [][]float32{mask}))
		}
		logits := models.FacetHead(net, facet.Name, seen, n)
		loss := models.FocalCrossEntropy(logits, Slice(targets, AxisRange(), AxisRange(at, at+n)), focal)
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
