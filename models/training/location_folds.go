package training

import (
	"context"
	"slices"

	"github.com/kleid-search/kleid/models"
)

// locationSteps of the background and location networks.
const locationSteps = 600

// isLocationHead is whether a head says where the dress is.
func isLocationHead(name string) bool {
	return name == "background" || name == "location" || name == "refine"
}

// LearnsLocation says whether one of some heads, as in Options.Heads, says where the dress is.
func LearnsLocation(heads []string) bool {
	return heads == nil || slices.ContainsFunc(heads, isLocationHead)
}

// LearnsLocationAlone says whether all heads, of which there are some, say where the dress is, and so read whole photos alone.
func LearnsLocationAlone(heads []string) bool {
	return len(heads) > 0 && !slices.ContainsFunc(heads, func(head string) bool { return !isLocationHead(head) })
}

// location trains location on a frozen trunk. Confidences are fitted on photos that were not learned from: heads are
// trained without each fold of the real photos in turn, and then on all.
func (m *maker) location(ctx context.Context, model *models.Model) error {
	held, err := m.locationWithoutFolds(ctx, model)
	if err != nil {
		return err
	}
	return m.stage(ctx, "location", model, func() error {
		if err := m.locationHeads(ctx, model, -1); err != nil {
			return err
		}
		if held == nil {
			held = []*models.Model{model} // there are painted scenes alone, and held-out ones among those
		}
		return m.trust(ctx, held, model)
	})
}

// locationWithoutFolds returns models that have learned location without a fold each, fold 0 first; none without real
// photos. Their confidences are not fitted. It readies the model to refine.
func (m *maker) locationWithoutFolds(ctx context.Context, model *models.Model) ([]*models.Model, error) {
	if slices.Contains(m.Heads, "refine") {
		refine := models.DefaultRefineConfig()
		if model.Config.Refine != nil {
			refine = *model.Config.Refine
		}
		model.Config.Refine = &refine
	}
	if !m.photographed() {
		return nil, nil
	}
	var held []*models.Model
	for k := range realFolds {
		own := &models.Model{Config: model.Config, Weights: m.withoutTrained(model.Weights)}
		err := m.stage(ctx, "location"+withoutFold(k), own, func() error { return m.locationHeads(ctx, own, k) })
		if err != nil {
			return nil, err
		}
		held = append(held, own)
	}
	return held, nil
}

// withoutTrained are weights without those of location's heads that are trained: they may have learned from the very
// photos that are left out.
func (m *maker) withoutTrained(weights models.Weights) models.Weights {
	rest := weights.Clone()
	for _, head := range m.Heads {
		if isLocationHead(head) {
			for name := range rest.Sub(head + ".") {
				delete(rest, head+"."+name)
			}
		}
	}
	return rest
}

// locationHeads trains the heads of location without a fold; a negative one trains on all.
func (m *maker) locationHeads(ctx context.Context, model *models.Model, excluded int) error {
	if slices.Contains(m.Heads, "background") || slices.Contains(m.Heads, "location") {
		options := locationOptions{
			headOptions: headOptions{Seed: 2 + m.Seed, Steps: m.steps(locationSteps), Batch: 16, LearningRate: 1e-3, RealShare: 0.5, Loop: m.headLoop()},
			Excluded:    excluded,
			Background:  slices.Contains(m.Heads, "background"),
			Location:    slices.Contains(m.Heads, "location"),
		}
		weights, err := trainLocation(ctx, m.Backend, m.pool, model, options, m.reporter("location", []string{"loss", "foreground", "box"}))
		if err != nil {
			return err
		}
		model.Weights.Merge("", weights)
	}
	if slices.Contains(m.Heads, "refine") {
		return m.refine(ctx, model, excluded)
	}
	return nil
}
