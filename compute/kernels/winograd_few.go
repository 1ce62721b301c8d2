package kernels

import (
	"sync"
	"unsafe"
)

// Where there are few tiles, as of one image of 7 x 7, reading transformed filters takes most of the time: they are
// four times as large as filters, 38 MB from 512 to 512 channels. There, filters are read as they are and are transformed
// again each time, in registers, 16 outputs and one row of six points at once, and the products of four tiles are
// summed in registers as well. All is computed in the same order, so that results are the same to the bit.
const (
	fewTiles     = 12 // up to which that is faster
	fewTilesEach = 4  // tiles at once
)

// winogradTaps are filters as winogradFewRow reads them: [O/16, C, 9, 16].
type winogradTaps struct {
	in, out int
	data    []float32
}

func newWinogradTaps(in, out int, w []float32) *winogradTaps {
	t := &winogradTaps{in: in, out: out, data: make([]float32, 0, winogradFilterTaps*in*out)}
	for o := 0; o < out; o += winogradLanes {
		for i := range in {
			for tap := range winogradFilterTaps {
				at := (tap*in+i)*out + o
				t.data = append(t.data, w[at:at+winogradLanes]...)
			}
		}
	}
	return t
}

// at returns the taps from input i on to the 16 outputs from o on.
func (t *winogradTaps) at(o, i int) unsafe.Pointer {
	return unsafe.Pointer(&t.data[winogradFilterTaps*(o*t.in+i*winogradLanes)])
}

// filters returns the transformed filters.
func (t *winogradTaps) filters(p Parallel, tile *tiler) *winogradFilters {
	f := newFilterPoints(tile, t.in, t.out, nil)
	transform := winogradOf(Active()).filter
	one := f.points[0]
	p.For(t.out/winogradLanes, func(unit int) {
		o := unit * winogradLanes
		panel := o / tile.columns
		for i := range t.in {
			dst := unsafe.Add(one.row(panel, i), 4*(o-panel*tile.columns))
			transform(dst, t.at(o, i), winogradLanes, 4*winogradLanes, 4*f.point)
		}
	})
	return f
}

// winogradFewWork is what winogradFewRow has to do: the products of four tiles with 16 columns of filters at one row of
// six points. Strides are in bytes.
type winogradFewWork struct {
	out               unsafe.Pointer // [6, 4, 16], points and tiles outPoint and outTile apart
	in                unsafe.Pointer // [6, 4, channels], inPoint and inTile apart
	taps              unsafe.Pointer // [channels, 9, 16]
	next              unsafe.Pointer // memory that is read soon, 96 bytes for each channel: fetched into the second cache
	channels          int            // even
	outPoint, outTile int
	inPoint, inTile   int
}

// convolveFew is winogradConvolve for a few tiles.
func (t *winogradTaps) convolveFew(p Parallel, sizes winogradSizes) {
	w := sizes[0] // what is the same for all
	sizes.together(p, sizes.tiles(), fewTilesEach, func(in, out []float32, block, n int) {
		pointIn, pointOut := w.pointIn(block), w.pointOut(block)
		for point := range winogradPoints { // what was there before may be slow to compute with
			clear(in[point*pointIn+n*w.ldIn : point*pointIn+block*w.ldIn])
		}
		units := t.out / winogradLanes
		p.For(units, func(unit int) {
			o, next := unit*winogradLanes, min(unit+p.Workers(), units-1)*winogradLanes
			work := winogradFewWork{
				taps: t.at(o, 0), channels: t.in, outPoint: 4 * pointOut, outTile: 4 * w.ldOut, inPoint: 4 * pointIn, inTile: 4 * w.ldIn,
			}
			for tile := 0; tile < n; tile += fewTilesEach {
				for row := range winogradIn {
					point := row * winogradIn
					work.in, work.out = unsafe.Pointer(&in[point*pointIn+tile*w.ldIn]), unsafe.Pointer(&out[point*pointOut+tile*w.ldOut+o])
					work.next = t.at(next, row*t.in/winogradIn)
					winogradFewRow(row, &work)
				}
			}
		})
	})
}

// packedWinograd are constant filters, packed for few tiles and for many. Transformed ones are made when they are
// needed: a program that looks at one small image at a time has only those that it needs.
type packedWinograd struct {
	taps    *winogradTaps // nil: all are packed for many tiles
	filters func(p Parallel) *winogradFilters
}

func packWinograd(c Conv, w []float32) *packedWinograd {
	tile := activeTiler()
	if !hasWinogradFew() || !c.largeFilters() {
		f := newWinogradFilters(Serial{}, tile, c.C, c.O, w, false, nil)
		return &packedWinograd{filters: func(Parallel) *winogradFilters { return f }}
	}
	taps := newWinogradTaps(c.C, c.O, w)
	var once sync.Once
	var f *winogradFilters
	packed := &packedWinograd{taps: taps, filters: func(p Parallel) *winogradFilters {
		once.Do(func() { f = taps.filters(p, tile) })
		return f
	}}
	if c.winogradTiles().tilesOf(c.N) > fewTiles {
		packed.filters(Serial{})
	}
	return packed
}

func (pw *packedWinograd) convolve(p Parallel, all ...Images) {
	sizes := newWinogradSizes(all...)
	if pw.taps != nil && sizes.tiles() <= fewTiles {
		pw.taps.convolveFew(p, sizes)
		return
	}
	pw.filters(p).convolve(p, sizes)
}
