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
	"github.com/kleid-search/kleid/photo/colour"
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
	graph   func(inputs []*Node) *Node
	// weighs says that the graph reads weights of places behind the pixels.
	weighs bool
	// surroundings says that those of the dress stand behind a crop's cells.
	surroundings bool
	known        map[look][]float32
}

// newCellSource computes a crop's cells.
func newCellSource(backend backends.Backend, pool *Pool, model *models.Model) *cellSource {
	return &cellSource{backend: backend, pool: pool, model: model, graph: ofPixels(model.CellsGraph), known: map[look][]float32{}}
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
	return newWeighingSource(backend, pool, model, model.EmbeddingCellsGraph)
}

// newTextureSource computes the texture of a crop's windows, one behind the other.
func newTextureSource(backend backends.Backend, pool *Pool, model *models.Model) *cellSource {
	return newWeighingSource(backend, pool, model, model.TextureGraph)
}

// newWeighingSource computes what a graph gives of a crop's pixels and the weights of its places, if the model has some.
func newWeighingSource(backend backends.Backend, pool *Pool, model *models.Model, of func(pixels, weights *Node) *Node) *cellSource {
	weighs := model.Config.WeighsPlaces()
	graph := func(inputs []*Node) *Node {
		if weighs {
			return of(inputs[0], inputs[1])
		}
		return of(inputs[0], nil)
	}
	return &cellSource{backend: backend, pool: pool, model: model, graph: graph, weighs: weighs, known: map[look][]float32{}}
}

// ofPixels is a graph that reads nothing else.
func ofPixels(graph func(pixels *Node) *Node) func(inputs []*Node) *Node {
	return func(inputs []*Node) *Node { return graph(inputs[0]) }
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
	stages := []cellStage{{s.graph, config.CropHeight, config.CropWidth, s.weighs, s.cropOf}}
	if s.surroundings {
		height, width := config.WholeSize()
		stages = append(stages, cellStage{ofPixels(s.model.SurroundingsGraph), height, width, false, s.wholeOf})
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
	graph         func(inputs []*Node) *Node
	height, width int
	weighs        bool // it reads weights of places as well
	see           func(l look, height, width int) sight
}

// sight is what there is to see at a look.
type sight struct {
	picture       *photo.Image
	inside, frame photo.Box // of the picture: where the crop is, and what is photo
	// cells are the look's, of what the network says.
	cells func(features []float32, shape []int) []float32
}

// likelihoods are those of the picture's pixels to be dress, by their colours. A crop is a dress's box that is larger on each
// side by a margin.
func (s sight) likelihoods(margin float64) []float32 {
	box := s.inside.Grow(-margin / (1 + 2*margin))
	return colour.Divide(s.picture, box, s.frame.Intersect(s.inside)).Likelihood()
}

// cropOf is a look at a crop, whose features are cells.
func (s *cellSource) cropOf(l look, height, width int) sight {
	rng := rand.New(rand.NewPCG(l.seed, uint64(l.crop)))
	m, inside, frame := l.jitter.lookWithin(rng, &s.pool.Crops[l.crop], s.model.Config.CropMargin, width, height)
	return sight{m, inside, frame, func(features []float32, _ []int) []float32 { return slices.Clone(features) }}
}

// surroundingsSeed tells looks at whole photos from those at their crops.
const surroundingsSeed = 1 << 32

// wholeOf is a look at the whole photo of a crop, of whose features the dress's surroundings are pooled.
func (s *cellSource) wholeOf(l look, height, width int) sight {
	rng := rand.New(rand.NewPCG(surroundingsSeed+l.seed, uint64(l.crop)))
	m, box, placement := l.jitter.whole(rng, &s.pool.Crops[l.crop], width, height)
	return sight{picture: m, cells: func(features []float32, shape []int) []float32 {
		whole := models.WholeFeatures{Features: features, Rows: shape[1], Columns: shape[2], Stride: height / shape[1], Placement: placement}
		return s.model.Config.Surroundings.Cells(whole, box)
	}}
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
		tensors []any
		cells   [cellBatch]func(features []float32, shape []int) []float32
	}
	size, rows, columns := stage.height*stage.width*3, stage.height/backbone.Stride, stage.width/backbone.Stride
	batches := loop.Prefetch(ctx, 0, (len(looks)+cellBatch-1)/cellBatch, func(step int) input {
		var in input
		pixels := make([]float32, cellBatch*size)
		weights := make([]float32, cellBatch*rows*columns)
		for i := range min(cellBatch, len(looks)-step*cellBatch) {
			seen := stage.see(looks[step*cellBatch+i], stage.height, stage.width)
			in.cells[i] = seen.cells
			photo.Normalise(pixels[i*size:], seen.picture, backbone.Mean, backbone.Deviation)
			if stage.weighs {
				copy(weights[i*rows*columns:], s.model.Config.PlaceWeights(seen.likelihoods(s.model.Config.CropMargin), backbone.Stride))
			}
		}
		in.tensors = []any{tensors.FromFlatDataAndDimensions(pixels, cellBatch, stage.height, stage.width, 3)}
		if stage.weighs {
			in.tensors = append(in.tensors, tensors.FromFlatDataAndDimensions(weights, cellBatch, rows, columns))
		}
		return in
	})
	done := 0
	for batch := range batches {
		output, err := exec.Exec1(batch.tensors...)
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
