package kernels

import (
	"sync"
	"unsafe"
)

// winogradInt8 are the filters of a 3 x 3 convolution of bytes for Winograd's F(4x4, 3x3) in integers (winograd.go has
// the tiles). Rows of the filters' transform are multiplied by 4, 6 and 24, so that its fractions go, which leaves
// int16 of at most 49·128; transformed bytes are at most 68·255. Products of pairs are summed up in int32, modulo 2^32,
// and so is the outputs' transform, which ends up at a multiple of its divisor: 9·2^s, by which a multiplication and a
// shift divide exactly, if the sum is below 2^25 to begin with. So results are those of the definition, to the bit.
//
// It pays where the CPU has no instruction for products of bytes with sums in int32: those of int16 take less than twice
// as long there.
type winogradInt8 struct {
	code   *winogradInt8Code
	points [winogradPoints]narrowPanels // [C, O], in pairs of int16
	start  []int32                      // [O]: with which sums begin
	zero   uint8
}

// winogradInt8Code is the code of an instruction set. Strides are in bytes.
type winogradInt8Code struct {
	// product multiplies int16, in panels of winogradLanes columns.
	product *narrowTiler
	// input turns a window of 6 x 6 positions of n bytes, a multiple of winogradLanes, whose rows and columns lie row
	// and column apart, to int16 at the points. scratch is for 36 vectors.
	input func(dst, src, scratch unsafe.Pointer, n, row, column, point int)
	// output turns winogradLanes int32 of each point to 4 x 4 positions and adds start.
	output func(dst, src, start, scratch unsafe.Pointer, point int)
	// finish is the epilogue of sums [4 or 1, winogradLanes], which are in the tile's image.
	finish func(t *narrowTile, rows int)
}

// winogradInt8Tiles is the number of tiles from which it pays to read the filters of all points.
const winogradInt8Tiles = 6

// winogradMostInt8 is what a sum of products has to stay below: 64 times as much fits an int32.
const winogradMostInt8 = 1 << 25

// newWinogradInt8 transforms filters w [3, 3, C, O]. It returns nil where sums may be too large.
func newWinogradInt8(code *winogradInt8Code, c Conv, w []int8, zero uint8) *winogradInt8 {
	f := &winogradInt8{code: code, start: make([]int32, c.O), zero: zero}
	above, below := make([]int32, c.O), make([]int32, c.O)
	for i, v := range w {
		if v > 0 {
			above[i%c.O] += int32(v)
		} else {
			below[i%c.O] -= int32(v)
		}
	}
	for o := range f.start {
		if 255*max(above[o], below[o]) >= winogradMostInt8 {
			return nil
		}
		f.start[o] = -int32(zero) * (above[o] - below[o])
	}
	for i := range f.points {
		f.points[i] = newNarrowPanels(Conv{C: c.C, O: c.O, KH: 1, KW: 1}, 2, code.product, nil)
	}
	const columns, pair = winogradLanes, 2
	var step [winogradPoints][columns * pair * 2]byte // what the points have of a pair of channels
	for panel := range f.points[0].count() {
		for i := 0; i < c.C; i += pair {
			for at := range columns * pair {
				points := winogradFilterInt8(w[(i+at%pair)*c.O+panel*columns+at/pair:], c.C*c.O)
				for point, v := range points {
					step[point][2*at], step[point][2*at+1] = byte(v), byte(v>>8) // little endian
				}
			}
			at := f.points[0].begins[panel] + i*columns*2
			for point := range step {
				copy(f.points[point].data[at:], step[point][:])
			}
		}
	}
	return f
}

// winogradFilterInt8 turns 3 x 3 taps, which lie tap apart, to the points, multiplied by 4, 6 or 24 for each direction.
func winogradFilterInt8(w []int8, tap int) (points [winogradPoints]int16) {
	var rows [3][winogradIn]int16
	for r := range 3 {
		at := 3 * r * tap
		winogradDirectionInt8(&rows[r], int16(w[at]), int16(w[at+tap]), int16(w[at+2*tap]))
	}
	for x := range winogradIn {
		var column [winogradIn]int16
		winogradDirectionInt8(&column, rows[0][x], rows[1][x], rows[2][x])
		for y := range winogradIn {
			points[y*winogradIn+x] = column[y]
		}
	}
	return points
}

