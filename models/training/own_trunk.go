package training

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/photo"
)

// Of a trunk that facets have to themselves: photos in a batch, the learning rate, and the weights' decay.
const (
	ownTrunkBatch = 32
	ownTrunkRate  = 1e-3
	ownTrunkDecay = 0.05
	// ownTrunkMeasured is how many photos it is validated with at most.
	ownTrunkMeasured = 500
)

// ownTrunk is a trunk that facets have to themselves; the zero value is none.
type ownTrunk struct {
	name           string
	weights, heads models.Weights // heads' names are the model's
	checkpoint     string         // in Options.Work, until the model is there
}

// in is a model with this trunk in its place, to look at photos with.
func (t ownTrunk) in(model *models.Model) *models.Model {
	if t.weights == nil {
		return model
	}
	weights := models.Weights{}
	weights.Merge("trunk.", t.weights)
	return &models.Model{Config: model.Config, Weights: weights}
}

// trainOwnTrunk trains a trunk with the mixture's facets, from the one that they read so far, on the photos that are
// not for the fit of temperatures.
func (m *maker) trainOwnTrunk(ctx context.Context, photos *FacetPhotos, weighting [][]float64) (ownTrunk, error) {
	var names []string
	for _, f := range photos.mixture.Plan.Facets {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	name, start := strings.Join(names, "+"), photos.mixture.Plan.Start
	from := m.From.WithTrunk(start)
	config := from.Config
	backbone, err := config.Trunk()
	if err != nil {
		return ownTrunk{}, err
	}
	groups := make([]sampleGroup, len(photos.mixture.Parts))
	inputs := sha256.New()
	for i, part := range photos.mixture.Parts {
		groups[i].share = part.Weight
		fmt.Fprintln(inputs, part.Weight)
	}
	for i := range m.pool.Crops {
		c := &m.pool.Crops[i]
		if !labelled(c) {
			continue
		}
		fmt.Fprintf(inputs, "%d %d %v %v %x\n", c.Part, c.Fold, c.Labels, c.Box, sha256.Sum256(c.Image.Pix))
		if c.Fold != 0 {
			groups[c.Part].samples = append(groups[c.Part].samples, i)
		}
	}
	groups = slices.DeleteFunc(groups, func(g sampleGroup) bool { return len(g.samples) == 0 })
	if len(groups) == 0 {
		return ownTrunk{}, errors.New("there are too few photos with a label to train a trunk from")
	}
	fmt.Fprintln(inputs, stagesVersion, from.EmbeddingModel(), from.FacetHeads(), m.pool.Facets, weighting, m.FacetLoss, m.Trunk.Mix, m.OwnTrunk, m.Loop.Identity(), m.Seed)

	columns := config.CellRows * config.CellColumns * backbone.Channels
	initial := photos.mixture.Plan.Initial(m.From, start, columns, columns)
	initial.Merge("trunk.", from.Weights.Sub("trunk."))
	loss := func(net *models.Net, inputs []*Node) []*Node {
		pass := config.CropPass(net.In("trunk"), backbone, inputs[0])
		facets := facetLoss(net, m.pool, config.Cells(pass.Features), inputs[1], m.FacetLoss.Focal, readsAll)
		total := facets
		if pass.Auxiliary != nil {
			total = Add(total, MulScalar(facetLoss(models.AuxiliaryNet(net.In("trunk")), m.pool, pass.Auxiliary, inputs[1], m.FacetLoss.Focal, readsAll), models.AuxiliaryWeight))
		}
		if pass.Penalty != nil {
			total = Add(total, pass.Penalty)
		}
		return []*Node{total, facets}
	}
	trainer, err := models.NewTrainer(m.Backend, loss, models.TrainerOptions{Initial: initial, Seed: 6 + m.Seed, WeightDecay: ownTrunkDecay, Update: m.Loop.Update})
	if err != nil {
		return ownTrunk{}, err
	}
	batches := func(pool *Pool, number int) []*tensors.Tensor {
		rng := rand.New(rand.NewPCG(6+m.Seed, uint64(number)))
		b := pool.drawLabelled(rng, groups, weighting, float32(m.FacetLoss.Smoothing), config, backbone)
		m.Trunk.Mix.mix(rng, &b, config.CropHeight, config.CropWidth)
		return b.tensors(config.CropHeight, config.CropWidth, pool.labelCount())
	}
	o := m.Loop
	o.Steps, o.Rate, o.Photos, o.Seed = m.OwnTrunk, cmp.Or(o.Rate, ownTrunkRate), ownTrunkBatch, m.Seed
	o.Bucket, o.Key = m.Work, fmt.Sprintf("stages/own-trunk-%x.checkpoint.safetensors", inputs.Sum(nil)[:6])
	o.Describe = func(number int) []string { return drawnBy(m.pool, func(pool *Pool) { batches(pool, number) }) }
	o.KeepLast = true // for what follows may fail, and takes its time
	if held := m.ownTrunkHeld(); len(held) > 0 {
		o.Validate, o.Metric = m.ownTrunkMacroF1(from, held), macroF1Name
	}
	weights, err := loop.Run(ctx, trainer, func(number int) []*tensors.Tensor { return batches(m.pool, number) }, o, m.reporter("trunk of the facets", []string{"loss", "facets"}))
	if err != nil {
		return ownTrunk{}, err
	}
	heads := models.Weights{}
	heads.Merge("facets.", weights.Sub("facets."))
	return ownTrunk{name, weights.WithoutAuxiliary().Sub("trunk."), heads, o.Key}, nil
}

// ownTrunkHeld are crops that the trunk does not learn from, real ones where there are such, and not more than take little
// time. Temperatures are fitted to those as well, so that a trunk that stops early by them is a little surer of itself
// than it should be.
func (m *maker) ownTrunkHeld() []int {
	var real, painted []int
	for i := range m.pool.Crops {
		switch c := &m.pool.Crops[i]; {
		case !labelled(c) || c.Fold != 0:
		case c.Real:
			real = append(real, i)
		default:
			painted = append(painted, i)
		}
	}
	if len(real) > 0 {
		painted = real
	}
	return evenly(painted, ownTrunkMeasured)
}

// evenly takes so many at most, evenly.
func evenly(all []int, most int) []int {
	n := min(len(all), most)
	taken := make([]int, n)
	for i := range taken {
		taken[i] = all[i*len(all)/n]
	}
	return taken
}

// ownTrunkMacroF1 measures a trunk and its heads on photos that they do not learn from. It is loop.Options.Validate.
func (m *maker) ownTrunkMacroF1(from *models.Model, held []int) func(ctx context.Context, weights models.Weights) (float64, error) {
	var s facetSamples
	var looks []look
	for _, i := range held {
		looks = append(looks, look{crop: i})
		s.labels = append(s.labels, m.pool.Crops[i].Labels)
	}
	return func(ctx context.Context, weights models.Weights) (float64, error) {
		own := weights.WithoutAuxiliary()
		var err error
		s.cells, err = newCellSource(m.Backend, m.pool, &models.Model{Config: from.Config, Weights: own}).of(ctx, looks, func(int, int) {})
		if err != nil {
			return 0, err
		}
		return facetsMacroF1(m.pool, s)(ctx, own)
	}
}

// drawLabelled draws photos of groups with their labels.
func (p *Pool) drawLabelled(rng *rand.Rand, groups []sampleGroup, weighting [][]float64, smoothing float32, config models.Config, backbone models.Backbone) cropBatch {
	height, width, labels := config.CropHeight, config.CropWidth, p.labelCount()
	b := cropBatch{
		n:       ownTrunkBatch,
		pixels:  make([]float32, ownTrunkBatch*height*width*3),
		targets: make([]float32, ownTrunkBatch*labels), positives: make([]float32, ownTrunkBatch*ownTrunkBatch),
	}
	for i := range b.n {
		at := draw(rng, groups)
		p.noteCrop(at)
		image := ownTrunkJitter.look(rng, &p.Crops[at], config.CropMargin, width, height)
		photo.Normalise(b.pixels[i*height*width*3:], image, backbone.Mean, backbone.Deviation)
		p.fillTarget(b.targets[i*labels:(i+1)*labels], p.Crops[at].Labels, smoothing, weighting)
	}
	return b
}

// ownTrunkJitter is how photos are changed that a trunk learns facets from: strongly, since it sees few of them often,
// but for their colours, which may be what a facet tells.
var ownTrunkJitter = jitter{shift: 0.06, flip: 0.5, light: 0.2, tint: 0.04, erase: 0.3}
