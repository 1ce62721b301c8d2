package training

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/loop"
)

// facetSamples are what heads read of crops, with their labels, ready to fit heads on.
type facetSamples struct {
	cells  linear.Matrix
	crop   int // how many of cells' columns are of crops; those of their surroundings stand behind
	labels [][]int16
	real   []bool
	crops  []int // of the pool
}

// collectFacets takes the cells of the crops that keep wants and the labels that labels gives each look at them, where
// there are any: one look at each painted one, realLooks at each real one.
func collectFacets(ctx context.Context, cells *cellSource, keep func(c *Crop) bool, labels func(c *Crop, look int) []int16, realLooks int, progress func(done, total int)) (facetSamples, error) {
	pool := cells.pool
	var looks []look
	var s facetSamples
	for i := range pool.Crops {
		c := &pool.Crops[i]
		if !keep(c) {
			continue
		}
		count, j := 1, paintedJitter
		if c.Real {
			count, j = realLooks, facetJitter
		}
		for n := range count {
			own := labels(c, n)
			if !anyLabel(own) {
				continue
			}
			looks = append(looks, look{crop: i, jitter: j, seed: uint64(n)})
			s.labels = append(s.labels, own)
			s.real = append(s.real, c.Real)
			s.crops = append(s.crops, i)
		}
	}
	err := s.look(ctx, cells, looks, progress)
	return s, err
}

// look takes the cells of looks.
func (s *facetSamples) look(ctx context.Context, cells *cellSource, looks []look, progress func(done, total int)) (err error) {
	s.cells, err = cells.of(ctx, looks, progress)
	s.crop = s.cells.Columns - cells.around()
	return err
}

// facetJitter is how heads look at real photos: the box moves as location's does.
var facetJitter = jitter{shift: 0.03, flip: 0.5, light: 0.1, tint: 0.03}

func labelled(c *Crop) bool { return anyLabel(c.Labels) }

func anyLabel(labels []int16) bool {
	return slices.ContainsFunc(labels, func(l int16) bool { return l >= 0 })
}

// trainFacets fits a linear head for each facet on the cells of painted and real crops.
func trainFacets(ctx context.Context, backend backends.Backend, pool *Pool, samples facetSamples, options headOptions, loss FacetLoss, report func(loop.Progress)) (models.Weights, error) {
	weights, _, err := loss.classWeights(pool.Facets, samples)
	if err != nil {
		return nil, err
	}
	real, painted := sampleGroup{share: options.RealShare}, sampleGroup{share: 1 - options.RealShare}
	for i, r := range samples.real {
		if r {
			real.samples = append(real.samples, i)
		} else {
			painted.samples = append(painted.samples, i)
		}
	}
	weighting := func(sample int) [][]float64 {
		if samples.real[sample] {
			return weights.real
		}
		return weights.painted
	}
	return fitFacets(ctx, backend, pool, samples, []sampleGroup{real, painted}, zeroFacets(pool, samples.cells.Columns), weighting, options, loss, report)
}

// sampleGroup is a share of each batch.
type sampleGroup struct {
	samples []int
	share   float64
}

// draw draws a sample, of a group by its share.
func draw(rng *rand.Rand, groups []sampleGroup) int {
	total := 0.0
	for _, g := range groups {
		total += g.share
	}
	at, drawn := rng.Float64()*total, groups[len(groups)-1]
	for _, g := range groups {
		if at < g.share {
			drawn = g
			break
		}
		at -= g.share
	}
	return drawn.samples[rng.IntN(len(drawn.samples))]
}

