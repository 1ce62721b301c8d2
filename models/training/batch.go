package training

import (
	"math/rand/v2"

	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// cropBatch is a batch of crops.
type cropBatch struct {
	pixels    []float32 // [n, height, width, 3]
	targets   []float32 // [n, labels of all facets], one-hot with smoothing, zero where unknown
	positives []float32 // [n, n], rows sum to one
	n         int
}

// labelSmoothing keeps the facet heads from being too sure (https://arxiv.org/abs/1512.00567).
const labelSmoothing = 0.05

// fillTarget writes the one-hot targets of all facets, smoothed (https://arxiv.org/abs/1512.00567), behind
// each other, times their labels' weights, which are nil for none.
func (p *Pool) fillTarget(dst []float32, labels []int16, smoothing float32, weights [][]float64) {
	at := 0
	for i, facet := range p.Facets {
		n := len(facet.Labels)
		if label := int(labels[i]); label >= 0 {
			weight := float32(1)
			if weights != nil {
				weight = float32(weights[i][label])
			}
			for l := range n {
				dst[at+l] = weight * smoothing / float32(n)
			}
			dst[at+label] += weight * (1 - smoothing)
		}
		at += n
	}
}

func (p *Pool) labelCount() int {
	n := 0
	for _, facet := range p.Facets {
		n += len(facet.Labels)
	}
	return n
}

// drawCrops assembles a batch for the trunk: so many of the painted products, each with its sibling where it has one
// and in two photos (one of the catalogue, one of a customer where there are both), which are each other's positives.
func (p *Pool) drawCrops(rng *rand.Rand, products []int, pairs int, config models.Config, width, height int, backbone models.Backbone) cropBatch {
	var drawn []int // crops
	seen := map[int]bool{}
	for len(drawn) < 2*pairs {
		product := products[rng.IntN(len(products))]
		for _, q := range []int{product, p.Siblings[product]} {
			if q < 0 || seen[q] || len(drawn) == 2*pairs {
				continue
			}
			seen[q] = true
			a, b := p.twoPhotos(rng, q)
			drawn = append(drawn, a, b)
		}
	}
	n := len(drawn)
	labels := p.labelCount()
	b := cropBatch{
		n:         n,
		pixels:    make([]float32, n*height*width*3),
		targets:   make([]float32, n*labels),
		positives: make([]float32, n*n),
	}
	for i, c := range drawn {
		p.noteCrop(c)
		m := paintedJitter.look(rng, &p.Crops[c], config.CropMargin, width, height)
		photo.Normalise(b.pixels[i*height*width*3:], m, backbone.Mean, backbone.Deviation)
		p.fillTarget(b.targets[i*labels:(i+1)*labels], p.Crops[c].Labels, labelSmoothing, nil)
		b.positives[i*n+(i^1)] = 1
	}
	return b
}

func (p *Pool) twoPhotos(rng *rand.Rand, product int) (int, int) {
	own := p.Products[product]
	a := own[rng.IntN(len(own))]
	for range 8 {
		b := own[rng.IntN(len(own))]
		if b != a && p.Crops[b].Query != p.Crops[a].Query {
			return a, b
		}
	}
	return a, own[rng.IntN(len(own))]
}

// sceneBatch is a batch of whole photos at one scale, with what the location networks should say.
type sceneBatch struct {
	pixels           []float32 // [n, height, width, 3]
	foreground       []float32 // [n, rows, columns, 1], 0 or 1
	foregroundWeight []float32 // [n, rows, columns, 1], balanced over the classes
	distances        []float32 // [n, rows, columns, 4], in pixels
	scale            []float32 // [n, rows, columns, 4], 1/width and 1/height of the box
	boxWeight        []float32 // [n, rows, columns, 1]
	n, rows, columns int
}

// rim is the share of the box's size, on each side, in which a cell is neither foreground nor
// background: there the box's corners are, and they show whatever is behind the dress.
const rim = 0.12

// drawScenes assembles n scenes, each the next one, zoomed and shifted, at a size in pixels.
func (p *Pool) drawScenes(rng *rand.Rand, next func() int, n, height, width int, backbone models.Backbone) sceneBatch {
	rows, columns := height/backbone.Stride, width/backbone.Stride
	cells := rows * columns
	b := sceneBatch{
		n: n, rows: rows, columns: columns,
		pixels: make([]float32, n*height*width*3), foreground: make([]float32, n*cells), foregroundWeight: make([]float32, n*cells),
		distances: make([]float32, n*cells*4), scale: make([]float32, n*cells*4), boxWeight: make([]float32, n*cells),
	}
	for i := range n {
		index := next()
		p.noteScene(index)
		s := &p.Scenes[index]
		zoom := 0.8 + 0.5*rng.Float64()
		w, h := zoom*float64(s.Image.Width), zoom*float64(s.Image.Height)
		x := (float64(s.Image.Width) - w) * rng.Float64()
		y := (float64(s.Image.Height) - h) * rng.Float64()
		region := photo.Box{XMin: int(x), YMin: int(y), XMax: int(x + w), YMax: int(y + h)}
		m, placement := photo.Letterbox(s.Image, region, width, height)
		box := s.Box
		if !box.Empty() {
			box = box.Intersect(region)
		}
		realJitter.relight(rng, m)
		var target photo.Box
		if !box.Empty() {
			target = placement.BoxFromPhoto(box)
		}
		if rng.IntN(2) == 0 {
			mirror(m)
			target.XMin, target.XMax = width-target.XMax, width-target.XMin
		}
		photo.Normalise(b.pixels[i*height*width*3:], m, backbone.Mean, backbone.Deviation)
		b.aim(i, target, box.Empty(), backbone.Stride)
	}
	b.balance()
	return b
}

// aim sets what each cell of photo i should say.
func (b *sceneBatch) aim(i int, box photo.Box, none bool, stride int) {
	inner := box.Grow(-rim)
	for r := range b.rows {
		for c := range b.columns {
			at := (i*b.rows+r)*b.columns + c
			x, y := (float32(c)+0.5)*float32(stride), (float32(r)+0.5)*float32(stride)
			inside := func(box photo.Box) bool {
				return x >= float32(box.XMin) && x < float32(box.XMax) && y >= float32(box.YMin) && y < float32(box.YMax)
			}
			b.foregroundWeight[at] = 1
			if none {
				continue
			}
			switch {
			case inside(inner):
				b.foreground[at] = 1
				b.boxWeight[at] = 1
			case inside(box):
				b.foregroundWeight[at] = 0
				b.boxWeight[at] = 0.5
			}
			copy(b.distances[4*at:], []float32{x - float32(box.XMin), y - float32(box.YMin), float32(box.XMax) - x, float32(box.YMax) - y})
			w, h := 1/float32(max(box.Width(), 1)), 1/float32(max(box.Height(), 1))
			copy(b.scale[4*at:], []float32{w, h, w, h})
		}
	}
}

// balance gives foreground and background the same weight in the batch, whatever their areas.
func (b *sceneBatch) balance() {
	var sum [2]float32
	for i, w := range b.foregroundWeight {
		sum[int(b.foreground[i])] += w
	}
	for i := range b.foregroundWeight {
		if s := sum[int(b.foreground[i])]; s > 0 {
			b.foregroundWeight[i] /= s
		}
	}
}

func (b sceneBatch) tensors(height, width int) []*tensors.Tensor {
	cells := func(data []float32, last int) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(data, b.n, b.rows, b.columns, last)
	}
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(b.pixels, b.n, height, width, 3),
		cells(b.foreground, 1), cells(b.foregroundWeight, 1),
		cells(b.distances, 4), cells(b.scale, 4), cells(b.boxWeight, 1),
	}
}

// tensors are pixels and targets.
func (b cropBatch) tensors(height, width, labels int) []*tensors.Tensor {
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(b.pixels, b.n, height, width, 3),
		tensors.FromFlatDataAndDimensions(b.targets, b.n, labels),
	}
}
