package training

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/report"
)

// FacetFit is facet heads that are fitted to a mixture.
type FacetFit struct {
	// Model is as it is read back from its file, which is Options.Work's.
	Model *models.Model
	// Weights of the labels in force, with how many photos there are of each, and how many of them are painted.
	Weights []report.ClassWeight

	maker      *maker // whose report is gone on with
	checkpoint string // of an own trunk, "" without
}

// Measured puts figures of the model into the report.
func (f *FacetFit) Measured(facets []report.MeasuredFacet) {
	f.maker.report.Measured = facets
	f.maker.writeReport()
}

// Finish notes in the report how the measuring of the model ended, and deletes the checkpoint of an own trunk: whoever has
// measured the model need not train it again.
func (f *FacetFit) Finish(ctx context.Context, measuring error) error {
	if measuring != nil {
		measuring = measuringFailed(measuring)
	}
	f.maker.endReport(ctx, measuring)
	if measuring != nil || f.checkpoint == "" {
		return measuring
	}
	return f.maker.Work.Delete(ctx, f.checkpoint)
}

// looks at each photo of a mixture: so many in all, and so many at least and at most of each. Beyond, heads get
// no better.
const (
	wantedLooks = 12000
	leastLooks  = 3
	mostLooks   = 12
)

// ownBatch is how many looks a step takes in, and ownSteps how many steps heads take on so many looks: often enough
// through them all. With more, heads of few photos learn them by heart.
const ownBatch = 128

func ownSteps(looks int) int { return min(max(12*looks/ownBatch, 200), 1500) }

// FitFacets fits the heads of a mixture's facets to its photos, on the trunk of Options.From and from the weights
// of the labels that stay, and writes the model to Options.Work. The model's other facets stay as they are.
//
// Temperatures and thresholds are fitted to what heads say of photos that they have not learned from: three
// times, heads learn from two thirds of the products. Those of the model then learn from all. With
// Options.OwnTrunk a trunk of their own is trained first, and an eighth of the products is for its validation and for the
// fit alone; the heads that learned with it stay, unless ones that are fitted to it know those photos better. Its
// checkpoint stays until FacetFit.Finish.
func FitFacets(ctx context.Context, options Options, photos *FacetPhotos) (*FacetFit, error) {
	m := &maker{Options: options, pool: photos.pool}
	m.FacetLoss = options.facetLoss()
	m.report = m.openReport(ctx)
	// An earlier run may have been one of other facets.
	m.report.Stages = slices.DeleteFunc(m.report.Stages, func(s *report.Stage) bool { return s.Name == "facets" })
	m.beginStage("facets")
	fit, err := m.fitFacets(ctx, photos)
	m.endStage(ctx, err)
	if err != nil {
		m.endReport(ctx, err)
	}
	return fit, err
}

// facetLoss is that of a trunk of the facets' own, which learns where to look, in the crop, where there is one.
func (o Options) facetLoss() FacetLoss {
	loss := o.FacetLoss
	if o.OwnTrunk > 0 {
		loss.Upper, loss.Surroundings = nil, nil
	}
	return loss
}

func (m *maker) fitFacets(ctx context.Context, photos *FacetPhotos) (*FacetFit, error) {
	plan := photos.mixture.Plan
	if err := m.paintParts(ctx, photos.mixture.Parts); err != nil {
		return nil, err
	}
	weighting, inForce, err := m.weigh(photos.mixture.Parts)
	if err != nil {
		return nil, err
	}
	trunk := ownTrunk{}
	if m.OwnTrunk > 0 {
		if trunk, err = m.trainOwnTrunk(ctx, photos, weighting); err != nil {
			return nil, err
		}
	}
	looking := &models.Model{Config: m.FacetLoss.looking(m.From.Config, plan.Facets), Weights: m.From.Weights}
	samples, err := m.lookAtMixture(ctx, trunk.in(looking), len(photos.Learned))
	if err != nil {
		return nil, err
	}
	if plan.Roots {
		roots(samples.cells)
	}
	heads := mixtureHeads{maker: m, mixture: photos.mixture, trunk: trunk, samples: samples, weighting: weighting}
	weights, unseen, err := heads.train(ctx, photos.folds)
	if err != nil {
		return nil, err
	}
	model := heads.model(weights, unseen)
	model.Config.Learned = photos.learned(m.From.Config.Learned)
	var fingerprints []string
	for _, part := range photos.mixture.Parts {
		fingerprints = append(fingerprints, part.Dataset.Fingerprint)
	}
	m.note(model, fingerprints...)
	fit := &FacetFit{Weights: inForce, maker: m, checkpoint: trunk.checkpoint}
	fit.Model, err = m.save(ctx, model)
	return fit, err
}

