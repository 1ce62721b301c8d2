package kernels

import (
	"fmt"
	"unsafe"
)

// maxDepthInt8 is the number of products of a byte and an int8 whose sum fits an int32:
// 2^31 / (255·128).
const maxDepthInt8 = 65793

// PackedConvInt8 holds the int8 filters of a convolution, packed once for the level that is active then.
type PackedConvInt8 struct {
	tile    *tilerInt8
	kh, kw  int
	c, o    int
	runs    int // stretches of the window that are adjacent in memory
	run     int // bytes of one
	steps   int // its length in fours, the last filled up with zeros
	zero    uint8
	filters []int8  // panel by panel, each [runs·steps][columns][4], or in int16 if the tile wants it
	start   []int32 // [panels·columns]: -zero·(the sum of a filter), with which its sums begin
}

// EpilogueInt8 is what is done to the sums of (x - zero)·w, in float32 and in this order: times Scale,
// plus Bias, plus the residual, ReLU. For bytes Scale, Bias, ResidualScale and ResidualFloat are
// multiplied by Factor first, and the result is rounded to the nearest even number, moved by Zero and clamped to
// [0, 255]. A NaN becomes 0, in bytes and by ReLU.
type EpilogueInt8 struct {
	Scale, Bias   []float32 // [O]; Bias may be nil
	Residual      []uint8   // of the output's shape, or nil: (Residual - ResidualZero)·ResidualScale is added
	ResidualScale float32
	ResidualZero  uint8
	ResidualFloat []float32 // of the output's shape, or nil
	ReLU          bool
	Factor        float32 // greater than 0; for bytes alone
	Zero          uint8   // for bytes alone
}

// PackConvInt8 packs constant filters w [KH, KW, C, O]; the sizes of images in c do not matter. zero is
// the zero point of the images, which padding has. Groups is 1, and KH·KW·C at most 65,793: sums are
// exact in int32.
func PackConvInt8(c Conv, w []int8, zero uint8) *PackedConvInt8 {
	c.check()
	if c.Groups != 1 || c.KH*c.KW*c.C > maxDepthInt8 {
		panic(fmt.Sprintf("kernels: %+v is no convolution in int8: one group, and a depth of %d at most", c, maxDepthInt8))
	}
	pc := &PackedConvInt8{tile: activeTilerInt8(), kh: c.KH, kw: c.KW, c: c.C, o: c.O, runs: c.KH, run: c.KW * c.C, zero: zero}
	if c.DilationW > 1 && c.KW > 1 {
		pc.runs, pc.run = c.KH*c.KW, c.C
	}
	pc.steps = (pc.run + 3) / 4
	pc.pack(w)
	return pc
}

func (pc *PackedConvInt8) panels() int { return (pc.o + pc.tile.columns - 1) / pc.tile.columns }

// width returns the columns of a panel as they are stored.
func (pc *PackedConvInt8) width(panel int) int {
	if pc.o-panel*pc.tile.columns <= pc.tile.narrow {
		return pc.tile.narrow
	}
	return pc.tile.columns
}

// panel is where a panel's filters begin.
func (pc *PackedConvInt8) panel(i int) int {
	return i * pc.tile.columns * pc.runs * pc.steps * pc.tile.stepBytes()
}

func (pc *PackedConvInt8) pack(w []int8) {
	if pc.o == 0 {
		return
	}
	last := pc.panels() - 1
	pc.start = make([]int32, pc.panels()*pc.tile.columns)
	pc.filters = make([]int8, pc.panel(last)+pc.width(last)*pc.runs*pc.steps*pc.tile.stepBytes())
	for o := range pc.o {
		panel, column := o/pc.tile.columns, o%pc.tile.columns
		width := pc.width(panel)
		at := pc.filters[pc.panel(panel):]
		sum := int32(0)
		for r := range pc.runs {
			for i := range pc.run {
				v := w[(r*pc.run+i)*pc.o+o]
				sum += int32(v)
				pc.tile.put(at, (r*pc.steps+i/4)*width, width, column, i%4, v)
			}
		}
		pc.start[o] = -int32(pc.zero) * sum
	}
}

// Forward computes dst [N, OH, OW, O] from x [N, H, W, C], finished by the epilogue.
func (pc *PackedConvInt8) Forward(p Parallel, c Conv, dst, x []uint8, e EpilogueInt8) {
	if len(dst) > 0 {
		pc.forward(p, c, unsafe.Pointer(&dst[:c.N*c.OH*c.OW*c.O][0]), x, e, false)
	}
}

// ForwardFloat is Forward to floats: the result before it would be rounded and moved.
func (pc *PackedConvInt8) ForwardFloat(p Parallel, c Conv, dst []float32, x []uint8, e EpilogueInt8) {
	if len(dst) > 0 {
		pc.forward(p, c, unsafe.Pointer(&dst[:c.N*c.OH*c.OW*c.O][0]), x, e, true)
	}
}

func (pc *PackedConvInt8) check(c Conv) {
	c.check()
	runs := c.KH
	if c.DilationW > 1 && c.KW > 1 {
		runs *= c.KW
	}
	if c.Groups != 1 || c.KH != pc.kh || c.KW != pc.kw || c.C != pc.c || c.O != pc.o || runs != pc.runs {
		panic(fmt.Sprintf("kernels: these filters were packed for another convolution than %+v", c))
	}
}

// forward computes tiles of the output from the windows where they lie in memory: in x itself, or, where windows
// reach over the border or runs do not end at a multiple of four, in a block's padded copy.
func (pc *PackedConvInt8) forward(p Parallel, c Conv, dst unsafe.Pointer, x []uint8, e EpilogueInt8, float bool) {
	pc.check(c)
	if c.N*c.OH*c.OW == 0 || c.O == 0 {
		return
	}
	job := &convInt8{Conv: c, filters: pc, dst: dst, x: x, finish: newFinishInt8(pc, e, float)}
	defer job.finish.release()
	job.direct = pc.run%4 == 0 && c.inside()
	blocks, parts := job.split(p.Workers())
	p.For(blocks*parts, func(i int) { job.block(i/parts, i%parts, parts) })
}

// inside says that no window reaches over the border.
func (c Conv) inside() bool {
	return c.PadTop == 0 && c.PadLeft == 0 && (c.OH-1)*c.StrideH+(c.KH-1)*c.DilationH < c.H && (c.OW-1)*c.StrideW+(c.KW-1)*c.DilationW < c.W
}
