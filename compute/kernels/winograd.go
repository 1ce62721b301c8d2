package kernels

import (
	"sync"
	"unsafe"
)

// Winograd's minimal filtering (https://arxiv.org/abs/1509.09308), F(4x4, 3x3): 36 products for each
// channel make 4 x 4 outputs of a 3 x 3 convolution, which takes 144 by its definition. Images are cut
// into tiles, overlapping windows of 6 x 6, which are transformed; at each of the 36 points of a
// transformed tile, all tiles and channels make one matrix product with the transformed filters; and
// what comes out at the 36 points is transformed to 4 x 4 outputs.
const (
	winogradOut    = 4                       // outputs of a tile, in each direction
	winogradIn     = winogradOut + 2         // inputs of a tile, in each direction
	winogradPoints = winogradIn * winogradIn // products of a tile and a channel
	winogradLanes  = 16                      // channels come in multiples of this

	winogradFilterTaps = 9 // of a filter of 3 x 3
)

// Method is how a convolution is computed.
type Method int

// The methods.
const (
	Direct   Method = iota // the definition, as one product of gathered windows
	Winograd               // Winograd's F(4x4, 3x3), whose mean error is up to twice that of the definition
)

// Method chooses by the layer alone, never by the batch: the last bits of the results differ.
//
// Winograd's outputs share the 36 products of their tile, so that one input reaches all 16 of them, also those
// whose windows do not see it: an infinity, a NaN or a number near float32's limit (3e38) makes them NaN, and an
// outlier leaves an error of about 2e-6 of it there (0.02 beside 1e4, 1.6 beside 1e6). Direct keeps outputs
// apart.
func (c Conv) Method() Method {
	if c.Groups != 1 || c.KH != 3 || c.KW != 3 || c.StrideH != 1 || c.StrideW != 1 || c.DilationH != 1 || c.DilationW != 1 ||
		c.C%winogradLanes != 0 || c.O%winogradLanes != 0 || c.C <= winogradLanes || c.O <= winogradLanes {
		return Direct
	}
	// What the last tiles compute beyond the border is in vain.
	if 2*c.OH*c.OW < c.winogradTiles().tilesOf(1)*winogradOut*winogradOut {
		return Direct
	}
	return Winograd
}

// winogradTiles is how an image is cut into tiles.
func (c Conv) winogradTiles() winogradGrid {
	return winogradGrid{rows: (c.OH + winogradOut - 1) / winogradOut, columns: (c.OW + winogradOut - 1) / winogradOut}
}

// winogradGrid is the rows and columns of tiles of an image.
type winogradGrid struct{ rows, columns int }

// tilesOf is the number of tiles of n images.
func (g winogradGrid) tilesOf(n int) int { return n * g.rows * g.columns }

// place says which image a tile belongs to, and where in its outputs it begins.
func (g winogradGrid) place(tile int) (image, y, x int) {
	return tile / (g.rows * g.columns), tile / g.columns % g.rows * winogradOut, tile % g.columns * winogradOut
}

// winogradFilters are transformed filters: a matrix [C, O] for each point, point floats apart.
type winogradFilters struct {
	points [winogradPoints]*panels
	point  int
	data   []float32
}

// newFilterPoints has room for transformed filters, in the given memory if it suffices.
func newFilterPoints(t *tiler, in, out int, data []float32) *winogradFilters {
	size := (&panels{tile: t, k: in, n: out}).size()
	f := &winogradFilters{point: oddLines(size)}
	f.data = grown(&data, winogradPoints*f.point)
	for i := range f.points {
		at := i * f.point
		f.points[i] = &panels{tile: t, k: in, n: out, data: f.data[at : at+size : at+size]}
	}
	return f
}

