package training

import (
	"math"

	"github.com/gomlx/gomlx/backends"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// FitConfidence fits how the evidence for a candidate becomes its confidence, on scenes that the
// location networks did not learn from: a logistic regression of whether the best candidate is a dress
// (overlaps the true box by half or more). Photos with and without a dress weigh the same.
func FitConfidence(backend backends.Backend, model *models.Model, scenes []Scene) (models.MergeConfig, error) {
	locator, err := embedding.NewLocator(backend, model)
	if err != nil {
		return models.MergeConfig{}, err
	}
	var evidence []models.Evidence
	var truth []bool
	const batch = 8
	for begin := 0; begin < len(scenes); begin += batch {
		part := scenes[begin:min(begin+batch, len(scenes))]
		images := make([]*photo.Image, len(part))
		for i := range part {
			images[i] = part[i].Image
		}
		places, err := locator.Locate(images)
		if err != nil {
			return models.MergeConfig{}, err
		}
		for i, p := range places {
			if len(p) == 0 {
				continue
			}
			evidence = append(evidence, p[0].Evidence)
			truth = append(truth, !part[i].Box.Empty() && p[0].Box.IoU(part[i].Box) >= 0.5)
		}
	}
	config := model.Config.Merge
	config.Calibration = logistic(evidence, truth)
	return config, nil
}

// logistic is a class-balanced logistic regression with a little ridge, by gradient descent: three
// features and a bias need nothing better.
func logistic(x []models.Evidence, truth []bool) [4]float64 {
	var count [2]float64
	for _, t := range truth {
		if t {
			count[1]++
		} else {
			count[0]++
		}
	}
	var w [4]float64
	const steps, rate, ridge = 20000, 0.5, 1e-4
	for range steps {
		var gradient [4]float64
		for i, e := range x {
			weight, target := 0.5/max(count[0], 1), 0.0
			if truth[i] {
				weight, target = 0.5/max(count[1], 1), 1
			}
			z := w[0] + w[1]*e[0] + w[2]*e[1] + w[3]*e[2]
			d := weight * (1/(1+math.Exp(-z)) - target)
			gradient[0] += d
			for j, v := range e {
				gradient[j+1] += d * v
			}
		}
		for j := range w {
			w[j] -= rate * (gradient[j] + ridge*w[j])
		}
	}
	return w
}
