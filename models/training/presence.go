package training

import (
	"context"
	"math/rand/v2"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// presenceStarts says at how many places a scene of a kind is looked at for whether it shows a dress, in how many
// scenes at most, and what all of them weigh; the kinds with a dress, and those without, a half.
var presenceStarts = map[sceneKind]struct {
	starts, scenes int
	share          float64
}{
	realDress: {6, 1 << 30, 0.35}, paintedDress: {1, 1000, 0.15},
	streetOther: {6, 1 << 30, 0.25}, homeOther: {1, 1500, 0.15}, paintedEmpty: {1, 1000, 0.1},
}

// fitPresence fits whether a patch shows a dress. It looks where a refiner would: at anchors and near them, and from
// there to where the sides lead, in photos with a dress and in those without. Patches drawn around true boxes, which
// photos without a dress do not have, would teach how such patches are placed.
func (m *maker) fitPresence(ctx context.Context, model *models.Model, sides, sidesBias *models.Tensor, excluded int) (w, b *models.Tensor, err error) {
	config, refine := model.Config, *model.Config.Refine
	rng := rand.New(rand.NewPCG(7, 7))
	height, width := config.PatchSize()
	var open []patch
	var boxes []photo.Box
	scenes := map[sceneKind]int{}
	for i := range m.pool.Scenes {
		s := &m.pool.Scenes[i]
		plan := presenceStarts[s.kind()]
		if excluded >= 0 && s.fold() == excluded || scenes[s.kind()] == plan.scenes {
			continue
		}
		scenes[s.kind()]++
		anchors := refine.AnchorBoxes(s.Image.Frame())
		for n := range plan.starts {
			box := anchors[rng.IntN(len(anchors))]
			if n < len(anchors) && plan.starts > 1 {
				box = anchors[n]
			} else {
				box = shift(rng, box, 0.1)
			}
			boxes = append(boxes, box)
			open = append(open, patch{scene: i})
		}
	}
	var shares weightShares
	cells, truth := matrix{}, matrix{columns: 1}
	for look := range embedding.MaxLooks {
		for i := range open {
			open[i].region = refine.Patch(boxes[i], width, height)
		}
		seen, err := m.cellsOf(ctx, model, open, 8+uint64(look), m.counter("refine: is there a dress"))
		if err != nil {
			return nil, nil, err
		}
		for i, p := range open {
			s := &m.pool.Scenes[p.scene]
			if box := refine.Box(answer(sides, sidesBias, seen.row(i)), p.region, s.Image.Frame()); !box.Empty() {
				boxes[i] = box
			}
			found, share := -1, presenceStarts[s.kind()].share
			var group any = s.kind()
			if !s.Box.Empty() {
				found = 1
				group = [2]int{int(s.kind()), nearest(refine.Anchors, shareOf(s.Box, s.Image.Frame()))} // dresses that fill photos and others weigh the same
				share /= float64(len(refine.Anchors))
			}
			shares.add(group, share, found < 0 || boxes[i].IoU(s.Box) >= 0.5)
			truth.data = append(truth.data, float32(found))
			truth.rows++
		}
		cells = matrix{cells.rows + seen.rows, seen.columns, append(cells.data, seen.data...)}
	}
	return ridge(m.Backend, cells, truth, shares.weights(), presenceLambda)
}

// answer is what a linear layer says of a row.
func answer(w, b *models.Tensor, row []float32) []float32 {
	out := make([]float32, len(b.Data))
	for o := range out {
		sum := float64(b.Data[o])
		for i, v := range row {
			sum += float64(w.Data[o*len(row)+i]) * float64(v)
		}
		out[o] = float32(sum)
	}
	return out
}