// newWinogradFilters transforms filters w [3, 3, in, out], in the given memory if it suffices. Turned filters
// are given as [3, 3, out, in], and are turned by half a circle besides: so a convolution's filters give those
// of the gradient of its input.
func newWinogradFilters(p Parallel, t *tiler, in, out int, w []float32, turned bool, data []float32) *winogradFilters {
	f := newFilterPoints(t, in, out, data)
	one := f.points[0]
	transform := winogradOf(Active()).filter
	const taps = winogradFilterTaps
	const side = winogradLanes // rows that are turned at once
	p.For(one.count(), func(panel int) {
		width, _ := one.width(panel)
		begin := panel * t.columns
		dst := func(i int) unsafe.Pointer { return unsafe.Pointer(&f.data[begin*in+i*width]) }
		if !turned {
			for i := range in {
				transform(dst(i), unsafe.Pointer(&w[i*out+begin]), width, 4*in*out, 4*f.point)
			}
			return
		}
		memory := turnedMemory.take()
		defer turnedMemory.give(memory)
		rows := grown(&memory.data, taps*side*width) // [9, side, width]
		for i := 0; i < in; i += side {
			for tap := range taps {
				from := w[(taps-1-tap)*in*out:]
				to := rows[tap*side*width:][:side*width]
				for j := range width {
					for r, v := range (*[side]float32)(from[(begin+j)*in+i:]) {
						to[r*width+j] = v
					}
				}
			}
			for r := range side {
				transform(dst(i+r), unsafe.Pointer(&rows[r*width]), width, 4*side*width, 4*f.point)
			}
		}
	})
	return f
}

var turnedMemory = newMemory()

// winogradTransforms work on n channels, a multiple of winogradLanes. Strides are in bytes.
type winogradTransforms struct {
	// filter turns 3 x 3 taps, tap apart, to the points, which lie point apart.
	filter func(dst, src unsafe.Pointer, n, tap, point int)
	// input turns a window of 6 x 6 positions, whose rows and columns lie row and column apart, to the
	// points. scratch is for 36 vectors.
	input func(dst, src, scratch unsafe.Pointer, n, row, column, point int)
	// output turns the points to 4 x 4 positions, adds bias and residual, which lies as dst does, where
	// they are not nil, and takes max(x, 0) if relu.
	output func(dst, src, bias, residual, scratch unsafe.Pointer, n, row, column, point int, relu bool)
	// spread is the transpose of output: it turns 4 x 4 positions to the points.
	spread func(dst, src, scratch unsafe.Pointer, n, row, column, point int)
	// gather is the transpose of filter: it turns the points to 3 x 3 taps.
	gather func(dst, src, scratch unsafe.Pointer, n, tap, point int)
}

// winogradCache is how many floats of transformed tiles, in and out, stay in a core's second cache, and
// winogradShared how many stay in the cache that cores share.
const (
	winogradCache  = 176 << 10
	winogradShared = 4 << 20
)

var winogradMemory = newMemory()

// largeFilters says that transformed filters are too large for the caches of a core.
func (c Conv) largeFilters() bool { return c.C*c.O > 128*128 }

// convolve computes the convolutions of images of some sizes with the same filters, which are read once for all.
func (f *winogradFilters) convolve(p Parallel, sizes winogradSizes) {
	total := sizes.tiles()
	if total == 0 {
		return
	}
	w := sizes[0] // what is the same for all
	each := winogradPoints * (w.ldIn + w.ldOut)
	t := f.points[0].tile
	// Small filters stay in the caches: each worker goes all the way with its own tiles. Large ones are read
	// once: each worker takes some points, for all tiles.
	if block := winogradCache / each / t.rows * t.rows; block > 0 && !w.largeFilters() {
		block, blocks, _ := split(total, block, t.rows, p.Workers(), 1)
		p.For(blocks, func(i int) {
			memory := winogradMemory.take()
			defer winogradMemory.give(memory)
			from := i * block
			n := min(block, total-from)
			in, out := w.buffers(memory, block)
			s := winogradScratches.Get().(*winogradScratch)
			defer winogradScratches.Put(s)
			for slot := range n {
				size, tile := sizes.find(from + slot)
				size.transformInput(s, in, block, slot, tile)
			}
			for point := range winogradPoints {
				w.multiply(&s.product, f, in, out, block, n, point, 0, f.points[point].count())
			}
			for slot := range n {
				size, tile := sizes.find(from + slot)
				size.transformOutput(s, out, block, slot, tile)
			}
		})
		return
	}
	sizes.together(p, max(winogradShared/each, t.rows), t.rows, func(in, out []float32, block, n int) {
		const parts = 2
		p.For(parts*winogradPoints, func(i int) {
			panels := f.points[0].count()
			s := workspaces.Get().(*workspace)
			defer workspaces.Put(s)
			w.multiply(s, f, in, out, block, n, i/parts, i%parts*panels/parts, (i%parts+1)*panels/parts)
		})
	})
}

