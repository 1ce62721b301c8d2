package training

import (
	"context"
	"math/rand/v2"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/photo"
)

// presenceStarts says at how many places a scene of a kind is looked at for whether it shows a dress, in how many
// scenes at most, and what all of them weigh; the kinds with a dress, and those without, a half. Of those that are rare,
// mirrored patches are looked at as well.
var presenceStarts = map[sceneKind]struct {
	starts, scenes int
	mirrored       bool
	share          float64
}{
	homeDress: {6, 1 << 30, true, 0.175}, streetDress: {6, 1 << 30, true, 0.175}, paintedDress: {1, 1000, false, 0.15},
	streetOther: {6, 1 << 30, true, 0.25}, homeOther: {1, 1500, false, 0.15}, paintedEmpty: {1, 1000, false, 0.1},
}

// fitPresence fits whether a patch shows a dress. It looks where a refiner would: at anchors and near them, and from
// there to where the sides lead, in photos with a dress and in those without. Patches drawn around true boxes, which
// photos without a dress do not have, would teach how such patches are placed; so would sides that have learned where
// the photo's dress is. It also returns where looks at dresses have ended.
func (m *maker) fitPresence(ctx context.Context, model *models.Model, sides linear.Layer, excluded int) (linear.Layer, []lookEnd, error) {
	config, refine := model.Config, *model.Config.Refine
	unlearned := map[int]linear.Layer{-1: sides} // by the fold that they have not learned from
	for fold := range realFolds {
		if !m.photographed() {
			break
		}
		var err error
		if unlearned[fold], err = m.fitSides(ctx, model, excluded, fold); err != nil {
			return linear.Layer{}, nil, err
		}
	}
	rng := rand.New(rand.NewPCG(7, 7))
	height, width := config.PatchSize()
	var open []patch
	var boxes []photo.Box
	scenes := map[sceneKind]int{}
	for i := range m.pool.Scenes {
		s := &m.pool.Scenes[i]
		plan := presenceStarts[s.kind()]
		if excluded >= 0 && s.fold() == excluded || scenes[s.kind()] == plan.scenes || s.kind() == paintedDress && i%2 == 0 {
			continue // the sides have learned from even ones, see drawDresses
		}
		scenes[s.kind()]++
		anchors := refine.AnchorBoxes(s.Image.Frame())
		if len(anchors) == 0 { // in a photo of a few pixels
			continue
		}
		for n := range plan.starts {
			box := anchors[rng.IntN(len(anchors))]
			if n < len(anchors) && plan.starts > 1 {
				box = anchors[n]
			} else {
				box = shift(rng, box, 0.1).Intersect(s.Image.Frame())
			}
			boxes = append(boxes, box)
			open = append(open, patch{scene: i})
		}
	}
	var shares weightShares
	cells, truth := linear.Matrix{}, linear.Matrix{Columns: 1}
	learn := func(seen linear.Matrix, at []int) {
		if len(at) == 0 {
			return
		}
		for _, i := range at {
			s := &m.pool.Scenes[open[i].scene]
			found := float32(-1)
			if !s.Box.Empty() {
				found = 1
			}
			shares.add(s.kind(), presenceStarts[s.kind()].share, found < 0 || boxes[i].IoU(s.Box) >= 0.5)
			truth.Data = append(truth.Data, found)
			truth.Rows++
		}
		cells = linear.Matrix{Rows: cells.Rows + seen.Rows, Columns: seen.Columns, Data: append(cells.Data, seen.Data...)}
	}
	progress, looked := m.counter("refine: is there a dress"), 0
	for look := range uint64(embedding.MaxLooks) {
		var all, also []int
		var mirrored []patch
		for i := range open {
			open[i].region = refine.Patch(boxes[i], width, height)
			all = append(all, i)
			if presenceStarts[m.pool.Scenes[open[i].scene].kind()].mirrored {
				also = append(also, i)
				mirrored = append(mirrored, patch{open[i].scene, open[i].region, true})
			}
		}
		tell := func(done, _ int) { progress(looked+done, embedding.MaxLooks*(len(all)+len(also))) }
		seen, err := m.cellsOf(ctx, model, m.dresses.basis, open, 8+2*look, tell)
		if err != nil {
			return linear.Layer{}, nil, err
		}
		looked += len(all)
		turned, err := m.cellsOf(ctx, model, m.dresses.basis, mirrored, 9+2*look, tell)
		if err != nil {
			return linear.Layer{}, nil, err
		}
		looked += len(also)
		for i, p := range open {
			s := &m.pool.Scenes[p.scene]
			if box := refine.Box(unlearned[s.fold()].Of(seen.Row(i)), p.region, s.Image.Frame()); !box.Empty() {
				boxes[i] = box
			}
		}
		learn(seen, all)
		learn(turned, also)
	}
	presence, err := linear.Ridge(ctx, m.Backend, cells, truth, shares.weights(), presenceLambda, m.counter("refine: fitting presence"))
	if err != nil {
		return linear.Layer{}, nil, err
	}
	var ends []lookEnd
	for i, p := range open {
		if s := &m.pool.Scenes[p.scene]; !s.Box.Empty() && boxes[i].IoU(s.Box) >= leastEdgeOverlap {
			ends = append(ends, lookEnd{p.scene, boxes[i]})
		}
	}
	return presence, ends, nil
}
