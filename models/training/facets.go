package training

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
)

// FacetSamples are what heads read of crops, with their labels, ready to fit heads on.
type FacetSamples struct {
	cells  matrix
	crop   int // how many of cells' columns are of crops; those of their surroundings stand behind
	labels [][]int16
	real   []bool
	crops  []int // of the pool
}

// collectFacets takes the cells of the crops that keep wants and the labels that labels gives each look at them, where
// there are any: one look at each painted one, realLooks at each real one.
func collectFacets(ctx context.Context, cells *cellSource, keep func(c *Crop) bool, labels func(c *Crop, look int) []int16, realLooks int, progress func(done, total int)) (FacetSamples, error) {
	pool := cells.pool
	var looks []look
	var s FacetSamples
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
func (s *FacetSamples) look(ctx context.Context, cells *cellSource, looks []look, progress func(done, total int)) (err error) {
	s.cells, err = cells.of(ctx, looks, progress)
	s.crop = s.cells.columns - cells.around()
	return err
}

// facetJitter is how heads look at real photos: the box moves as location's does.
var facetJitter = jitter{shift: 0.03, flip: 0.5, light: 0.1, tint: 0.03}

func labelled(c *Crop) bool { return anyLabel(c.Labels) }

func anyLabel(labels []int16) bool {
	return slices.ContainsFunc(labels, func(l int16) bool { return l >= 0 })
}

// FacetLoss is how the facet heads' answers are judged, and what of a dress they answer from.
type FacetLoss struct {
	Weighting models.WeightingScheme
	// Given are class weights by hand: facet, then label.
	Given map[string]map[string]float64
	// Smoothing is the share of a target that all labels share.
	Smoothing float64
	// Focal is the exponent of models.FocalCrossEntropy.
	Focal float64
	// Upper is the share of a dress's height, from the top, that a facet shows in: its head reads no cells that lie below.
	// Facets that it does not have show anywhere. Trunks, which see it all, are trained without.
	Upper map[string]float64
	// Surroundings says which facets are read from what is around a dress, where the model sees it (models.Config): Also or
	// Alone. Others are read from the dress.
	Surroundings map[string]string
}

// Also and Alone are how facets are read from a dress's surroundings: beside the dress, or in its place.
const (
	Also  = "also"
	Alone = "alone"
)

// DefaultFacetLoss is that of the shipped model. Without weights, what is rare among real photos is hardly ever said.
// Of some hundred photos, heads learn that necklines and sleeves have to do with hems, if they see them; of thousands they
// learn that they have not. Whoever sees the knees knows how long a dress is.
func DefaultFacetLoss() FacetLoss {
	return FacetLoss{
		Weighting: models.EffectiveNumber, Smoothing: labelSmoothing,
		Upper:        map[string]float64{"neckline": 1.0 / 3, "sleeve": 2.0 / 3},
		Surroundings: map[string]string{"length": Also, "occasion": Alone},
	}
}

// DatasetFacetLoss is that of a shop's own photos, which may be thousands.
func DatasetFacetLoss() FacetLoss {
	loss := DefaultFacetLoss()
	loss.Upper, loss.Surroundings = nil, map[string]string{"length": Also, "occasion": Also}
	return loss
}

// Check says what cannot be, before photos are read.
func (l FacetLoss) Check(facets []catalog.Facet) error {
	for name := range l.Given {
		if !slices.ContainsFunc(facets, func(f catalog.Facet) bool { return f.Name == name }) {
			return fmt.Errorf("class weights: there is no facet %q", name)
		}
	}
	if !(l.Smoothing >= 0 && l.Smoothing < 1) {
		return fmt.Errorf("label smoothing is %v, but must be at least 0 and less than 1", l.Smoothing)
	}
	if !(l.Focal >= 0) {
		return fmt.Errorf("the focal exponent is %v, but must not be negative", l.Focal)
	}
	for _, name := range slices.Sorted(maps.Keys(l.Upper)) {
		if share := l.Upper[name]; !(share > 0 && share <= 1) {
			return fmt.Errorf("the upper part of a dress that %s shows in is %v, but must be more than 0 and at most 1", name, share)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Surroundings)) {
		if how := l.Surroundings[name]; how != Also && how != Alone {
			return fmt.Errorf("the surroundings of %s are read %q, but can be read %s or %s", name, how, Also, Alone)
		}
	}
	for _, facet := range facets {
		if _, err := l.weighting(facet).Weights(facet.Labels, make([]int, len(facet.Labels))); err != nil {
			return fmt.Errorf("%s: %w", facet.Name, err)
		}
	}
	return nil
}

// readsSurroundings says whether any of these facets does.
func (l FacetLoss) readsSurroundings(facets []catalog.Facet) bool {
	return slices.ContainsFunc(facets, func(f catalog.Facet) bool { return l.Surroundings[f.Name] != "" })
}

// surroundings is what a model of this configuration sees around a dress once these facets are trained: nothing, where no
// facet reads it.
func (l FacetLoss) surroundings(config models.Config, trained []catalog.Facet) *models.SurroundingsConfig {
	for _, own := range config.Facets {
		if own.Surroundings && !slices.ContainsFunc(trained, func(f catalog.Facet) bool { return f.Name == own.Name }) {
			return config.Surroundings
		}
	}
	if !l.readsSurroundings(trained) {
		return nil
	}
	seen := models.DefaultSurroundingsConfig()
	return &seen
}

// looking is the configuration of what these facets are trained on, which sees surroundings where one of them reads those.
func (l FacetLoss) looking(config models.Config, trained []catalog.Facet) models.Config {
	var seen *models.SurroundingsConfig
	if l.readsSurroundings(trained) {
		seen = l.surroundings(config, trained)
	}
	config.Surroundings = seen
	return config
}

// reads says which of a sample's columns, of which the first are of the crop, the facet's head reads, as ones and zeros; nil
// for all. Of the crop they are whole rows, from the top.
func (l FacetLoss) reads(pool *Pool, facet string, crop, columns int) []float32 {
	upper := crop
	if share, ok := l.Upper[facet]; ok && pool.cellRows > 0 {
		upper = int(math.Ceil(share*float64(pool.cellRows)-1e-9)) * crop / pool.cellRows
	}
	how, around := l.Surroundings[facet], crop
	if how != "" {
		around = columns
	}
	if how == Alone && crop < columns {
		upper = 0
	}
	if upper == crop && around == columns {
		return nil
	}
	mask := make([]float32, columns)
	for j := range mask {
		if j < upper || j >= crop && j < around {
			mask[j] = 1
		}
	}
	return mask
}

func (l FacetLoss) weighting(facet catalog.Facet) models.ClassWeighting {
	return models.ClassWeighting{Scheme: l.Weighting, Given: l.Given[facet.Name]}
}

// realAndPainted are numbers for each label of each facet, for the real samples and the painted ones: a label that is
// rare among real photos need not be among painted ones.
type realAndPainted[T any] struct{ real, painted [][]T }

func (r *realAndPainted[T]) add(real, painted []T) {
	r.real, r.painted = append(r.real, real), append(r.painted, painted)
}

// classWeights returns the weights of each facet's labels for the samples, and how many samples each has.
func (l FacetLoss) classWeights(facets []catalog.Facet, samples FacetSamples) (weights realAndPainted[float64], counts realAndPainted[int], err error) {
	for i, facet := range facets {
		real, painted := make([]int, len(facet.Labels)), make([]int, len(facet.Labels))
		for s, labels := range samples.labels {
			if labels[i] < 0 {
				continue
			}
			if samples.real[s] {
				real[labels[i]]++
			} else {
				painted[labels[i]]++
			}
		}
		ofReal, err := l.weighting(facet).Weights(facet.Labels, real)
		if err != nil {
			return weights, counts, fmt.Errorf("%s: %w", facet.Name, err)
		}
		ofPainted, err := l.weighting(facet).Weights(facet.Labels, painted)
		if err != nil {
			return weights, counts, fmt.Errorf("%s: %w", facet.Name, err)
		}
		counts.add(real, painted)
		weights.add(ofReal, ofPainted)
	}
	return weights, counts, nil
}

// TrainFacets fits a linear head for each facet on the cells of painted and real crops.
func TrainFacets(ctx context.Context, backend backends.Backend, pool *Pool, samples FacetSamples, options HeadOptions, loss FacetLoss, report func(Progress)) (models.Weights, error) {
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
	return fitFacets(ctx, backend, pool, samples, []sampleGroup{real, painted}, zeroFacets(pool, samples.cells.columns), weighting, options, loss, report)
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
func fitFacets(ctx context.Context, backend backends.Backend, pool *Pool, samples FacetSamples, groups []sampleGroup, initial models.Weights, weighting func(sample int) [][]float64, options HeadOptions, loss FacetLoss, report func(Progress)) (models.Weights, error) {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g sampleGroup) bool { return len(g.samples) == 0 })
	if len(groups) == 0 {
		return nil, errors.New("there are no photos with a label to learn from")
	}
	mean, deviation := moments(samples.cells, learnedFrom(groups))
	columns, labels := samples.cells.columns, pool.labelCount()
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
			for j, v := range samples.cells.row(i) {
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

// foldStandardisation makes heads of standardised cells heads of the cells as they are.
func foldStandardisation(pool *Pool, heads models.Weights, mean, deviation []float32) {
	for _, facet := range pool.Facets {
		w, b := heads["facets."+facet.Name+".weight"], heads["facets."+facet.Name+".bias"]
		for o := range facet.Labels {
			for j := range mean {
				w.Data[o*len(mean)+j] /= deviation[j]
				b.Data[o] -= w.Data[o*len(mean)+j] * mean[j]
			}
		}
	}
}

// standardised are heads that say of standardised cells what the given ones say of the cells.
func standardised(pool *Pool, heads models.Weights, mean, deviation []float32) models.Weights {
	out := heads.Clone()
	for _, facet := range pool.Facets {
		w, b := out["facets."+facet.Name+".weight"], out["facets."+facet.Name+".bias"]
		for o := range facet.Labels {
			for j := range mean {
				if b != nil {
					b.Data[o] += w.Data[o*len(mean)+j] * mean[j]
				}
				w.Data[o*len(mean)+j] *= deviation[j]
			}
		}
	}
	return out
}

func zeroFacets(pool *Pool, columns int) models.Weights {
	w := models.Weights{}
	for _, facet := range pool.Facets {
		w["facets."+facet.Name+".weight"] = models.NewTensor(len(facet.Labels), columns)
	}
	return w
}

// learnedFrom are the samples of all groups, in order.
func learnedFrom(groups []sampleGroup) []int {
	var samples []int
	for _, g := range groups {
		samples = append(samples, g.samples...)
	}
	slices.Sort(samples)
	return samples
}

// upTo are the numbers below n.
func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

// moments are the mean and the standard deviation of each column, over some rows.
func moments(m matrix, rows []int) (mean, deviation []float32) {
	sum, square := make([]float64, m.columns), make([]float64, m.columns)
	for _, i := range rows {
		for j, v := range m.row(i) {
			sum[j] += float64(v)
			square[j] += float64(v) * float64(v)
		}
	}
	mean, deviation = make([]float32, m.columns), make([]float32, m.columns)
	for j := range sum {
		mu := sum[j] / float64(len(rows))
		mean[j] = float32(mu)
		deviation[j] = float32(math.Sqrt(max(square[j]/float64(len(rows))-mu*mu, 1e-8)))
	}
	return mean, deviation
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
func readSurroundings(configs []models.FacetConfig, loss FacetLoss, samples FacetSamples) {
	for i := range configs {
		configs[i].Surroundings = loss.Surroundings[configs[i].Name] != "" && samples.crop < samples.cells.columns
	}
}

// Calibrate fits each facet's temperature (https://arxiv.org/abs/1706.04599) on samples that the heads
// did not learn from, and sets its threshold to the lowest probability from which at least
// `precision` of the predictions are right. Samples are of real photos where there are enough: of painted dresses heads
// know much more, and are surer of themselves.
func Calibrate(pool *Pool, samples FacetSamples, weights models.Weights, precision float64) []models.FacetConfig {
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
