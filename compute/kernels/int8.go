package kernels

import (
	"fmt"
	"sync"
	"unsafe"
)

// maxDepthInt8 is the number of products of a byte and an int8 whose sum fits an int32:
// 2^31 / (255·128).
const maxDepthInt8 = 65793

// PackedConvInt8 holds the int8 filters of a convolution, packed for the level that was active then, once for each
// method that is in use.
type PackedConvInt8 struct {
	conv     Conv
	windows  func() *windowsInt8
	winograd func() *winogradInt8 // gives nil where sums may be too large; nil where it does not pay
}

// windowsInt8 are the filters as tiles read them for gathered windows.
type windowsInt8 struct {
	narrowPanels
	zero  uint8
	start []int32 // of all panels' columns: -zero·(the sum of a filter), as tiles read bytes, with which its sums begin
}

// EpilogueInt8 is what is done to the sums of (x - zero)·w, in float32 and in this order: times Scale plus Bias,
// plus the residual times its scale, each rounded once, and ReLU. For bytes Scale, Bias and the scale of the residual are
// multiplied by Factor first, and the result is rounded to the nearest integer, half to even, moved by Zero
// and clamped to [0, 255]. ReLU makes 0 of a NaN, and bytes are 0 where it would be one.
type EpilogueInt8 struct {
	Scale, Bias   []float32 // [O]; Bias may be nil
	Residual      []uint8   // of the output's shape, or nil: (Residual - ResidualZero)·ResidualScale is added
	ResidualScale float32
	ResidualZero  uint8
	ResidualFloat []float32 // of the output's shape, or nil; its scale is 1
	ReLU          bool
	Factor        float32 // greater than 0; for bytes alone
	Zero          uint8   // for bytes alone
}

// PackConvInt8 packs constant filters w [KH, KW, C, O], which must not change; the sizes of images in c do not matter.
// zero is the zero point of the images, which padding has. Groups is 1, and KH·KW·C at most 65,793: sums are exact in
// int32.
func PackConvInt8(c Conv, w []int8, zero uint8) *PackedConvInt8 {
	c.check()
	if c.Groups != 1 || c.KH*c.KW*c.C > maxDepthInt8 {
		panic(fmt.Sprintf("kernels: %+v is no convolution in int8: one group, and a depth of %d at most", c, maxDepthInt8))
	}
	level := ActiveNarrow()
	pc := &PackedConvInt8{conv: c}
	pc.windows = sync.OnceValue(func() *windowsInt8 { return newWindowsInt8(tilerInt8Of(level, c), c, w, zero) })
	if code := winogradInt8Of(level); code != nil {
		pc.winograd = sync.OnceValue(func() *winogradInt8 { return newWinogradInt8(code, c, w, zero) })
	}
	return pc
}

// Prepare packs the filters for the convolution c, unless they are.
func (pc *PackedConvInt8) Prepare(c Conv) {
	if pc.winogradFor(c) == nil {
		pc.windows()
	}
}

// winogradFor returns nil where c is computed by its definition.
func (pc *PackedConvInt8) winogradFor(c Conv) *winogradInt8 {
	if pc.winograd == nil || c.Method() != Winograd || c.winogradTiles().tilesOf(c.N) < winogradInt8Tiles {
		return nil
	}
	return pc.winograd()
}

func newWindowsInt8(tile *narrowTiler, c Conv, w []int8, zero uint8) *windowsInt8 {
	var again [][2][]int
	if tile.pairs {
		again = stepsInTwoParts(c, w, tile.columns)
	}
	f := &windowsInt8{narrowPanels: newNarrowPanels(c, 1, tile, again), zero: zero}
	f.start = make([]int32, f.count()*tile.columns)
	for panel := range f.count() {
		begin, width := panel*tile.columns, f.width(panel)
		columns := min(width, f.o-begin)
		data := f.data[f.begins[panel]:]
		for r := range f.runs {
			for i := range f.run {
				step := r*f.steps + i/4
				for column, v := range w[(r*f.run+i)*f.o+begin:][:columns] {
					f.start[begin+column] += (tile.offset() - int32(zero)) * int32(v)
					tile.putInt8(data, step*width, width, column, i%4, v)
				}
			}
		}
		if again != nil {
			f.halve(data, width, again[panel])
		}
	}
	return f
}

// offset is what tiles take off the bytes that they read.
func (t *narrowTiler) offset() int32 {
	if t.signed {
		return 128
	}
	return 0
}

// putInt8 packs a filter's byte i of a step, before which there are so many columns of steps.
func (t *narrowTiler) putInt8(panel []byte, before, columns, column, i int, v int8) {
	if !t.wide {
		panel[(before+column)*4+i] = byte(v)
		return
	}
	at := before*8 + i%2*columns*4 + column*4 + i/2*2
	panel[at], panel[at+1] = byte(v), byte(v>>7) // little endian
}

// Forward computes dst [N, OH, OW, O] from x [N, H, W, C], finished by the epilogue. dst may be the residual.
func (pc *PackedConvInt8) Forward(p Parallel, c Conv, dst, x []uint8, e EpilogueInt8) {
	if n := pc.outputs(c); n > 0 {
		pc.forward(p, c, narrowOutput{data: unsafe.Pointer(&dst[:n][0]), size: 1}, x, e)
	}
}

// ForwardFloat is Forward to floats: the result before it would be rounded and moved, without Factor.
func (pc *PackedConvInt8) ForwardFloat(p Parallel, c Conv, dst []float32, x []uint8, e EpilogueInt8) {
	if n := pc.outputs(c); n > 0 {
		pc.forward(p, c, narrowOutput{data: unsafe.Pointer(&dst[:n][0]), size: 4}, x, e)
	}
}

func (pc *PackedConvInt8) outputs(c Conv) int {
	pc.conv.sameFilters(c)
	return c.N * c.OH * c.OW * c.O
}

// sameFilters panics unless filters that were packed for c fit another convolution.
func (c Conv) sameFilters(other Conv) {
	other.check()
	if other.Groups != 1 || c.KH != other.KH || c.KW != other.KW || c.C != other.C || c.O != other.O || newWindowRuns(c, 1) != newWindowRuns(other, 1) {
		panic(fmt.Sprintf("kernels: filters packed for %+v do not fit %+v", c, other))
	}
}

func (pc *PackedConvInt8) forward(p Parallel, c Conv, out narrowOutput, x []uint8, e EpilogueInt8) {
	e.Scale = e.Scale[:c.O]
	if e.Bias != nil {
		e.Bias = e.Bias[:c.O]
	}
	x = x[:c.N*c.H*c.W*c.C]
	shared := e.sharedInt8(&out)
	if f := pc.winogradFor(c); f != nil {
		f.convolve(p, c, out, x, &e, shared)
		return
	}
	pc.windows().convolve(p, c, out, x, &e, shared)
}

func (f *windowsInt8) convolve(p Parallel, c Conv, out narrowOutput, x []uint8, e *EpilogueInt8, shared narrowTile) {
	shared.mode |= out.fetch(c.N * c.OH * c.OW * c.O)
	job := narrowConv{Conv: c, window: f.windowRuns, x: x, padding: f.zero, matrix: f.tile.matrix}
	job.compute(p, f.count(), len(f.data), func(w *narrowWorkspace, image unsafe.Pointer, row, panel int) {
		begin := panel * f.tile.columns
		w.tile = shared
		w.tile.image, w.tile.start = image, unsafe.Pointer(&f.start[begin])
		w.tile.factorsInt8(e, w, begin, f.runs*f.run)
		f.panel(w, out, row, panel)
	})
}
