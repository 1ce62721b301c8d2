package training

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/loop"
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

// roots takes the square root of each number, with its sign: see models.FacetConfig.Roots.
func roots(m linear.Matrix) {
	for i, v := range m.Data {
		root := math.Sqrt(math.Abs(float64(v)))
		m.Data[i] = float32(math.Copysign(root, float64(v)))
	}
}

// cellSource computes the cells of looks at a pool's crops, each look once: the stages that learn from a frozen trunk
// look at the same crops.
type cellSource struct {
	backend backends.Backend
	pool    *Pool
	model   *models.Model // its trunk does not change
	graph   func(pixels *Node) *Node
	// surroundings says that those of the dress stand behind a crop's cells.
	surroundings bool
	known        map[look][]float32
}

// newCellSource computes a crop's cells.
func newCellSource(backend backends.Backend, pool *Pool, model *models.Model) *cellSource {
	return &cellSource{backend, pool, model, model.CellsGraph, false, map[look][]float32{}}
}

// newFacetCellSource computes what the facets' heads read: a crop's cells, and behind them those of its surroundings where
// the pool keeps those.
func newFacetCellSource(backend backends.Backend, pool *Pool, model *models.Model) *cellSource {
	s := newCellSource(backend, pool, model)
	s.surroundings = pool.whole != [2]int{}
	return s
}

// newEmbeddingCellSource computes what the embeddings are made of.
func newEmbeddingCellSource(backend backends.Backend, pool *Pool, model *models.Model) *cellSource {
	return &cellSource{backend, pool, model, model.EmbeddingCellsGraph, false, map[look][]float32{}}
}

// around is how many of a look's columns are of surroundings.
func (s *cellSource) around() int {
	if !s.surroundings {
		return 0
	}
	return s.model.Config.SurroundingsCells()
}

// of returns the cells of each look, [looks, cells].
func (s *cellSource) of(ctx context.Context, looks []look, progress func(done, total int)) (linear.Matrix, error) {
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
		return linear.Matrix{}, err
	}
	m := linear.Matrix{Rows: len(looks)}
	for i, l := range looks {
		if m.Data == nil {
			m.Columns = len(s.known[l])
			m.Data = make([]float32, m.Rows*m.Columns)
		}
		copy(m.Row(i), s.known[l])
	}
	return m, nil
}

func (s *cellSource) compute(ctx context.Context, looks []look, progress func(done, total int)) error {
	config := s.model.Config
	stages := []cellStage{{s.graph, config.CropHeight, config.CropWidth, s.cropOf}}
	if s.surroundings {
		height, width := config.WholeSize()
		stages = append(stages, cellStage{s.model.SurroundingsGraph, height, width, s.wholeOf})
	}
	for n, stage := range stages {
		tell := func(done int) { progress((n*len(looks)+done)/len(stages), len(looks)) }
		if err := s.run(ctx, looks, stage, tell); err != nil {
			return err
		}
	}
	return nil
}

// cellStage is a network that looks at pictures of one size.
type cellStage struct {
	graph         func(pixels *Node) *Node
	height, width int
	// picture is what it sees at a look, and what that look's cells are of what it says.
	picture func(l look, height, width int) (*photo.Image, func(features []float32, shape []int) []float32)
}

// cropOf is a look at a crop, whose features are cells.
func (s *cellSource) cropOf(l look, height, width int) (*photo.Image, func(features []float32, shape []int) []float32) {
	rng := rand.New(rand.NewPCG(l.seed, uint64(l.crop)))
	m := l.jitter.look(rng, &s.pool.Crops[l.crop], s.model.Config.CropMargin, width, height)
	return m, func(features []float32, _ []int) []float32 { return slices.Clone(features) }
}

// surroundingsSeed tells looks at whole photos from those at their crops.
const surroundingsSeed = 1 << 32

// wholeOf is a look at the whole photo of a crop, of whose features the dress's surroundings are pooled.
func (s *cellSource) wholeOf(l look, height, width int) (*photo.Image, func(features []float32, shape []int) []float32) {
	rng := rand.New(rand.NewPCG(surroundingsSeed+l.seed, uint64(l.crop)))
	m, box, placement := l.jitter.whole(rng, &s.pool.Crops[l.crop], width, height)
	return m, func(features []float32, shape []int) []float32 {
		whole := models.WholeFeatures{Features: features, Rows: shape[1], Columns: shape[2], Stride: height / shape[1], Placement: placement}
		return s.model.Config.Surroundings.Cells(whole, box)
	}
}

// run adds to what is known of looks what a network sees at each.
func (s *cellSource) run(ctx context.Context, looks []look, stage cellStage, tell func(done int)) error {
	backbone, err := s.model.Trunk()
	if err != nil {
		return err
	}
	exec, err := NewExec(s.backend, stage.graph)
	if err != nil {
		return err
	}
	defer exec.Finalize()
	type input struct {
		pixels *tensors.Tensor
		cells  [cellBatch]func(features []float32, shape []int) []float32
	}
	size := stage.height * stage.width * 3
	batches := loop.Prefetch(ctx, 0, (len(looks)+cellBatch-1)/cellBatch, func(step int) input {
		var in input
		pixels := make([]float32, cellBatch*size)
		for i := range min(cellBatch, len(looks)-step*cellBatch) {
			var m *photo.Image
			m, in.cells[i] = stage.picture(looks[step*cellBatch+i], stage.height, stage.width)
			photo.Normalise(pixels[i*size:], m, backbone.Mean, backbone.Deviation)
		}
		in.pixels = tensors.FromFlatDataAndDimensions(pixels, cellBatch, stage.height, stage.width, 3)
		return in
	})
	done := 0
	for batch := range batches {
		output, err := exec.Exec1(batch.pixels)
		if err != nil {
			return err
		}
		data, err := tensors.CopyFlatData[float32](output)
		if err != nil {
			return err
		}
		each := len(data) / cellBatch
		for i := range min(cellBatch, len(looks)-done) {
			l := looks[done+i]
			s.known[l] = append(s.known[l], batch.cells[i](data[i*each:(i+1)*each], output.Shape().Dimensions)...)
		}
		done = min(done+cellBatch, len(looks))
		tell(done)
	}
	return ctx.Err()
}
