package training

import (
	"context"
	"math/rand/v2"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// look is one look at a crop: which, and how it is changed.
type look struct {
	crop   int
	jitter jitter
	seed   uint64
}

// featureBatch is how many crops are computed at once.
const featureBatch = 32

// matrix is rows of equal length.
type matrix struct {
	rows, columns int
	data          []float32
}

func (m matrix) row(i int) []float32 { return m.data[i*m.columns : (i+1)*m.columns] }

// features computes a frozen graph of crops, such as Model.CellsGraph, for many looks.
func features(ctx context.Context, backend backends.Backend, pool *Pool, model *models.Model, graph func(pixels *Node) *Node, looks []look, progress func(done, total int)) (matrix, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return matrix{}, err
	}
	exec, err := NewExec(backend, graph)
	if err != nil {
		return matrix{}, err
	}
	defer exec.Finalize()
	height, width := model.Config.CropHeight, model.Config.CropWidth
	size := height * width * 3
	batches := prefetch(ctx, 0, (len(looks)+featureBatch-1)/featureBatch, func(step int) []*tensors.Tensor {
		pixels := make([]float32, featureBatch*size)
		for i := range min(featureBatch, len(looks)-step*featureBatch) {
			l := looks[step*featureBatch+i]
			rng := rand.New(rand.NewPCG(l.seed, uint64(l.crop)))
			m := l.jitter.look(rng, &pool.Crops[l.crop], model.Config.CropMargin, width, height)
			photo.Normalise(pixels[i*size:], m, backbone.Mean, backbone.Deviation)
		}
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pixels, featureBatch, height, width, 3)}
	})
	result := matrix{rows: len(looks)}
	done := 0
	for batch := range batches {
		output, err := exec.Exec1(batch[0])
		if err != nil {
			return matrix{}, err
		}
		data, err := tensors.CopyFlatData[float32](output)
		if err != nil {
			return matrix{}, err
		}
		if result.data == nil {
			result.columns = output.Shape().Dimensions[1]
			result.data = make([]float32, result.rows*result.columns)
		}
		copy(result.data[done*result.columns:], data)
		done = min(done+featureBatch, len(looks))
		progress(done, len(looks))
	}
	return result, ctx.Err()
}
