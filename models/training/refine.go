package training

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/photo"
)

// mostRefineChannels is how many numbers of a cell the second look is fitted to. The equations of a linear layer grow with
// the square of cells times channels: of a ResNet-50, which has 2,048 of them, they would take 19 GB, and its patches 7.
const mostRefineChannels = 256

// basisPatches are from how many patches a basis is learned at most.
const basisPatches = 1000

// Penalties of the two ridge regressions, of standardised cells and weights that sum to one: as good as any, by folds,
// over a factor of ten.
const sidesLambda, presenceLambda = 3, 30

// refine fits the head of the second look (see models.RefineConfig) without a fold; a negative one learns from all.
// That the dress's sides are linear in what the trunk sees of a patch is known since TiefVision and R-CNN
// (https://arxiv.org/abs/1311.2524), which also fits them by ridge regression.
func (m *maker) refine(ctx context.Context, model *models.Model, excluded int) error {
	refine := *model.Config.Refine
	if anchors := m.pool.anchors(excluded); len(anchors) > 0 {
		refine.Anchors = anchors
	}
	model.Config.Refine = &refine
	sides, err := m.fitSides(ctx, model, excluded)
	if err != nil {
		return err
	}
	presence, ends, err := m.fitPresence(ctx, model, sides, excluded)
	if err != nil {
		return err
	}
	joint, bias := models.NewTensor(5, sides.Weight.Shape[1]), models.NewTensor(5)
	copy(joint.Data, append(append([]float32(nil), sides.Weight.Data...), presence.Weight.Data...))
	joint = m.dresses.basis.Expand(joint)
	copy(bias.Data, append(append([]float32(nil), sides.Bias.Data...), presence.Bias.Data...))
	model.Weights.Merge("", models.Weights{"refine.weight": joint, "refine.bias": bias})
	return m.fitEdges(ctx, model, ends)
}

// dressPatches are patches with a dress about in their middle, and where in them the dress's sides are.
type dressPatches struct {
	patches []patch
	sides   linear.Matrix // in shares of the patch
	basis   *linear.Basis
	cells   linear.Matrix           // in the basis
	fits    map[string]linear.Layer // by the folds that they are without
}

// Of each real dress there are so many patches, of each painted one, of so many at most.
const (
	realDressPatches, paintedDressPatches = 16, 2
	paintedDresses                        = 2500
)

// dressShares are what all dresses of a kind weigh.
var dressShares = map[sceneKind]float64{homeDress: 0.4, streetDress: 0.3, paintedDress: 0.3}

// drawDresses draws patches of dresses; of painted scenes of the even ones, the others are for fitPresence.
func (p *Pool) drawDresses(config models.Config) dressPatches {
	rng := rand.New(rand.NewPCG(5, 5))
	height, width := config.PatchSize()
	d := dressPatches{sides: linear.Matrix{Columns: 4}, fits: map[string]linear.Layer{}}
	painted := 0
	for i := range p.Scenes {
		s := &p.Scenes[i]
		n := realDressPatches
		switch {
		case s.Box.Empty():
			continue
		case !s.Real && (painted == paintedDresses || i%2 != 0):
			continue
		case !s.Real:
			painted, n = painted+1, paintedDressPatches
		}
		for range n {
			region := config.Refine.Patch(nearby(rng, s.Box, s.Image.Frame()), width, height)
			sides, mirrored := sidesIn(region, s.Box), rng.IntN(2) == 0
			if mirrored {
				sides[0], sides[2] = 1-sides[2], 1-sides[0]
			}
			d.patches = append(d.patches, patch{i, region, mirrored})
			d.sides.Data = append(d.sides.Data, sides[:]...)
			d.sides.Rows++
		}
	}
	return d
}

