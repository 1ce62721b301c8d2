package training

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/report"
)

// calibrationFold is the fold of the real photos on which confidences are calibrated: the heads that
// are calibrated on it have not learned from it.
const calibrationFold = 0

// withoutFold ends the name of a stage that leaves out a fold.
func withoutFold(k int) string { return fmt.Sprintf("-without-fold-%d", k) }

// isWithoutFold says whether a stage's name ends so.
func isWithoutFold(stage string) bool {
	for k := range realFolds {
		if strings.HasSuffix(stage, withoutFold(k)) {
			return true
		}
	}
	return false
}

// heads trains heads on a frozen trunk and puts them into the model: facets first without the calibration
// fold, to fit temperatures and thresholds on it, then, with those, on everything. See location.
func (m *maker) heads(ctx context.Context, model *models.Model) error {
	if m.wants("projection", "deeprank") {
		model.Weights = model.Weights.WithoutOverrides()
	}
	if m.wants("projection") {
		if !m.wants("deeprank") {
			m.Logger.Warn("DeepRank is the unsupervised embedding again, since what it was made of changes: kleid train similarity trains both")
		}
		if err := m.stage(ctx, "projection", model, func() error { return m.projection(ctx, model) }); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(m.Heads, isLocationHead) {
		if err := m.location(ctx, model); err != nil {
			return err
		}
	}
	for _, excluded := range []int{calibrationFold, -1} {
		suffix := ""
		if excluded >= 0 && m.Reference != nil {
			suffix = withoutFold(excluded)
		}
		for _, s := range m.ofCrops(ctx, model, excluded) {
			if err := m.stage(ctx, s.name+suffix, model, s.run); err != nil {
				return err
			}
		}
	}
	if m.wants("projection", "deeprank", overrideHead) {
		return m.stage(ctx, overrideHead, model, func() error { return m.override(ctx, model) })
	}
	return nil
}

// headStage trains a head.
type headStage struct {
	name string
	run  func() error
}

// ofCrops are the stages of the wanted heads that read crops, without a fold of the real photos unless it is
// negative.
func (m *maker) ofCrops(ctx context.Context, model *models.Model, excluded int) []headStage {
	var wanted []headStage
	add := func(name string, run func() error) {
		if slices.Contains(m.Heads, name) {
			wanted = append(wanted, headStage{name, run})
		}
	}
	// Without real photos there is no fold to leave out: facets, which are calibrated on painted ones then, are trained
	// once, and so is DeepRank.
	if excluded >= 0 || m.Reference != nil {
		add("facets", func() error { return m.facets(ctx, model, excluded) })
	}
	if excluded < 0 || m.Reference != nil {
		add("deeprank", func() error { return m.deepRank(ctx, model, excluded) })
	}
	return wanted
}

// cellSource looks at the pool's crops with the model's trunk, which all heads share.
func (m *maker) cellSource(model *models.Model) *cellSource {
	if m.cells == nil {
		m.cells = newFacetCellSource(m.Backend, m.pool, model)
	}
	return m.cells
}

// embeddingCells are those that embeddings are made of.
func (m *maker) embeddingCells(model *models.Model) *cellSource {
	if m.embedded == nil {
		m.embedded = newEmbeddingCellSource(m.Backend, m.pool, model)
	}
	return m.embedded
}

// steps of a head, unless the options say otherwise.
func (m *maker) steps(own int) int {
	if m.Steps > 0 {
		return m.Steps
	}
	return own
}

func (m *maker) projection(ctx context.Context, model *models.Model) error {
	var painted, real []look
	for i, c := range m.pool.Crops {
		if c.Real {
			real = append(real, look{crop: i, jitter: realJitter})
		} else if i%2 == 0 { // a half is plenty for a covariance
			painted = append(painted, look{crop: i, jitter: paintedJitter})
		}
	}
	looks := real // where there are enough: painted dresses differ in other things than real ones
	if len(real) < 2*model.Config.EmbeddingSize {
		looks = append(painted, real...)
	}
	cells, err := m.embeddingCells(model).of(ctx, looks, m.counter("projection: cells"))
	if err != nil {
		return err
	}
	ofCells, ofTexture := model.Config.EmbeddingParts()
	if ofTexture > 0 {
		cells = cells.Part(0, cells.Columns-models.TextureFeatures)
	}
	weights, err := fitProjection(ctx, m.Backend, cells, model.Config.CellRows*model.Config.CellColumns, ofCells, m.counter("projection: components"))
	if err != nil {
		return err
	}
	delete(model.Weights, "texture.weight") // of a parent; there may be none now
	delete(model.Weights, "texture.bias")
	if ofTexture > 0 {
		var several []look
		for _, l := range looks {
			for l.seed = range uint64(textureLooks) {
				several = append(several, l)
			}
		}
		windows, err := newTextureSource(m.Backend, m.pool, model).of(ctx, several, m.counter("projection: texture"))
		if err != nil {
			return err
		}
		cloth, err := fitTexture(windows, ofTexture)
		if err != nil {
			return err
		}
		weights.Merge("", cloth)
	}
	identity := models.NewTensor(model.Config.EmbeddingSize, model.Config.EmbeddingSize)
	for i := range model.Config.EmbeddingSize {
		identity.Data[i*model.Config.EmbeddingSize+i] = 1
	}
	model.Weights.Merge("", weights)
	model.Weights["deeprank.weight"] = identity
	return nil
}

// facetSteps of the heads of all facets: with more, they know the few real photos by heart.
const facetSteps = 1000

func (m *maker) facets(ctx context.Context, model *models.Model, excluded int) error {
	samples, err := collectFacets(ctx, m.cellSource(model), func(c *Crop) bool {
		return !c.Real || c.Fold != excluded
	}, (*Crop).judged, 12, m.counter("facets: cells"))
	if err != nil {
		return err
	}
	roots(samples.cells)
	options := headOptions{Seed: 3 + m.Seed, Steps: m.steps(facetSteps), Batch: 128, LearningRate: 1e-3, RealShare: 0.6, Loop: m.headLoop()}
	classWeights, counts, err := m.Options.FacetLoss.classWeights(m.pool.Facets, samples)
	if err != nil {
		return err
	}
	for i, facet := range m.pool.Facets {
		for j, label := range facet.Labels {
			m.Logger.Info("class weight", "facet", facet.Name, "label", label, "real", counts.real[i][j], "weight", classWeights.real[i][j], "painted", counts.painted[i][j], "weight of painted", classWeights.painted[i][j])
			in := report.ClassWeight{Facet: facet.Name, Label: label, Samples: counts.painted[i][j], Weight: classWeights.painted[i][j]}
			if m.Reference != nil { // whose photos are fewer, and so what weights matter for
				in.Samples, in.Weight = counts.real[i][j], classWeights.real[i][j]
			}
			m.reportWeight(in)
		}
	}
	var held facetSamples
	if excluded >= 0 {
		if held, err = m.heldOutFacets(ctx, model, excluded); err != nil {
			return err
		}
		options.Loop.Validate, options.Loop.Metric = facetsMacroF1(m.pool, held), macroF1Name
	}
	weights, err := trainFacets(ctx, m.Backend, m.pool, samples, options, m.Options.FacetLoss, m.reporter("facets", []string{"loss"}))
	if err != nil {
		return err
	}
	model.Weights.Merge("", withoutUnread(m.pool, weights, m.Options.FacetLoss, samples.crop))
	if excluded < 0 {
		return nil
	}
	calibrated := calibrateFacets(m.pool, held, weights, 0.8)
	readSurroundings(calibrated, m.Options.FacetLoss, samples)
	model.Config.Facets = withTrained(model.Config.Facets, calibrated)
	var names []string
	for _, f := range calibrated {
		names = append(names, f.Name)
	}
	model.SetTrunk("", nil, names...) // what some of them may have had to themselves is not theirs any more
	for _, f := range calibrated {
		m.Logger.Info("calibrated", "facet", f.Name, "temperature", f.Temperature, "threshold", f.Threshold)
	}
	return nil
}

// heldOutFacets are samples that the heads do not learn from: of painted dresses, and of the real photos of a fold.
func (m *maker) heldOutFacets(ctx context.Context, model *models.Model, fold int) (facetSamples, error) {
	if m.heldCells == nil {
		m.heldCells = newFacetCellSource(m.Backend, m.held, model)
	}
	painted, err := collectFacets(ctx, m.heldCells, func(*Crop) bool { return true }, agreed, 1, m.counter("facets: calibration"))
	if err != nil {
		return facetSamples{}, err
	}
	real, err := collectFacets(ctx, m.cellSource(model), func(c *Crop) bool { return c.Real && c.Fold == fold }, agreed, heldLooks, m.counter("facets: calibration"))
	held := joined(painted, real)
	roots(held.cells)
	return held, err
}

// heldLooks is how many looks there are at a real photo that heads are calibrated with.
const heldLooks = 4

// agreed are the labels that measure: what most judges said.
func agreed(c *Crop, _ int) []int16 { return c.Labels }

func joined(a, b facetSamples) facetSamples {
	if len(b.labels) == 0 {
		return a
	}
	return facetSamples{
		crop:   a.crop,
		cells:  linear.Matrix{Rows: a.cells.Rows + b.cells.Rows, Columns: a.cells.Columns, Data: append(append([]float32(nil), a.cells.Data...), b.cells.Data...)},
		labels: append(append([][]int16(nil), a.labels...), b.labels...),
		real:   append(append([]bool(nil), a.real...), b.real...),
	}
}

func (m *maker) deepRank(ctx context.Context, model *models.Model, excluded int) error {
	triplets, held := m.triplets(excluded)
	samples, err := collectRanks(ctx, m.embeddingCells(model), triplets, m.counter("deeprank: embeddings"))
	if err != nil {
		return err
	}
	options := headOptions{Seed: 4 + m.Seed, Steps: m.steps(deepRankSteps(len(triplets), m.shopProducts())), Batch: deepRankBatch, LearningRate: 3e-4, Loop: m.headLoop()}
	var unseen linear.Matrix
	if len(held) > 0 {
		if unseen, err = m.tripletEmbeddings(ctx, model, held); err != nil {
			return err
		}
		options.Loop.Validate, options.Loop.Metric = rightTriplets(unseen), tripletsName
	}
	weights, err := trainDeepRank(ctx, m.Backend, m.pool, samples, m.Mining, options, m.reporter("deeprank", []string{"loss", "products", "people"}))
	if err != nil {
		return err
	}
	if len(held) > 0 {
		before, after := rightOf(unseen), rightOf(ranked(unseen, weights))
		m.Logger.Info("deeprank: judged triplets that were not learned from", "fold", excluded, "triplets", len(held), "right", after, "unsupervised", before)
		if after < before {
			m.Logger.Warn("deeprank finds fewer of them than the unsupervised embedding: the triplets contradict each other, or are too few")
		}
	}
	model.Weights.Merge("", weights)
	return nil
}

// shopProducts is how many of a shop's products are learned from.
func (m *maker) shopProducts() int {
	if m.Shop == nil {
		return 0
	}
	return m.Shop.Learned()
}

// tripletEmbeddings are the unsupervised embeddings of triplets' photos as they are, three rows for each.
func (m *maker) tripletEmbeddings(ctx context.Context, model *models.Model, triplets []cropTriplet) (linear.Matrix, error) {
	var looks []look
	for _, t := range triplets {
		for _, c := range t.Crops {
			looks = append(looks, look{crop: c})
		}
	}
	cells, err := m.embeddingCells(model).of(ctx, looks, m.counter("deeprank: photos to measure with"))
	if err != nil {
		return linear.Matrix{}, err
	}
	return project(cells, model.Weights), nil
}

// withTrained are a model's facets with those that were trained in their place, new ones behind.
func withTrained(model, trained []models.FacetConfig) []models.FacetConfig {
	configs := slices.Clone(model)
	for _, f := range trained {
		at := slices.IndexFunc(configs, func(c models.FacetConfig) bool { return c.Name == f.Name })
		if at < 0 {
			configs = append(configs, f)
		} else {
			configs[at] = f
		}
	}
	return configs
}
