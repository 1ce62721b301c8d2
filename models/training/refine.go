package training

import (
	"context"
	"math"
	"math/rand/v2"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// patchSample is a patch of a scene, as location might look at it a second time.
type patchSample struct {
	scene  int
	region photo.Box
	sides  [4]float32 // of the dress, in shares of the patch
	dress  bool       // the patch is around one
	fold   int
	weight float32 // for whether there is a dress
}

// patchSamples are patches with what the trunk sees in them.
type patchSamples struct {
	all   []patchSample
	cells matrix
}

// How many patches of a scene there are.
const (
	realDressPatches, streetPatches, otherPatches, paintedPatches = 16, 6, 1, 2
	paintedScenes                                                 = 2500 // and as many without a dress, at most
)

// Shares of the weights by which it is told whether there is a dress; dresses have half.
const (
	realDressShare, paintedDressShare   = 0.35, 0.15
	streetShare, otherShare, emptyShare = 0.25, 0.15, 0.1
)

// sceneKind tells scenes apart that are weighed differently.
type sceneKind int

const (
	realDress sceneKind = iota
	paintedDress
	streetOther // a real photo without a dress that is evaluated with
	homeOther
	paintedEmpty
)

func (s *Scene) kind() sceneKind {
	switch {
	case s.Real && !s.Box.Empty():
		return realDress
	case s.Real && s.Fold >= 0:
		return streetOther
	case s.Real:
		return homeOther
	case s.Box.Empty():
		return paintedEmpty
	}
	return paintedDress
}

// drawPatches draws patches of all real scenes and of some painted ones: around dresses as location finds them, more
// or less far off, and where dresses might be in scenes without one.
func (p *Pool) drawPatches(config models.Config) []patchSample {
	rng := rand.New(rand.NewPCG(5, 5))
	byKind := map[sceneKind][]int{}
	for i := range p.Scenes {
		kind := p.Scenes[i].kind()
		byKind[kind] = append(byKind[kind], i)
	}
	var all []patchSample
	add := func(kind sceneKind, most, each int, share float32) {
		scenes := byKind[kind]
		scenes = scenes[:min(most, len(scenes))]
		for _, i := range scenes {
			for range each {
				s := patchSample{scene: i, fold: p.Scenes[i].fold(i), dress: kind == realDress || kind == paintedDress, weight: share / float32(len(scenes)*each)}
				candidate := p.Scenes[i].Box
				if !s.dress {
					candidate = p.likelyBox(rng, byKind, i)
				}
				s.region, s.sides = drawPatch(rng, config, candidate)
				all = append(all, s)
			}
		}
	}
	add(realDress, math.MaxInt, realDressPatches, realDressShare)
	add(streetOther, math.MaxInt, streetPatches, streetShare)
	add(homeOther, math.MaxInt, otherPatches, otherShare)
	add(paintedDress, paintedScenes, paintedPatches, paintedDressShare)
	add(paintedEmpty, paintedScenes, 1, emptyShare)
	return all
}

// fold is the scene's, or one of the five by its number for those without, so that something is known of photos that
// a head has not seen.
func (s *Scene) fold(number int) int {
	if s.Real && s.Fold < 0 {
		return number % realFolds
	}
	return s.Fold
}

// likelyBox is where the dress of another scene, real if this one is, would be in this one.
func (p *Pool) likelyBox(rng *rand.Rand, byKind map[sceneKind][]int, scene int) photo.Box {
	from := byKind[paintedDress]
	if p.Scenes[scene].Real && len(byKind[realDress]) > 0 {
		from = byKind[realDress]
	}
	frame := p.Scenes[scene].Image.Frame()
	if len(from) == 0 {
		return frame.Grow(-0.1)
	}
	other := &p.Scenes[from[rng.IntN(len(from))]]
	x, y := float64(frame.Width())/float64(other.Image.Width), float64(frame.Height())/float64(other.Image.Height)
	b := other.Box
	return photo.Box{XMin: int(x * float64(b.XMin)), YMin: int(y * float64(b.YMin)), XMax: int(x*float64(b.XMax)) + 1, YMax: int(y*float64(b.YMax)) + 1}
}

// drawPatch is a patch around a candidate that is some way off a box, and where in the patch the box's sides are.
func drawPatch(rng *rand.Rand, config models.Config, box photo.Box) (region photo.Box, sides [4]float32) {
	w, h := float64(box.Width()), float64(box.Height())
	candidate := box
	for range 8 { // few boxes are as far off as not to be tried again
		far := 0.05
		if rng.IntN(2) == 0 {
			far = 0.16
		}
		x, y := float64(box.XMin)+w/2+far*w*rng.NormFloat64(), float64(box.YMin)+h/2+far*h*rng.NormFloat64()
		cw, ch := w*math.Exp(1.2*far*rng.NormFloat64())/2, h*math.Exp(1.2*far*rng.NormFloat64())/2
		c := photo.Box{XMin: int(math.Round(x - cw)), YMin: int(math.Round(y - ch)), XMax: int(math.Round(x + cw)), YMax: int(math.Round(y + ch))}
		if c.IoU(box) >= 0.3 {
			candidate = c
			break
		}
	}
	region = config.Refine.Patch(candidate, config.CropWidth, config.CropHeight)
	share := func(v, from, size int) float32 { return float32(v-from) / float32(size) }
	sides = [4]float32{
		share(box.XMin, region.XMin, region.Width()), share(box.YMin, region.YMin, region.Height()),
		share(box.XMax, region.XMin, region.Width()), share(box.YMax, region.YMin, region.Height()),
	}
	return region, sides
}

// patchJitter is how a patch's light changes.
var patchJitter = jitter{light: 0.1, tint: 0.03}

// collectPatches draws patches and lets the model's trunk look at them.
func (p *Pool) collectPatches(ctx context.Context, m *maker, model *models.Model) (*patchSamples, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return nil, err
	}
	config := model.Config
	s := &patchSamples{all: p.drawPatches(config)}
	exec, err := NewExec(m.Backend, model.RefineCellsGraph)
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	size := config.CropHeight * config.CropWidth * 3
	batches := prefetch(ctx, 0, (len(s.all)+cellBatch-1)/cellBatch, func(step int) []*tensors.Tensor {
		pixels := make([]float32, cellBatch*size)
		for i := range min(cellBatch, len(s.all)-step*cellBatch) {
			number := step*cellBatch + i
			sample := &s.all[number]
			rng := rand.New(rand.NewPCG(uint64(number), 6))
			image, _ := photo.Letterbox(p.Scenes[sample.scene].Image, sample.region, config.CropWidth, config.CropHeight)
			patchJitter.relight(rng, image)
			if rng.IntN(2) == 0 {
				mirror(image)
				sample.sides[0], sample.sides[2] = 1-sample.sides[2], 1-sample.sides[0]
			}
			photo.Normalise(pixels[i*size:], image, backbone.Mean, backbone.Deviation)
		}
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pixels, cellBatch, config.CropHeight, config.CropWidth, 3)}
	})
	progress := m.counter("refine: patches")
	for batch := range batches {
		output, err := exec.Exec1(batch[0])
		if err != nil {
			return nil, err
		}
		data, err := tensors.CopyFlatData[float32](output)
		if err != nil {
			return nil, err
		}
		s.cells.columns = output.Shape().Dimensions[1]
		more := min(cellBatch, len(s.all)-s.cells.rows)
		s.cells.data = append(s.cells.data, data[:more*s.cells.columns]...)
		s.cells.rows += more
		progress(s.cells.rows, len(s.all))
	}
	return s, ctx.Err()
}