// nearby is a box that is as far off as a candidate may be, in a photo of a frame.
func nearby(rng *rand.Rand, box, frame photo.Box) photo.Box {
	for range 8 { // few boxes are as far off as not to be tried again
		far := 0.05
		if rng.IntN(2) == 0 {
			far = 0.16
		}
		if c := shift(rng, box, far).Intersect(frame); c.IoU(box) >= 0.3 {
			return c
		}
	}
	return box
}

// sidesIn are where a box's sides are, in shares of a region.
func sidesIn(region, box photo.Box) [4]float32 {
	share := func(v, from, size int) float32 { return float32(v-from) / float32(size) }
	return [4]float32{
		share(box.XMin, region.XMin, region.Width()), share(box.YMin, region.YMin, region.Height()),
		share(box.XMax, region.XMin, region.Width()), share(box.YMax, region.YMin, region.Height()),
	}
}

// fitSides fits where in a patch the dress is, without some folds; negative ones are none.
func (m *maker) fitSides(ctx context.Context, model *models.Model, excluded ...int) (linear.Layer, error) {
	if m.dresses == nil { // the same for all folds
		d := m.pool.drawDresses(model.Config)
		var err error
		if d.basis, err = m.channelBasis(ctx, model, d.patches); err != nil {
			return linear.Layer{}, err
		}
		if d.cells, err = m.cellsOf(ctx, model, d.basis, d.patches, 6, m.counter("refine: patches of dresses")); err != nil {
			return linear.Layer{}, err
		}
		m.dresses = &d
	}
	excluded = slices.DeleteFunc(excluded, func(fold int) bool { return fold < 0 })
	slices.Sort(excluded)
	key := fmt.Sprint(slices.Compact(excluded))
	if fit, ok := m.dresses.fits[key]; ok {
		return fit, nil
	}
	var shares weightShares
	for _, p := range m.dresses.patches {
		s := &m.pool.Scenes[p.scene]
		shares.add(s.kind(), dressShares[s.kind()], !s.Real || !slices.Contains(excluded, s.fold()))
	}
	fit, err := linear.Ridge(ctx, m.Backend, m.dresses.cells, m.dresses.sides, shares.weights(), sidesLambda, m.counter("refine: fitting sides"))
	if err == nil {
		m.dresses.fits[key] = fit
	}
	return fit, err
}

// channelBasis is the basis for trunks of many channels, nil for others. It is learned from what the trunk sees in patches,
// not from where their dresses are, and so, like the trunk, it is one for all folds.
func (m *maker) channelBasis(ctx context.Context, model *models.Model, patches []patch) (*linear.Basis, error) {
	backbone, err := model.Trunk()
	if err != nil || backbone.Channels <= mostRefineChannels || len(patches) == 0 {
		return nil, err
	}
	var some []patch
	for i := 0; i < len(patches); i += max(1, len(patches)/basisPatches) {
		some = append(some, patches[i])
	}
	cells, err := m.cellsOf(ctx, model, nil, some, 6, m.counter("refine: a basis for the trunk's channels"))
	if err != nil {
		return nil, err
	}
	return linear.NewBasis(ctx, m.Backend, linear.Matrix{Rows: len(cells.Data) / backbone.Channels, Columns: backbone.Channels, Data: cells.Data}, mostRefineChannels)
}

// weightShares weighs samples such that those of a group have a share together.
type weightShares struct {
	groups []any
	shares []float64
	count  map[any]float64
}

// add adds a sample of a group with a share; one that does not count weighs nothing.
func (w *weightShares) add(group any, share float64, counts bool) {
	if w.count == nil {
		w.count = map[any]float64{}
	}
	if counts {
		w.count[group]++
	} else {
		share = 0
	}
	w.groups, w.shares = append(w.groups, group), append(w.shares, share)
}

func (w *weightShares) weights() []float32 {
	all := make([]float32, len(w.groups))
	for i, group := range w.groups {
		if w.shares[i] > 0 {
			all[i] = float32(w.shares[i] / w.count[group])
		}
	}
	return all
}
