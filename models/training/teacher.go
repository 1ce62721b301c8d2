package training

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// Teacher is a pretrained network that the trunk learns to see real photos like (https://arxiv.org/abs/1412.6550):
// no label of theirs is needed. It is Inception v3 as far as mixed_8.
type Teacher struct {
	Weights models.Weights // of the bare network, as models.LoadWeights returns them
	// Components is to how many numbers a cell of each of its stages is brought by a principal component analysis.
	Components int
}

const (
	teacherBackbone = "inception_v3_mixed8"
	// teacherStride and teacherDeepStride are those of the stages that are learned from: Mixed_6e and mixed_8.
	teacherStride, teacherDeepStride = 16, 32
	// teacherRim is how many pixels around a photo have no cell of their own: the middle of the first cell of
	// Mixed_6e is at pixel 21. So much grey is put around the photo.
	teacherRim = 21 - teacherStride/2
	// finer is how many pixels of its own the teacher should see for one of the trunk's.
	finer = 1.5
	// spread is the deviation of a component in the bytes that maps are kept in.
	spread = 32
)

// teacherSizes are those in which the teacher looks at photos, in cells of its stride; the
// first is for photos that are so large.
var teacherSizes = []struct{ rows, columns int }{{40, 30}, {28, 21}, {20, 15}, {14, 11}}

// featureMap is what the teacher sees of one photo in one size.
type featureMap struct {
	Placement     photo.Placement
	Rows, Columns int
	Cells         []byte // int8, [Rows, Columns, components], components of about the same deviation
}

// scale is how many pixels the teacher saw for one of the photo.
func (m *featureMap) scale() float64 {
	return float64(m.Placement.Inside.Height()) / float64(m.Placement.Region.Height())
}

// components are a stage's principal components.
type components struct {
	weights models.Weights
	scale   []float32 // of each, from the values to bytes and, upside down, back
}

// teacherNet runs the teacher.
type teacherNet struct {
	Teacher
	backend  backends.Backend
	backbone models.Backbone
	stages   [2]components
}

// deviations returns the deviation of each component of the maps' cells, such that the mean of their
// squares is 1 for each stage.
func (t *teacherNet) deviations() []float32 {
	var all []float32
	for _, s := range t.stages {
		for _, v := range s.scale {
			all = append(all, spread/v)
		}
	}
	return all
}

// teach lets the teacher look at whole real photos of the pool, in all sizes. What it sees, some gigabytes, is kept in
// bucket, and taken from there where the same teacher has seen the same photos.
func (p *Pool) teach(ctx context.Context, backend backends.Backend, teacher Teacher, bucket storage.Bucket, progress func(done, total int)) error {
	key := p.looksKey(teacher)
	if err := p.readLooks(ctx, bucket, key); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := p.look(ctx, backend, teacher, progress); err != nil {
		return fmt.Errorf("teacher: %w", err)
	}
	return p.keepLooks(ctx, bucket, key)
}

// look runs the teacher over the pool's photos.
func (p *Pool) look(ctx context.Context, backend backends.Backend, teacher Teacher, progress func(done, total int)) error {
	backbone, err := models.BackboneByName(teacherBackbone)
	if err != nil {
		return err
	}
	t := &teacherNet{Teacher: teacher, backend: backend, backbone: backbone}
	if err := t.fit(ctx, p.Wholes); err != nil {
		return err
	}
	total, done := 0, 0
	for _, w := range p.Wholes {
		total += len(sizesFor(w.Image))
	}
	for size := range teacherSizes {
		var at []int
		for i, w := range p.Wholes {
			if fits(w.Image, size) {
				at = append(at, i)
			}
		}
		err := t.look(ctx, p.Wholes, at, size, true, func(i int, placement photo.Placement, near, deep linear.Matrix) {
			p.Wholes[i].maps = append(p.Wholes[i].maps, t.keep(size, placement, near, deep))
			done++
			progress(done, total)
		})
		if err != nil {
			return err
		}
	}
	p.teacherDeviations = t.deviations()
	return nil
}

// fits says whether a photo is large enough for a size: it is not enlarged by more than a quarter. The smallest
// size is for all.
func fits(m *photo.Image, size int) bool {
	s := teacherSizes[size]
	scale := min(float64(s.rows*teacherStride)/float64(m.Height), float64(s.columns*teacherStride)/float64(m.Width))
	if size == 0 {
		return scale <= 1
	}
	return scale <= 1.25 || size == len(teacherSizes)-1
}

func sizesFor(m *photo.Image) []int {
	var all []int
	for size := range teacherSizes {
		if fits(m, size) {
			all = append(all, size)
		}
	}
	return all
}

// fit finds the principal components on some cells of some photos.
func (t *teacherNet) fit(ctx context.Context, wholes []Whole) error {
	const photos, cellsEach, size = 240, 60, 2
	var at []int
	for i := range min(photos, len(wholes)) {
		at = append(at, i*len(wholes)/min(photos, len(wholes)))
	}
	rng := rand.New(rand.NewPCG(7, 7))
	var sampled [2]linear.Matrix
	err := t.look(ctx, wholes, at, size, false, func(_ int, placement photo.Placement, near, deep linear.Matrix) {
		for s, m := range []linear.Matrix{near, deep} {
			for range cellsEach {
				sampled[s].Columns = m.Columns
				sampled[s].Rows++
				sampled[s].Data = append(sampled[s].Data, m.Row(rng.IntN(m.Rows))...)
			}
		}
	})
	if err != nil {
		return err
	}
	for s, m := range sampled {
		fitted, err := principalComponents(ctx, t.backend, m, t.Components, 0, nil) // what varies most matters most
		if err != nil {
			return err
		}
		embedded := fitted.Apply(m)
		_, deviation := linear.Moments(embedded, upTo(embedded.Rows))
		var mean float64
		for _, d := range deviation {
			mean += float64(d) * float64(d) / float64(len(deviation))
		}
		c := components{weights: models.Weights{"unsupervised.weight": fitted.Weight, "unsupervised.bias": fitted.Bias}}
		for _, d := range deviation {
			c.scale = append(c.scale, spread/(d/float32(math.Sqrt(mean))))
		}
		for _, w := range c.weights {
			for i := range w.Data {
				w.Data[i] /= float32(math.Sqrt(mean))
			}
		}
		t.stages[s] = c
	}
	return nil
}