// winogradSizes are convolutions of images of some sizes. Their tiles are counted one size after the other.
type winogradSizes []*winograd

func newWinogradSizes(all ...Images) winogradSizes {
	sizes := make(winogradSizes, len(all))
	for i, images := range all {
		sizes[i] = newWinograd(images)
	}
	return sizes
}

func (s winogradSizes) tiles() int {
	total := 0
	for _, w := range s {
		total += w.tiles()
	}
	return total
}

// together transforms all tiles, at most so many at once, in a block that has room for a multiple of rows, lets
// multiply make the products of n of them, and transforms what comes of it.
func (s winogradSizes) together(p Parallel, most, rows int, multiply func(in, out []float32, block, n int)) {
	memory := winogradMemory.take()
	defer winogradMemory.give(memory)
	total := s.tiles()
	for from := 0; from < total; from += most {
		n := min(most, total-from)
		block := (n + rows - 1) / rows * rows
		in, out := s[0].buffers(memory, block)
		eachTile(p, n, func(scratch *winogradScratch, slot int) {
			size, tile := s.find(from + slot)
			size.transformInput(scratch, in, block, slot, tile)
		})
		multiply(in, out, block, n)
		eachTile(p, n, func(scratch *winogradScratch, slot int) {
			size, tile := s.find(from + slot)
			size.transformOutput(scratch, out, block, slot, tile)
		})
	}
}

// find returns the size that a tile is of, and its number there.
func (s winogradSizes) find(tile int) (*winograd, int) {
	for _, w := range s {
		if tile < w.tiles() {
			return w, tile
		}
		tile -= w.tiles()
	}
	panic("kernels: there are fewer tiles")
}

// winograd is a convolution of images of one size on its way.
type winograd struct {
	Images
	winogradGrid
	transforms  *winogradTransforms
	ldIn, ldOut int // floats from a tile to the next, at a point
}

func newWinograd(images Images) *winograd {
	return &winograd{
		Images: images, winogradGrid: images.winogradTiles(), transforms: winogradOf(Active()), ldIn: leading(images.C), ldOut: leading(images.O),
	}
}

func (w *winograd) tiles() int { return w.tilesOf(w.N) }

// winogradScratch is a worker's memory.
type winogradScratch struct {
	vectors [winogradPoints * winogradLanes]float32
	window  []float32
	product workspace
}

var winogradScratches = sync.Pool{New: func() any { return new(winogradScratch) }}

// pointIn and pointOut are the floats from one point to the next in the buffers of so many tiles.
func (w *winograd) pointIn(tiles int) int  { return oddLines(tiles * w.ldIn) }
func (w *winograd) pointOut(tiles int) int { return oddLines(tiles * w.ldOut) }

// buffers are the transformed tiles [36, tiles, C] and what comes of them, [36, tiles, O].
func (w *winograd) buffers(m *memory, tiles int) (in, out []float32) {
	n := winogradPoints * w.pointIn(tiles)
	all := grown(&m.data, n+winogradPoints*w.pointOut(tiles))
	return all[:n], all[n:]
}

// oddLines rounds a number of floats up to an odd number of cache lines: the transforms go along 36
// points at once, which would fall into a few sets of the first cache if they lay a power of two apart.
func oddLines(n int) int { return ((n+15)/16 | 1) * 16 }