// fitFacets fits a linear head for each facet on the cells, from initial weights. Cells are standardised for the
// fit, and the standardisation is folded into the weights. weighting gives the weights of labels in a sample's loss.
func fitFacets(ctx context.Context, backend backends.Backend, pool *Pool, samples facetSamples, groups []sampleGroup, initial models.Weights, weighting func(sample int) [][]float64, options headOptions, loss FacetLoss, report func(loop.Progress)) (models.Weights, error) {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g sampleGroup) bool { return len(g.samples) == 0 })
	if len(groups) == 0 {
		return nil, errors.New("there are no photos with a label to learn from")
	}
	mean, deviation := linear.Moments(samples.cells, learnedFrom(groups))
	columns, labels := samples.cells.Columns, pool.labelCount()
	initial = standardised(pool, initial, mean, deviation)
	reads := func(facet string) []float32 { return loss.reads(pool, facet, samples.crop, columns) }
	for _, facet := range pool.Facets {
		w := initial["facets."+facet.Name+".weight"]
		for j, read := range reads(facet.Name) {
			for o := range facet.Labels {
				w.Data[o*columns+j] *= read
			}
		}
	}
	trainer, err := models.NewTrainer(backend, func(net *models.Net, inputs []*Node) []*Node {
		return []*Node{facetLoss(net, pool, inputs[0], inputs[1], loss.Focal, reads)}
	}, models.TrainerOptions{Seed: options.Seed, WeightDecay: 0.3, Initial: initial, Update: options.Loop.Update})
	if err != nil {
		return nil, err
	}
	batches := func(step int) []*tensors.Tensor {
		rng := rand.New(rand.NewPCG(options.Seed, uint64(step)))
		x, y := make([]float32, options.Batch*columns), make([]float32, options.Batch*labels)
		for b := range options.Batch {
			i := draw(rng, groups)
			for j, v := range samples.cells.Row(i) {
				x[b*columns+j] = (v - mean[j]) / deviation[j]
			}
			pool.fillTarget(y[b*labels:(b+1)*labels], samples.labels[i], float32(loss.Smoothing), weighting(i))
		}
		return []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(x, options.Batch, columns),
			tensors.FromFlatDataAndDimensions(y, options.Batch, labels),
		}
	}
	if validate := options.Loop.Validate; validate != nil {
		options.Loop.Validate = func(ctx context.Context, weights models.Weights) (float64, error) {
			weights = weights.Clone()
			foldStandardisation(pool, weights, mean, deviation)
			return validate(ctx, weights)
		}
	}
	options.Loop.Describe = func(number int) (names []string) {
		rng := rand.New(rand.NewPCG(options.Seed, uint64(number)))
		for range options.Batch {
			names = append(names, pool.cropName(samples.crops[draw(rng, groups)]))
		}
		return names
	}
	weights, err := runHead(ctx, trainer, batches, options, report)
	if err != nil {
		return nil, err
	}
	foldStandardisation(pool, weights, mean, deviation)
	return weights, nil
}

func zeroFacets(pool *Pool, columns int) models.Weights {
	w := models.Weights{}
	for _, facet := range pool.Facets {
		w["facets."+facet.Name+".weight"] = models.NewTensor(len(facet.Labels), columns)
	}
	return w
}

// withoutUnread are heads of samples without the columns of surroundings, where they do not read those.
func withoutUnread(pool *Pool, heads models.Weights, loss FacetLoss, crop int) models.Weights {
	out := heads.Clone()
	for _, facet := range pool.Facets {
		name := "facets." + facet.Name + ".weight"
		w := out[name]
		if columns := w.Shape[1]; loss.Surroundings[facet.Name] == "" && crop < columns {
			own := models.NewTensor(len(facet.Labels), crop)
			for o := range facet.Labels {
				copy(own.Data[o*crop:(o+1)*crop], w.Data[o*columns:])
			}
			out[name] = own
		}
	}
	return out
}

// readSurroundings notes which facets do.
func readSurroundings(configs []models.FacetConfig, loss FacetLoss, samples facetSamples) {
	for i := range configs {
		configs[i].Surroundings = loss.Surroundings[configs[i].Name] != "" && samples.crop < samples.cells.Columns
	}
}

// calibrateFacets fits each facet's temperature (https://arxiv.org/abs/1706.04599) on samples that the heads
// did not learn from, and sets its threshold to the lowest probability from which at least
// `precision` of the predictions are right. Samples are of real photos where there are enough: of painted dresses heads
// know much more, and are surer of themselves.
func calibrateFacets(pool *Pool, samples facetSamples, weights models.Weights, precision float64) []models.FacetConfig {
	all, real := newJudgedLogits(pool), newJudgedLogits(pool)
	for i := range samples.labels {
		all.add(pool, samples, weights, i)
		if samples.real[i] {
			real.add(pool, samples, weights, i)
		}
	}
	for f := range pool.Facets {
		if len(real.truth[f]) >= heldLooks*leastJudged {
			all.logits[f], all.truth[f] = real.logits[f], real.truth[f]
		}
	}
	return all.calibrate(pool, precision, true)
}

// facetLogits is what a head says of cells.
func facetLogits(weights models.Weights, facet string, cells []float32) []float64 {
	w, b := weights["facets."+facet+".weight"], weights["facets."+facet+".bias"]
	logits := make([]float64, len(b.Data))
	for o := range logits {
		logits[o] = float64(b.Data[o])
		for j, v := range cells {
			logits[o] += float64(v) * float64(w.Data[o*len(cells)+j])
		}
	}
	return logits
}