// look runs the teacher over photos in one size. Of each photo it gives the cells of both stages, [cells,
// channels], or their components.
func (t *teacherNet) look(ctx context.Context, wholes []Whole, at []int, size int, project bool, seen func(i int, placement photo.Placement, near, deep linear.Matrix)) error {
	const batch = 8
	net := models.NewFrozenNet(t.Weights)
	rows, columns := teacherSizes[size].rows, teacherSizes[size].columns
	innerHeight, innerWidth := rows*teacherStride+1, columns*teacherStride+1
	height, width := innerHeight+2*teacherRim, innerWidth+2*teacherRim
	exec, err := NewExec(t.backend, func(x *Node) (near, deep *Node) {
		f := t.backbone.StageFeatures(net.InBFloat16(), x, 2, 3)
		for s := range f {
			d := f[s].Shape().Dimensions
			// The root tempers what few cells have much of.
			f[s] = Sqrt(models.ReLU(Reshape(ConvertDType(f[s], x.DType()), d[0]*d[1]*d[2], d[3])))
			if project {
				f[s] = models.NewFrozenNet(t.stages[s].weights).Linear("unsupervised", f[s], t.Components)
			}
		}
		return f[0], f[1]
	})
	if err != nil {
		return err
	}
	defer exec.Finalize()
	placements := make([]photo.Placement, len(at))
	batches := loop.Prefetch(ctx, 0, (len(at)+batch-1)/batch, func(step int) []*tensors.Tensor {
		pixels := make([]float32, batch*height*width*3)
		for b := range min(batch, len(at)-step*batch) {
			small, placement := photo.Letterbox(wholes[at[step*batch+b]].Image, wholes[at[step*batch+b]].Image.Frame(), innerWidth, innerHeight)
			placements[step*batch+b] = placement
			inner := make([]float32, innerHeight*innerWidth*3)
			photo.Normalise(inner, small, t.backbone.Mean, t.backbone.Deviation)
			for y := range innerHeight {
				copy(pixels[((b*height+y+teacherRim)*width+teacherRim)*3:], inner[y*innerWidth*3:(y+1)*innerWidth*3])
			}
		}
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pixels, batch, height, width, 3)}
	})
	step := 0
	for input := range batches {
		outputs, err := exec.Exec(input[0])
		if err != nil {
			return err
		}
		var both [2]linear.Matrix
		for s, o := range outputs {
			data, err := tensors.CopyFlatData[float32](o)
			if err != nil {
				return err
			}
			both[s] = linear.Matrix{Rows: o.Shape().Dimensions[0] / batch, Columns: o.Shape().Dimensions[1], Data: data}
		}
		for b := range min(batch, len(at)-step*batch) {
			part := func(m linear.Matrix) linear.Matrix {
				n := m.Rows * m.Columns
				return linear.Matrix{Rows: m.Rows, Columns: m.Columns, Data: m.Data[b*n : (b+1)*n]}
			}
			seen(at[step*batch+b], placements[step*batch+b], part(both[0]), part(both[1]))
		}
		step++
	}
	return ctx.Err()
}

// keep brings the deep stage's cells to the places of the near one's and both to bytes.
func (t *teacherNet) keep(size int, placement photo.Placement, near, deep linear.Matrix) featureMap {
	rows, columns := teacherSizes[size].rows, teacherSizes[size].columns
	n := t.Components
	m := featureMap{Placement: placement, Rows: rows, Columns: columns, Cells: make([]byte, rows*columns*2*n)}
	deepRows, deepColumns := (rows-1)/2, (columns-1)/2
	value := make([]float32, n)
	for r := range rows {
		for c := range columns {
			cell := m.Cells[(r*columns+c)*2*n:][:2*n]
			toBytes(cell[:n], near.Row(r*columns+c), t.stages[0].scale)
			// The middle of the deep stage's cell i is at that of the near stage's cell 2i+1.
			clear(value)
			bilinear(float64(r-1)/2, float64(c-1)/2, deepRows, deepColumns, func(cell int, share float32) {
				for i, v := range deep.Row(cell) {
					value[i] += share * v
				}
			})
			toBytes(cell[n:], value, t.stages[1].scale)
		}
	}
	return m
}

func toBytes(to []byte, from, scale []float32) {
	for i, v := range from {
		to[i] = byte(int8(math.Round(float64(max(-127, min(127, v*scale[i]))))))
	}
}

// bilinear gives the cells around a place in a grid, and their shares; beyond the outer cells are those.
func bilinear(row, column float64, rows, columns int, give func(cell int, share float32)) {
	row, column = max(0, min(float64(rows-1), row)), max(0, min(float64(columns-1), column))
	r, c := int(row), int(column)
	fr, fc := row-float64(r), column-float64(c)
	for dr, sr := range [2]float64{1 - fr, fr} {
		for dc, sc := range [2]float64{1 - fc, fc} {
			if sr*sc > 0 {
				give((r+dr)*columns+c+dc, float32(sr*sc))
			}
		}
	}
}