func winogradDirectionInt8(to *[winogradIn]int16, a, b, c int16) {
	*to = [winogradIn]int16{a, a + b + c, a - b + c, a + 2*b + 4*c, a - 2*b + 4*c, c}
}

// winogradInt8Conv is a convolution on its way.
type winogradInt8Conv struct {
	Conv
	*winogradInt8
	winogradGrid
	x        []uint8
	out      narrowOutput
	epilogue *EpilogueInt8
	shared   narrowTile
}

func (f *winogradInt8) convolve(p Parallel, c Conv, out narrowOutput, x []uint8, e *EpilogueInt8, shared narrowTile) {
	w := &winogradInt8Conv{Conv: c, winogradInt8: f, x: x, out: out, epilogue: e, shared: shared, winogradGrid: c.winogradTiles()}
	total := w.tilesOf(c.N)
	each := winogradPoints * (2*c.C + 4*c.O)
	tileRows := f.code.product.rows[0]
	panels := f.points[0].count()
	// As winogradConvolve shares the work, with filters of half the size.
	if block := 4 * winogradCache / each / tileRows * tileRows; block > 0 && c.C*c.O <= 2*128*128 {
		block, blocks, _ := split(total, block, tileRows, p.Workers(), 1)
		p.For(blocks, func(i int) {
			memory := winogradMemory.take()
			defer winogradMemory.give(memory)
			s := winogradInt8Scratches.Get().(*winogradInt8Scratch)
			defer winogradInt8Scratches.Put(s)
			from := i * block
			n := min(block, total-from)
			buffer := w.buffer(memory, block)
			for slot := range n {
				w.transformInput(s, buffer, slot, from+slot)
			}
			for point := range winogradPoints {
				w.multiply(&s.narrow, buffer, n, point, 0, panels)
			}
			for panel := range panels {
				w.transformOutput(s, buffer, panel, 0, n, from)
			}
		})
		return
	}
	memory := winogradMemory.take()
	defer winogradMemory.give(memory)
	most := max(4*winogradShared/each, tileRows)
	for from := 0; from < total; from += most {
		n := min(most, total-from)
		buffer := w.buffer(memory, n)
		w.parallel(p, n, func(s *winogradInt8Scratch, slot, after int) {
			for ; slot < after; slot++ {
				w.transformInput(s, buffer, slot, from+slot)
			}
		})
		const parts = 2
		p.For(parts*winogradPoints, func(i int) {
			s := winogradInt8Scratches.Get().(*winogradInt8Scratch)
			defer winogradInt8Scratches.Put(s)
			w.multiply(&s.narrow, buffer, n, i/parts, i%parts*panels/parts, (i%parts+1)*panels/parts)
		})
		w.parallel(p, n, func(s *winogradInt8Scratch, slot, after int) {
			for panel := range panels {
				w.transformOutput(s, buffer, panel, slot, after, from)
			}
		})
	}
}

// winogradInt8Scratch is a worker's memory.
type winogradInt8Scratch struct {
	vectors [winogradPoints * winogradLanes]int16
	sums    [winogradOut * winogradOut * winogradLanes]int32
	window  []byte
	narrow  narrowWorkspace
}

var winogradInt8Scratches = sync.Pool{New: func() any { return new(winogradInt8Scratch) }}

// parallel calls f for stretches of n tiles.
func (w *winogradInt8Conv) parallel(p Parallel, n int, f func(s *winogradInt8Scratch, from, to int)) {
	const few = 4
	p.For((n+few-1)/few, func(i int) {
		s := winogradInt8Scratches.Get().(*winogradInt8Scratch)
		defer winogradInt8Scratches.Put(s)
		f(s, i*few, min((i+1)*few, n))
	})
}

// winogradInt8Buffer are the transformed tiles, int16 [36, tiles, C], and what comes of them, int32 [36, tiles, O].
type winogradInt8Buffer struct {
	in, out           unsafe.Pointer
	pointIn, pointOut int // bytes from a point to the next
}