// eachTile calls f for n tiles, shared between the workers.
func eachTile(p Parallel, n int, f func(s *winogradScratch, tile int)) {
	const few = 4
	p.For((n+few-1)/few, func(i int) {
		s := winogradScratches.Get().(*winogradScratch)
		defer winogradScratches.Put(s)
		for tile := i * few; tile < min((i+1)*few, n); tile++ {
			f(s, tile)
		}
	})
}

// transformInput puts a tile into a slot of the buffer of so many tiles.
func (w *winograd) transformInput(s *winogradScratch, in []float32, tiles, slot, tile int) {
	n, y, x := w.place(tile)
	y, x = y-w.PadTop, x-w.PadLeft
	image := w.X[n*w.H*w.W*w.C : (n+1)*w.H*w.W*w.C]
	dst := unsafe.Pointer(&in[slot*w.ldIn])
	point := 4 * w.pointIn(tiles)
	scratch := unsafe.Pointer(&s.vectors)
	if y >= 0 && x >= 0 && y+winogradIn <= w.H && x+winogradIn <= w.W {
		w.transforms.input(dst, unsafe.Pointer(&image[(y*w.W+x)*w.C]), scratch, w.C, 4*w.W*w.C, 4*w.C, point)
		return
	}
	window := grown(&s.window, winogradPoints*w.C)
	left, right := max(-x, 0), min(winogradIn, w.W-x)
	for r := range winogradIn {
		row := window[r*winogradIn*w.C : (r+1)*winogradIn*w.C]
		if y+r < 0 || y+r >= w.H || left >= right {
			clear(row)
			continue
		}
		clear(row[:left*w.C])
		at := ((y+r)*w.W + x + left) * w.C
		copy(row[left*w.C:right*w.C], image[at:])
		clear(row[right*w.C:])
	}
	w.transforms.input(dst, unsafe.Pointer(&window[0]), scratch, w.C, 4*winogradIn*w.C, 4*w.C, point)
}

// multiply is the product at one point, for the panels [first, last) of outputs.
func (w *winograd) multiply(s *workspace, f *winogradFilters, in, out []float32, tiles, rows, point, first, last int) {
	b := f.points[point]
	s.multiply(out[point*w.pointOut(tiles):], w.ldOut, rows, left{data: in[point*w.pointIn(tiles):], row: w.ldIn, column: 1, padded: true}, b, 0, w.C, first, last, false)
}

func (w *winograd) transformOutput(s *winogradScratch, out []float32, tiles, slot, tile int) {
	n, y, x := w.place(tile)
	src := unsafe.Pointer(&out[slot*w.ldOut])
	point := 4 * w.pointOut(tiles)
	scratch := unsafe.Pointer(&s.vectors)
	row := (n*w.OH+y)*w.OW + x
	var bias unsafe.Pointer
	if w.Bias != nil {
		bias = unsafe.Pointer(&w.Bias[0])
	}
	if y+winogradOut <= w.OH && x+winogradOut <= w.OW {
		var residual unsafe.Pointer
		if w.Residual != nil {
			residual = unsafe.Pointer(&w.Residual[row*w.O])
		}
		w.transforms.output(unsafe.Pointer(&w.Dst[row*w.O]), src, bias, residual, scratch, w.O, 4*w.OW*w.O, 4*w.O, point, w.ReLU)
		for r := range winogradOut {
			at := (row + r*w.OW) * w.O
			w.lower(w.Dst[at : at+winogradOut*w.O])
		}
		return
	}
	window := grown(&s.window, winogradOut*winogradOut*w.O)
	w.transforms.output(unsafe.Pointer(&window[0]), src, nil, nil, scratch, w.O, 4*winogradOut*w.O, 4*w.O, point, false)
	columns := min(winogradOut, w.OW-x)
	for r := range min(winogradOut, w.OH-y) {
		at := row + r*w.OW
		copy(w.Dst[at*w.O:(at+columns)*w.O], window[r*winogradOut*w.O:])
		w.apply(w.Dst, at, at+columns, w.O, 0, w.O, Active())
	}
}
