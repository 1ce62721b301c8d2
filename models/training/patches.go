package training

import (
	"context"
	"math"
	"math/rand/v2"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/photo"
)

// patch is a part of a scene, as location looks at it a second time.
type patch struct {
	scene    int
	region   photo.Box
	mirrored bool
}

// patchJitter is how a patch's light changes.
var patchJitter = jitter{light: 0.1, tint: 0.03}

// cellsOf returns what the trunk sees in patches, each in a light of its own, which follows from the seed, in a basis that
// may be nil: [patches, cells of Model.RefineCellsGraph].
func (m *maker) cellsOf(ctx context.Context, model *models.Model, basis *linear.Basis, patches []patch, seed uint64, progress func(done, total int)) (linear.Matrix, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return linear.Matrix{}, err
	}
	exec, err := NewExec(m.Backend, model.RefineCellsGraph)
	if err != nil {
		return linear.Matrix{}, err
	}
	defer exec.Finalize()
	height, width := model.Config.PatchSize()
	size := height * width * 3
	batches := loop.Prefetch(ctx, 0, (len(patches)+cellBatch-1)/cellBatch, func(step int) []*tensors.Tensor {
		pixels := make([]float32, cellBatch*size)
		for i := range min(cellBatch, len(patches)-step*cellBatch) {
			number := step*cellBatch + i
			p := patches[number]
			image, _ := photo.Letterbox(m.pool.Scenes[p.scene].Image, p.region, width, height)
			patchJitter.relight(rand.New(rand.NewPCG(uint64(number), seed)), image)
			if p.mirrored {
				mirror(image)
			}
			photo.Normalise(pixels[i*size:], image, backbone.Mean, backbone.Deviation)
		}
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pixels, cellBatch, height, width, 3)}
	})
	columns := model.Config.Refine.Rows * model.Config.Refine.Columns * backbone.Channels
	var cells linear.Matrix
	for batch := range batches {
		output, err := exec.Exec1(batch[0])
		if err != nil {
			return linear.Matrix{}, err
		}
		data, err := tensors.CopyFlatData[float32](output)
		if err != nil {
			return linear.Matrix{}, err
		}
		more := min(cellBatch, len(patches)-cells.Rows)
		seen := basis.Reduce(linear.Matrix{Rows: more, Columns: columns, Data: data[:more*columns]})
		if cells.Data == nil { // hundreds of megabytes, and a quarter more if they grew
			cells.Data = make([]float32, 0, len(patches)*seen.Columns)
		}
		cells = linear.Matrix{Rows: cells.Rows + more, Columns: seen.Columns, Data: append(cells.Data, seen.Data...)}
		progress(cells.Rows, len(patches))
	}
	return cells, ctx.Err()
}

// shift is a box that is off by about so large a share of its size.
func shift(rng *rand.Rand, box photo.Box, far float64) photo.Box {
	w, h := float64(box.Width()), float64(box.Height())
	x, y := float64(box.XMin)+w/2+far*w*rng.NormFloat64(), float64(box.YMin)+h/2+far*h*rng.NormFloat64()
	cw, ch := w*math.Exp(1.2*far*rng.NormFloat64())/2, h*math.Exp(1.2*far*rng.NormFloat64())/2
	return photo.Box{XMin: int(math.Round(x - cw)), YMin: int(math.Round(y - ch)), XMax: int(math.Round(x + cw)), YMax: int(math.Round(y + ch))}
}
