package training

import (
	"context"
	"fmt"

	"github.com/kleid-search/kleid/models"
)

// mixtureHeads are facets' heads that learn from what was seen of a mixture's crops.
type mixtureHeads struct {
	*maker
	mixture   Mixture
	trunk     ownTrunk
	samples   facetSamples
	weighting [][]float64 // of each facet's labels
}

// train returns the heads' weights, and what heads say of photos that they have not learned from: calibrationFolds times
// some learn without a part of the products, then all learn from all.
func (h *mixtureHeads) train(ctx context.Context, folds int) (models.Weights, *judgedLogits, error) {
	// The model's own heads may have learned from the very photos that are left out for the calibration.
	initial, anew := h.mixture.Plan.Initial(h.From, "", h.samples.crop, h.samples.cells.Columns), zeroFacets(h.pool, h.samples.cells.Columns)
	if h.trunk.heads != nil {
		initial, anew = h.trunk.heads, h.trunk.heads
	}
	unseen := newJudgedLogits(h.pool)
	unseenFolds := calibrationFolds
	if h.OwnTrunk > 0 {
		unseenFolds = 1 // the trunk has seen the others
	}
	for fold := range unseenFolds {
		weights, err := h.fit(ctx, fmt.Sprintf("facets, without part %d of %d", fold+1, folds), anew, fold)
		if err != nil {
			return nil, nil, err
		}
		unseen.addFold(h.pool, h.samples, weights, fold)
	}
	if h.trunk.heads != nil {
		// Heads that are fitted to what the trunk learned by heart may know less than those that learned with it. The
		// trunk of a training that stops early was chosen by these photos, which is a little in favour of its heads.
		own := newJudgedLogits(h.pool)
		own.addFold(h.pool, h.samples, h.trunk.heads, 0)
		h.Logger.Info("facets: photos that the trunk has not learned from", "right", unseen.accuracy(), "right_with_trunk_heads", own.accuracy())
		if judged := own.accuracy(); judged > 0 && judged >= unseen.accuracy() {
			return h.trunk.heads, own, nil
		}
	}
	weights, err := h.fit(ctx, "facets", initial, -1)
	return weights, unseen, err
}

// fit trains heads once, without a fold unless that is -1.
func (h *mixtureHeads) fit(ctx context.Context, title string, initial models.Weights, without int) (models.Weights, error) {
	options := headOptions{Seed: 3 + h.Seed, Steps: h.steps(ownSteps(len(h.samples.crops))), Batch: ownBatch, LearningRate: 1e-3}
	options.Loop = h.Options.Loop
	options.Loop.Bucket = h.Work
	stage := h.report.Train(h.current, title)
	if without >= 0 {
		stage.Rehearsal = true
		options.Loop.Validate, options.Loop.Metric = facetsMacroF1(h.pool, h.samples.only(h.samples.realIfAny(h.samples.measuring(h.pool, without)))), macroF1Name
		options.Loop.Patience, options.Loop.ValidateEvery = 0, 0
	}
	if h.trunk.weights != nil { // whose are the rate, its warm-up and the updates
		options.Loop.Rate, options.Loop.WarmUp, options.Loop.Accumulate, options.Loop.Update = 0, 0, 0, models.Update{}
	}
	groups := make([]sampleGroup, len(h.mixture.Parts))
	for i, part := range h.mixture.Parts {
		groups[i].share = part.Weight
	}
	for i, crop := range h.samples.crops {
		if c := &h.pool.Crops[crop]; c.Fold != without {
			groups[c.Part].samples = append(groups[c.Part].samples, i)
		}
	}
	weighting := func(int) [][]float64 { return h.weighting }
	return fitFacets(ctx, h.Backend, h.pool, h.samples, groups, initial, weighting, options, h.Options.FacetLoss, h.reporterOf(stage, []string{"loss"}))
}

// model is the one that trainings came from with these heads, calibrated by what they say of photos that they have not
// learned from.
func (h *mixtureHeads) model(weights models.Weights, unseen *judgedLogits) *models.Model {
	plan := h.mixture.Plan
	model := &models.Model{Config: h.From.Config, Weights: h.From.Weights.Clone()}
	for name := range weights {
		delete(model.Weights, name)
	}
	model.Config.Surroundings = h.FacetLoss.surroundings(h.From.Config, plan.Facets)
	model.Weights.Merge("", withoutUnread(h.pool, weights, h.FacetLoss, h.samples.crop))
	calibrated := unseen.calibrate(h.pool, 0.8, plan.Roots)
	for _, f := range calibrated {
		if f.Temperature > unsure {
			h.Logger.Warn(f.Name+": of photos that they did not learn from, heads say hardly more than chance would: its probabilities are low, and so are those of right answers; more photos of each label help", "temperature", f.Temperature)
		}
	}
	readSurroundings(calibrated, h.FacetLoss, h.samples)
	model.Config.Facets = withTrained(h.From.Config.Facets, calibrated)
	var names []string
	for _, f := range plan.Facets {
		names = append(names, f.Name)
	}
	model.SetTrunk(h.trunk.name, h.trunk.weights, names...)
	return model
}
