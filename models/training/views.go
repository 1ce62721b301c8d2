package training

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// view is a look at a part of a whole photo.
type view struct {
	whole    int
	region   photo.Box
	mirrored bool
}

// lesson is what the teacher says of the cells of some views.
type lesson struct {
	targets []float32 // [views, rows, columns, components]
	weights []float32 // [views, rows, columns, 1]: 0 where a cell lies beyond the photo
	rows    int
	columns int
}

// viewJitter is how a view's light changes.
var viewJitter = jitter{light: 0.15, tint: 0.04, erase: 0.2}

// drawView draws a part of a photo of about a crop's aspect, from a garment's detail to more than the photo.
func drawView(rng *rand.Rand, w *Whole, index, height, width int) view {
	frameHeight, frameWidth := float64(w.Image.Height), float64(w.Image.Width)
	h := frameHeight * 0.3 * math.Exp(rng.Float64()*math.Log(1.1/0.3))
	aspect := float64(width) / float64(height) * math.Exp(0.2*rng.NormFloat64())
	wide := h * aspect
	x := (frameWidth - wide) * rng.Float64()
	y := (frameHeight - h) * rng.Float64()
	return view{index, photo.Box{XMin: int(x), YMin: int(y), XMax: int(x+wide) + 1, YMax: int(y+h) + 1}, rng.IntN(2) == 0}
}

// another is a view of about the same part.
func (v view) another(rng *rand.Rand) view {
	w, h := float64(v.region.Width()), float64(v.region.Height())
	move := func(size float64) int { return int(rng.NormFloat64() * 0.06 * size) }
	r := photo.Box{XMin: v.region.XMin + move(w), YMin: v.region.YMin + move(h), XMax: v.region.XMax + move(w), YMax: v.region.YMax + move(h)}
	if r.Empty() {
		r = v.region
	}
	return view{v.whole, r, rng.IntN(2) == 0}
}

// drawWhole draws nearly the whole of a photo, as drawScenes does.
func drawWhole(rng *rand.Rand, w *Whole, index int) view {
	zoom := 0.8 + 0.5*rng.Float64()
	wide, high := zoom*float64(w.Image.Width), zoom*float64(w.Image.Height)
	x := (float64(w.Image.Width) - wide) * rng.Float64()
	y := (float64(w.Image.Height) - high) * rng.Float64()
	return view{index, photo.Box{XMin: int(x), YMin: int(y), XMax: int(x + wide), YMax: int(y + high)}, rng.IntN(2) == 0}
}

// show writes a view into pixels [height, width, 3] and what the teacher sees there into the lesson's view at.
func (p *Pool) show(rng *rand.Rand, v view, pixels []float32, height, width int, backbone models.Backbone, l *lesson, at int) {
	w := &p.Wholes[v.whole]
	if p.drawn != nil {
		p.drawn(w.Name)
	}
	m, placement := photo.Letterbox(w.Image, v.region, width, height)
	viewJitter.relight(rng, m)
	if v.mirrored {
		mirror(m)
	}
	if rng.Float64() < viewJitter.erase {
		erase(rng, m)
	}
	photo.Normalise(pixels, m, backbone.Mean, backbone.Deviation)

	if len(w.maps) == 0 {
		return // there is no teacher
	}
	seen := w.at(finer * float64(placement.Inside.Height()) / float64(placement.Region.Height()))
	n := len(p.teacherDeviations)
	stride := float64(backbone.Stride)
	for r := range l.rows {
		for c := range l.columns {
			cell := (at*l.rows+r)*l.columns + c
			column := float64(c)
			if v.mirrored {
				column = float64(l.columns - 1 - c)
			}
			target := l.targets[cell*n : (cell+1)*n]
			inside := 0
			for _, dy := range []float64{0.25, 0.75} {
				for _, dx := range []float64{0.25, 0.75} {
					x, y := placement.ToPhoto((column+dx)*stride, (float64(r)+dy)*stride)
					if x >= 0 && y >= 0 && x < float64(w.Image.Width) && y < float64(w.Image.Height) {
						inside++
						seen.add(target, x, y, p.teacherDeviations)
					}
				}
			}
			if inside > 0 {
				l.weights[cell] = float32(inside) / 4
				for i := range target {
					target[i] /= float32(inside)
				}
			}
		}
	}
}

// at returns the map nearest to so many pixels for one of the photo.
func (w *Whole) at(scale float64) *featureMap {
	best := &w.maps[0]
	for i := range w.maps {
		if math.Abs(math.Log(w.maps[i].scale()/scale)) < math.Abs(math.Log(best.scale()/scale)) {
			best = &w.maps[i]
		}
	}
	return best
}

// add adds what the map says of a place in the photo.
func (m *featureMap) add(to []float32, x, y float64, deviations []float32) {
	x, y = m.Placement.FromPhoto(x, y)
	n := len(to)
	bilinear(y/teacherStride-0.5, x/teacherStride-0.5, m.Rows, m.Columns, func(cell int, share float32) {
		share /= spread
		for i, b := range m.Cells[cell*n : (cell+1)*n] {
			to[i] += share * float32(int8(b)) * deviations[i]
		}
	})
}

func newLesson(views, height, width, stride, components int) lesson {
	rows, columns := height/stride, width/stride
	return lesson{make([]float32, views*rows*columns*components), make([]float32, views*rows*columns), rows, columns}
}

func (l lesson) tensors(views, components int) []*tensors.Tensor {
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(l.targets, views, l.rows, l.columns, components),
		tensors.FromFlatDataAndDimensions(l.weights, views, l.rows, l.columns, 1),
	}
}

// viewBatch is views of whole photos and what the teacher says of them.
type viewBatch struct {
	pixels []float32 // [n, height, width, 3]
	lesson lesson
	n      int
}

// drawViews draws views of real photos at a size in pixels: pairs of about the same part of a photo, or else one of
// nearly the whole of each.
func (p *Pool) drawViews(rng *rand.Rand, n int, pairs bool, height, width int, backbone models.Backbone) viewBatch {
	b := viewBatch{n: n, pixels: make([]float32, n*height*width*3), lesson: newLesson(n, height, width, backbone.Stride, len(p.teacherDeviations))}
	var v view
	for i := range n {
		switch index := rng.IntN(len(p.Wholes)); {
		case !pairs:
			v = drawWhole(rng, &p.Wholes[index], index)
		case i%2 == 0:
			v = drawView(rng, &p.Wholes[index], index, height, width)
		default:
			v = v.another(rng)
		}
		p.show(rng, v, b.pixels[i*height*width*3:(i+1)*height*width*3], height, width, backbone, &b.lesson, i)
	}
	return b
}

// tensors are the pixels and, if there is a teacher, its lesson.
func (b viewBatch) tensors(height, width, components int) []*tensors.Tensor {
	all := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(b.pixels, b.n, height, width, 3)}
	if components > 0 {
		all = append(all, b.lesson.tensors(b.n, components)...)
	}
	return all
}