func (w *winogradInt8Conv) buffer(m *memory, tiles int) (b winogradInt8Buffer) {
	// A float has 4 bytes.
	b.pointIn, b.pointOut = 4*oddLines(tiles*w.C/2), 4*oddLines(tiles*w.O)
	in := winogradPoints * b.pointIn
	b.in = unsafe.Pointer(unsafe.SliceData(grown(&m.data, (in+winogradPoints*b.pointOut)/4)))
	b.out = unsafe.Add(b.in, in)
	return b
}

// transformInput puts a tile into a slot of the buffer.
func (w *winogradInt8Conv) transformInput(s *winogradInt8Scratch, b winogradInt8Buffer, slot, tile int) {
	n, y, x := w.place(tile)
	y, x = y-w.PadTop, x-w.PadLeft
	image := w.x[n*w.H*w.W*w.C : (n+1)*w.H*w.W*w.C]
	dst := unsafe.Add(b.in, 2*slot*w.C)
	scratch := unsafe.Pointer(&s.vectors)
	if y >= 0 && x >= 0 && y+winogradIn <= w.H && x+winogradIn <= w.W {
		w.code.input(dst, unsafe.Pointer(&image[(y*w.W+x)*w.C]), scratch, w.C, w.W*w.C, w.C, b.pointIn)
		return
	}
	window := grown(&s.window, winogradPoints*w.C)
	left, right := max(-x, 0), min(winogradIn, w.W-x)
	for r := range winogradIn {
		row := window[r*winogradIn*w.C : (r+1)*winogradIn*w.C]
		if y+r < 0 || y+r >= w.H || left >= right {
			fill(row, w.zero)
			continue
		}
		fill(row[:left*w.C], w.zero)
		copy(row[left*w.C:right*w.C], image[((y+r)*w.W+x+left)*w.C:])
		fill(row[right*w.C:], w.zero)
	}
	w.code.input(dst, unsafe.Pointer(&window[0]), scratch, w.C, winogradIn*w.C, w.C, b.pointIn)
}

func fill(s []byte, v byte) {
	for i := range s {
		s[i] = v
	}
}

// noSums are what sums of points begin with.
var noSums [narrowColumns]int32

// multiply is the product at one point, of so many tiles and the panels [first, last) of outputs.
func (w *winogradInt8Conv) multiply(s *narrowWorkspace, b winogradInt8Buffer, tiles, point, first, last int) {
	s.rows, s.runs = s.rows[:0], append(s.runs[:0], 0)
	s.line(0, tiles, 2*w.C)
	s.tile = narrowTile{image: unsafe.Add(b.in, point*b.pointIn), start: unsafe.Pointer(&noSums)}
	out := narrowOutput{data: unsafe.Add(b.out, point*b.pointOut), size: 4}
	for panel := first; panel < last; panel++ {
		w.points[point].panel(s, out, 0, panel)
	}
}

// transformOutput finishes the outputs of a panel in slots [slot, after); slot 0 has the tile from.
func (w *winogradInt8Conv) transformOutput(s *winogradInt8Scratch, b winogradInt8Buffer, panel, slot, after, from int) {
	begin := panel * w.code.product.columns
	t := &s.narrow.tile
	*t = w.shared
	t.stride = w.O
	t.factorsInt8(w.epilogue, &s.narrow, begin, 9*w.C)
	for ; slot < after; slot++ {
		w.code.output(unsafe.Pointer(&s.sums), unsafe.Add(b.out, 4*(slot*w.O+begin)), unsafe.Pointer(&w.start[begin]), unsafe.Pointer(&s.vectors), b.pointOut)
		n, y, x := w.place(from + slot)
		columns := min(winogradOut, w.OW-x)
		rows := winogradOut
		if columns < winogradOut {
			rows = 1
		}
		for r := range min(winogradOut, w.OH-y) {
			for column := 0; column < columns; column += rows {
				at := ((n*w.OH+y+r)*w.OW+x+column)*w.O + begin
				t.tiles, t.image = 1, unsafe.Pointer(&s.sums[(r*winogradOut+column)*winogradLanes])
				t.out = unsafe.Add(w.out.data, at*w.out.size)
				if w.out.residual != nil {
					t.residual = unsafe.Add(w.out.residual, at*w.out.residualSize)
				}
				w.code.finish(t, rows)
			}
		}
	}
}