// Penalties of the two ridge regressions (see ridge).
const sidesLambda, presenceLambda = 3, 30

// refine fits the refining head without a fold of the real photos, or, if that is negative, on all of them.
func (m *maker) refine(ctx context.Context, model *models.Model, excluded int) error {
	if m.patches == nil {
		var err error
		if m.patches, err = m.pool.collectPatches(ctx, m, model); err != nil {
			return err
		}
	}
	s := m.patches
	n := len(s.all)
	sides, presence := matrix{n, 4, make([]float32, 4*n)}, matrix{n, 1, make([]float32, n)}
	ofSides, ofPresence := make([]float32, n), make([]float32, n)
	for i, sample := range s.all {
		copy(sides.row(i), sample.sides[:])
		presence.data[i] = -1
		if excluded >= 0 && sample.fold == excluded {
			continue
		}
		ofPresence[i] = sample.weight
		if sample.dress {
			presence.data[i] = 1
			ofSides[i] = sample.weight
		}
	}
	w, b, err := ridge(m.Backend, s.cells, sides, ofSides, sidesLambda)
	if err != nil {
		return err
	}
	wp, bp, err := ridge(m.Backend, s.cells, presence, ofPresence, presenceLambda)
	if err != nil {
		return err
	}
	joint := models.NewTensor(5, s.cells.columns)
	copy(joint.Data, w.Data)
	copy(joint.Data[len(w.Data):], wp.Data)
	bias := models.NewTensor(5)
	copy(bias.Data, append(b.Data, bp.Data...))
	model.Weights.Merge("", models.Weights{"refine.weight": joint, "refine.bias": bias})
	return nil
}