// lookAtMixture takes the cells of all labelled crops: one look at each painted one, some at each of the real
// ones, the first as the model looks at it later.
func (m *maker) lookAtMixture(ctx context.Context, model *models.Model, real int) (facetSamples, error) {
	count := min(max(wantedLooks/max(real, 1), leastLooks), mostLooks)
	var looks []look
	var s facetSamples
	for i := range m.pool.Crops {
		c := &m.pool.Crops[i]
		if !labelled(c) {
			continue
		}
		own := []look{{crop: i, jitter: paintedJitter}}
		if c.Real {
			own = []look{{crop: i}}
			for n := 1; n < count; n++ {
				own = append(own, look{crop: i, jitter: facetJitter, seed: uint64(n)})
			}
		}
		for _, l := range own {
			looks = append(looks, l)
			s.labels, s.real, s.crops = append(s.labels, c.Labels), append(s.real, c.Real), append(s.crops, i)
		}
	}
	err := s.look(ctx, m.cellSource(model), looks, m.counter("looking at photos"))
	return s, err
}

// paintParts adds the studio's dresses to the pool.
func (m *maker) paintParts(ctx context.Context, parts []Part) error {
	for i, part := range parts {
		if !part.Painted {
			continue
		}
		first := len(m.pool.Crops)
		paint := m.Options.Paint
		paint.Seed += m.Seed
		if err := m.pool.Paint(ctx, paint, m.counter("painting")); err != nil {
			return err
		}
		for j := first; j < len(m.pool.Crops); j++ {
			m.pool.Crops[j].Part, m.pool.Crops[j].Fold = i, m.pool.Crops[j].Product%m.calibrationFolds()
		}
	}
	return nil
}

// weigh returns the weights of each facet's labels, for as many photos of each as a batch has of all.
func (m *maker) weigh(parts []Part) ([][]float64, []report.ClassWeight, error) {
	total := 0.0
	size := make([]int, len(parts))
	for i := range m.pool.Crops {
		size[m.pool.Crops[i].Part]++
	}
	for i, part := range parts {
		if size[i] > 0 {
			total += part.Weight
		}
	}
	var weights [][]float64
	var inForce []report.ClassWeight
	for f, facet := range m.pool.Facets {
		photos, painted, share := make([]int, len(facet.Labels)), make([]int, len(facet.Labels)), make([]float64, len(facet.Labels))
		for i := range m.pool.Crops {
			c := &m.pool.Crops[i]
			if label := c.Labels[f]; label >= 0 {
				photos[label]++
				if parts[c.Part].Painted {
					painted[label]++
				}
				share[label] += parts[c.Part].Weight / total / float64(size[c.Part])
			}
		}
		counts := make([]int, len(facet.Labels))
		for l, s := range share {
			if s > 0 {
				counts[l] = max(int(math.Round(s*float64(len(m.pool.Crops)))), 1)
			}
		}
		own, err := m.Options.FacetLoss.weighting(facet).Weights(facet.Labels, counts)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", facet.Name, err)
		}
		weights = append(weights, own)
		for l, label := range facet.Labels {
			w := report.ClassWeight{Facet: facet.Name, Label: label, Samples: photos[l], Weight: own[l], Painted: painted[l]}
			inForce = append(inForce, w)
			m.reportWeight(w)
		}
	}
	return weights, inForce, nil
}

// save writes a model to Options.Work and reads it back. It is written in float16 unless that would be another
// embedding: the index of the model that it was fitted to stays what it is.
func (m *maker) save(ctx context.Context, model *models.Model) (*models.Model, error) {
	embedding := model.EmbeddingModel()
	for _, precision := range []models.Precision{models.Float16, models.Float32} {
		b, saved, err := encoded(model, precision)
		if err != nil {
			return nil, err
		}
		if saved.EmbeddingModel() != embedding && precision != models.Float32 {
			continue
		}
		return saved, m.put(ctx, b)
	}
	panic("float32 is what the weights are")
}

// encoded is a model's file, and the model as it is read back.
func encoded(model *models.Model, precision models.Precision) (*bytes.Buffer, *models.Model, error) {
	var b bytes.Buffer
	if err := model.Encode(&b, precision); err != nil {
		return nil, nil, err
	}
	saved, err := models.Decode(b.Bytes())
	return &b, saved, err
}
