package training

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// look is one look at a crop: which, and how it is changed.
type look struct {
	crop   int
	jitter jitter
	seed   uint64
}

// cellBatch is how many crops are computed at once.
const cellBatch = 32

// matrix is rows of equal length.
type matrix struct {
	rows, columns int
	data          []float32
}

func (m matrix) row(i int) []float32 { return m.data[i*m.columns : (i+1)*m.columns] }

// normalise brings each row to length 1.
func (m matrix) normalise() {
	for i := range m.rows {
		row := blas32.Vector{N: m.columns, Inc: 1, Data: m.row(i)}
		blas32.Scal(1/max(blas32.Nrm2(row), 1e-6), row)
	}
}

// roots takes the square root of each number, with its sign: see models.FacetConfig.Roots.
func (m matrix) roots() {
	for i, v := range m.data {
		root := math.Sqrt(math.Abs(float64(v)))
		m.data[i] = float32(math.Copysign(root, float64(v)))
	}
}

// dot is the product of two rows: their cosine, where they have length 1.
func (m matrix) dot(i, j int) float32 {
	return blas32.Dot(blas32.Vector{N: m.columns, Inc: 1, Data: m.row(i)}, blas32.Vector{N: m.columns, Inc: 1, Data: m.row(j)})
}

// cellSource computes the cells of looks at a pool's crops, each look once: the stages that learn from a frozen trunk
// look at the same crops.
type cellSource struct {
	backend backends.Backend
	pool    *Pool
	model   *models.Model // its trunk does not change
	graph   func(pixels *Node) *Node
	known   map[look][]float32
}

// newCellSource computes what the facets' heads read.
func newCellSource(backend backends.Backend, pool *Pool, model *models.Model) *cellSource {
	return &cellSource{backend, pool, model, model.CellsGraph, map[look][]float32{}}
}

// newEmbeddingCellSource computes what the embeddings are made of.
func newEmbeddingCellSource(backend backends.Backend, pool *Pool, model *models.Model) *cellSource {
	return &cellSource{backend, pool, model, model.EmbeddingCellsGraph, map[look][]float32{}}
}

// of returns the cells of each look, [looks, cells].
func (s *cellSource) of(ctx context.Context, looks []look, progress func(done, total int)) (matrix, error) {
	var missing []look
	for _, l := range looks {
		if _, ok := s.known[l]; !ok {
			s.known[l] = nil // so that it is asked for once
			missing = append(missing, l)
		}
	}
	if err := s.compute(ctx, missing, progress); err != nil {
		for _, l := range missing {
			delete(s.known, l)
		}
		return matrix{}, err
	}
	m := matrix{rows: len(looks)}
	for i, l := range looks {
		if m.data == nil {
			m.columns = len(s.known[l])
			m.data = make([]float32, m.rows*m.columns)
		}
		copy(m.row(i), s.known[l])
	}
	return m, nil
}

func (s *cellSource) compute(ctx context.Context, looks []look, progress func(done, total int)) error {
	config := s.model.Config
	backbone, err := s.model.Trunk()
	if err != nil {
		return err
	}
	exec, err := NewExec(s.backend, s.graph)
	if err != nil {
		return err
	}
	defer exec.Finalize()
	size := config.CropHeight * config.CropWidth * 3
	batches := prefetch(ctx, 0, (len(looks)+cellBatch-1)/cellBatch, func(step int) []*tensors.Tensor {
		pixels := make([]float32, cellBatch*size)
		for i := range min(cellBatch, len(looks)-step*cellBatch) {
			l := looks[step*cellBatch+i]
			rng := rand.New(rand.NewPCG(l.seed, uint64(l.crop)))
			m := l.jitter.look(rng, &s.pool.Crops[l.crop], config.CropMargin, config.CropWidth, config.CropHeight)
			photo.Normalise(pixels[i*size:], m, backbone.Mean, backbone.Deviation)
		}
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pixels, cellBatch, config.CropHeight, config.CropWidth, 3)}
	})
	done := 0
	for batch := range batches {
		output, err := exec.Exec1(batch[0])
		if err != nil {
			return err
		}
		data, err := tensors.CopyFlatData[float32](output)
		if err != nil {
			return err
		}
		columns := output.Shape().Dimensions[1]
		for i := range min(cellBatch, len(looks)-done) {
			s.known[looks[done+i]] = data[i*columns : (i+1)*columns : (i+1)*columns]
		}
		done = min(done+cellBatch, len(looks))
		progress(done, len(looks))
	}
	return ctx.Err()
}
