package training

import (
	"context"
	"errors"
	"hash/crc32"
	"path/filepath"
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
)

// realFolds is how many folds the real photos are parted into.
const realFolds = datasets.Folds

// FoldOf is the fold that an example belongs to: its own or, for those without, one by its file's name, so that heads
// which have not learned from it are known for each of them.
func FoldOf(e datasets.Example) int { return foldOf(e.Fold, e.Path) }

// TripletFold is FoldOf a triplet, by its query.
func TripletFold(t datasets.Triplet) int { return foldOf(t.Fold, t.Query.Name) }

func foldOf(own int, path string) int {
	if own < 0 {
		return int(crc32.ChecksumIEEE([]byte(filepath.Base(path))) % realFolds)
	}
	return own
}

// Folds trains the heads anew on the frozen trunk of Options.From, five times, each time without one fold of the real
// photos: the model of fold k has not learned from it. What is not among the heads stays as it is.
func Folds(ctx context.Context, options Options) ([]*models.Model, error) {
	m, err := newMaker(ctx, options)
	if err != nil {
		return nil, err
	}
	held, err := m.withoutFolds(ctx)
	m.endReport(ctx, err)
	return held, err
}

// withoutFolds is Folds, but for its report.
func (m *maker) withoutFolds(ctx context.Context) (held []*models.Model, err error) {
	if !m.photographed() || m.From == nil {
		return nil, errors.New("folds: they take real photos and a model whose heads are trained")
	}
	model := m.toTrain()
	if slices.ContainsFunc(m.Heads, isLocationHead) {
		if held, err = m.locationWithoutFolds(ctx, model); err != nil {
			return nil, err
		}
		if err := m.trust(ctx, held, nil); err != nil {
			return nil, err
		}
	} else {
		for range realFolds {
			held = append(held, &models.Model{Config: model.Config, Weights: model.Weights.Clone()})
		}
	}
	for k, own := range held {
		for _, s := range m.ofCrops(ctx, own, k) {
			if err := m.stage(ctx, s.name+withoutFold(k), own, s.run); err != nil {
				return nil, err
			}
		}
	}
	if slices.Contains(m.Heads, "facets") {
		rotateCalibrations(held)
	}
	return held, nil
}

// rotateCalibrations gives each model the temperatures and thresholds of the next one: its own were fitted to the photos
// that it is measured with.
func rotateCalibrations(folds []*models.Model) {
	first := folds[0].Config.Facets
	for k, model := range folds {
		if k == len(folds)-1 {
			model.Config.Facets = first
		} else {
			model.Config.Facets = folds[k+1].Config.Facets
		}
	}
}
