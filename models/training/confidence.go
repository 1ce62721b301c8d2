package training

import (
	"context"
	"math"
	"slices"

	"github.com/gomlx/gomlx/backends"
	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// trial is the best candidate of a scene that the location networks have not learned from.
type trial struct {
	fold  int // of the scene, -1 for a painted one
	kind  sceneKind
	place models.Place
	found bool // it is a dress: it overlaps the true box by half or more
}

// try locates the dresses of scenes, and tells how many are done. Scenes without any candidate tell nothing and are left out.
func try(ctx context.Context, backend backends.Backend, model *models.Model, pool *Pool, scenes []int, tell func(done int)) ([]trial, error) {
	locator, err := embedding.NewLocator(backend, model)
	if err != nil {
		return nil, err
	}
	var trials []trial
	const batch = 8
	for begin := 0; begin < len(scenes); begin += batch {
		part := scenes[begin:min(begin+batch, len(scenes))]
		images := make([]*photo.Image, len(part))
		for i, scene := range part {
			images[i] = pool.Scenes[scene].Image
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		places, err := locator.Locate(images)
		if err != nil {
			return nil, err
		}
		tell(begin + len(part))
		for i, scene := range part {
			s := &pool.Scenes[scene]
			if len(places[i]) == 0 {
				continue
			}
			best := places[i][0]
			trials = append(trials, trial{
				fold: s.fold(), kind: s.kind(), place: best,
				found: !s.Box.Empty() && best.Box.IoU(s.Box) >= 0.5,
			})
		}
	}
	return trials, nil
}

// tryFolds tries each model on the real scenes of the fold that it has not learned from, and the first one on painted
// scenes, of which none has learned.
func (m *maker) tryFolds(ctx context.Context, folds []*models.Model, progress func(done, total int)) ([]trial, error) {
	scenes, total := make([][]int, len(folds)), len(m.held.Scenes)
	for i := range m.pool.Scenes {
		if s := &m.pool.Scenes[i]; s.Real && s.fold() >= 0 && s.fold() < len(folds) {
			scenes[s.fold()] = append(scenes[s.fold()], i)
			total++
		}
	}
	var all []trial
	done := 0
	tried := func(model *models.Model, pool *Pool, scenes []int) error {
		trials, err := try(ctx, m.Backend, model, pool, scenes, func(n int) { progress(done+n, total) })
		all, done = append(all, trials...), done+len(scenes)
		return err
	}
	for k, model := range folds {
		if err := tried(model, m.pool, scenes[k]); err != nil {
			return nil, err
		}
	}
	var painted []int
	for i := range m.held.Scenes {
		painted = append(painted, i)
	}
	err := tried(folds[0], m.held, painted)
	return all, err
}

// trust fits how the evidence for a candidate becomes its confidence, for the models without a fold each and for the
// one that has learned from all of them, which may be nil. That of a model without a fold is fitted without that fold.
// Of models that refine there are two: one to choose the candidates that are looked at, by what the location networks say
// of them, and one of what all say together of where the looks end.
func (m *maker) trust(ctx context.Context, without []*models.Model, full *models.Model) error {
	everyone := slices.Clone(without)
	if full != nil && !slices.Contains(without, full) {
		everyone = append(everyone, full)
	}
	refine := make([]*models.RefineConfig, len(everyone))
	for i, model := range everyone {
		refine[i], model.Config.Refine = model.Config.Refine, nil
	}
	fit := func(look string, features func(trial) []float64, to func(model *models.Model, weights []float64)) error {
		if err := m.photos(ctx); err != nil {
			return err
		}
		trials, err := m.tryFolds(ctx, without, m.counter("location: how sure the "+look+" is"))
		if err != nil {
			return err
		}
		x := make([][]float64, len(trials))
		for i, t := range trials {
			x[i] = features(t)
		}
		for k, model := range everyone {
			if model == full {
				k = -1
			}
			weights := logistic(x, trials, k)
			to(model, weights)
			if model == everyone[len(everyone)-1] {
				m.Logger.Info("confidence", "calibration", weights)
			}
		}
		return nil
	}
	err := fit("first look", func(t trial) []float64 { return t.place.Evidence[:] }, func(model *models.Model, weights []float64) { copy(model.Config.Merge.Calibration[:], weights) })
	if err != nil || refine[0] == nil {
		return err
	}
	for i, model := range everyone {
		own := *refine[i]
		own.Sure, own.Hopeless = 0, 0 // which speak of what is fitted here
		own.Calibration = models.DefaultRefineConfig().Calibration
		model.Config.Refine = &own
	}
	err = fit("last look", func(t trial) []float64 { return append(t.place.Evidence[:], t.place.Present) }, func(model *models.Model, weights []float64) {
		copy(model.Config.Refine.Calibration[:], weights)
	})
	for i, model := range everyone {
		model.Config.Refine.Sure, model.Config.Refine.Hopeless = refine[i].Sure, refine[i].Hopeless
	}
	return err
}

// trialShares weigh the kinds of scenes, among those with a dress and those without.
var trialShares = map[sceneKind]float64{homeDress: 0.35, streetDress: 0.35, paintedDress: 0.3, streetOther: 0.5, homeOther: 0.3, paintedEmpty: 0.2}

// logistic is a logistic regression of whether a trial found a dress, with a little ridge, by Newton's method. It
// returns the bias and the features' weights. Trials that found one weigh as much as those that did not; those of
// the excluded fold do not count.
func logistic(x [][]float64, trials []trial, excluded int) []float64 {
	weights := make([]float64, len(trials))
	count := map[sceneKind]float64{}
	for _, t := range trials {
		if excluded < 0 || t.fold != excluded {
			count[t.kind]++
		}
	}
	var sum [2]float64
	for i, t := range trials {
		if excluded < 0 || t.fold != excluded {
			weights[i] = trialShares[t.kind] / count[t.kind]
			sum[class(t.found)] += weights[i]
		}
	}
	const ridge, steps = 1e-4, 25
	n := len(x[0]) + 1
	w := mat.NewVecDense(n, nil)
	for range steps {
		gradient, curvature := mat.NewVecDense(n, nil), mat.NewSymDense(n, nil)
		for i, features := range x {
			if weights[i] == 0 {
				continue
			}
			row := mat.NewVecDense(n, append([]float64{1}, features...))
			p := 1 / (1 + math.Exp(-mat.Dot(w, row)))
			weight := 0.5 * weights[i] / sum[class(trials[i].found)]
			gradient.AddScaledVec(gradient, weight*(p-float64(class(trials[i].found))), row)
			curvature.SymRankOne(curvature, weight*p*(1-p), row)
		}
		gradient.AddScaledVec(gradient, ridge, w)
		for i := range n {
			curvature.SetSym(i, i, curvature.At(i, i)+ridge)
		}
		var cholesky mat.Cholesky
		var step mat.VecDense
		if !cholesky.Factorize(curvature) || cholesky.SolveVecTo(&step, gradient) != nil {
			break // weights that are not finite: nothing was found, or nothing else
		}
		// Far from the optimum a whole step may lead away from it.
		w.AddScaledVec(w, -1/max(1, mat.Norm(&step, 2)/4), &step)
	}
	return w.RawVector().Data
}

func class(found bool) int {
	if found {
		return 1
	}
	return 0
}
