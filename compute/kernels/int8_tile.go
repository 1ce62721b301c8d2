package kernels

import (
	"math"
	"sync"
	"unsafe"
)

// tileInt8 is the innermost product and its epilogue: rows x columns of the output. Assembly knows the
// fields by their offsets.
type tileInt8 struct {
	image         unsafe.Pointer // bytes
	rows          unsafe.Pointer // *int: where each row's window begins in image
	runs          unsafe.Pointer // *int: where each run of a window begins after that
	runCount      int
	steps         int            // fours of bytes of a run
	filters       unsafe.Pointer // of the panel
	start         unsafe.Pointer // [columns]int32
	scale, bias   unsafe.Pointer // [columns]float32
	out           unsafe.Pointer // uint8, or float32 by the mode
	stride        int            // elements from a row of out, and of residual, to the next
	residual      unsafe.Pointer // by the mode
	residualScale float32
	residualZero  int32
	least, most   float32 // to which bytes are clamped before zero is added
	zero          int32
	mode          modeInt8
	tiles         int    // below one another; image and filters are the same
	floor         uint32 // four times the byte that least becomes
}

// modeInt8 says what a tile's epilogue does.
type modeInt8 int32

const (
	modeFloat         modeInt8 = 1 << iota // floats come out, else bytes
	modeResidual                           // the residual is bytes
	modeResidualFloat                      // the residual is floats
	modeReLU                               // for floats; bytes have it in least
	modeLarge                              // results may be too large for an int32
)

// tilerInt8 is the code of an instruction set for tiles.
type tilerInt8 struct {
	rows    []int                                // that a tile may have, the most first, down to 1
	columns int                                  // of a panel
	narrow  int                                  // columns of the last panel where that suffices
	wide    bool                                 // filters are int16, for each step first those of bytes 0 and 2, then of 1 and 3
	run     func(t *tileInt8, rows, columns int) // leaves t at the last tile
}

// fit returns the rows of the next tiles, and how many they are, where so many rows are left.
func (t *tilerInt8) fit(left int) (rows, tiles int) {
	for _, rows = range t.rows {
		if rows <= left {
			break
		}
	}
	return rows, left / rows
}

// stepBytes is the memory of a column of filters for one step.
func (t *tilerInt8) stepBytes() int {
	if t.wide {
		return 8
	}
	return 4
}

// put packs a filter's byte i of the step that begins at step, in columns.
func (t *tilerInt8) put(panel []int8, step, columns, column, i int, v int8) {
	if !t.wide {
		panel[(step+column)*4+i] = v
		return
	}
	at := step*8 + i%2*columns*4 + column*4 + i/2*2
	panel[at], panel[at+1] = v, v>>7 // little endian
}

var portableTilerInt8 = tilerInt8{rows: []int{4, 2, 1}, columns: 16, narrow: 16, run: runInt8Portable}

func activeTilerInt8() *tilerInt8 { return tilerInt8Of(ActiveNarrow()) }

// runInt8Portable is what all tiles compute.
func runInt8Portable(t *tileInt8, rows, _ int) {
	size, residualSize := 1, 1
	if t.mode&modeFloat != 0 {
		size = 4
	}
	if t.mode&modeResidualFloat != 0 {
		residualSize = 4
	}
	for {
		t.portable(rows)
		if t.tiles--; t.tiles == 0 {
			return
		}
		// No pointer may lie beyond the end of its memory, even if it is not used.
		t.rows = unsafe.Add(t.rows, rows*int(unsafe.Sizeof(0)))
		t.out = unsafe.Add(t.out, rows*t.stride*size)
		if t.residual != nil {
			t.residual = unsafe.Add(t.residual, rows*t.stride*residualSize)
		}
	}
}

func (t *tileInt8) portable(rows int) {
	const columns = 16
	var sums [4][columns]int32
	offsets := unsafe.Slice((*int)(t.rows), rows)
	for r := range offsets {
		sums[r] = *(*[columns]int32)(t.start)
	}
	for i, run := range unsafe.Slice((*int)(t.runs), t.runCount) {
		for step := range t.steps {
			panel := (*[columns][4]int8)(unsafe.Add(t.filters, (i*t.steps+step)*4*columns))
			for r, offset := range offsets {
				a := (*[4]uint8)(unsafe.Add(t.image, offset+run+4*step))
				a0, a1, a2, a3 := int32(a[0]), int32(a[1]), int32(a[2]), int32(a[3])
				sum := &sums[r]
				for j := range panel {
					w := &panel[j]
					sum[j] += a0*int32(w[0]) + a1*int32(w[1]) + a2*int32(w[2]) + a3*int32(w[3])
				}
			}
		}
	}
	for r := range offsets {
		t.finish(r, sums[r][:])
	}
}

// finish is the epilogue of a tile's row r. The conversions keep compilers from fusing products and sums.
func (t *tileInt8) finish(r int, sums []int32) {
	n := len(sums)
	scale, bias := unsafe.Slice((*float32)(t.scale), n), unsafe.Slice((*float32)(t.bias), n)
	for i, sum := range sums {
		at := r*t.stride + i
		v := float32(float32(sum)*scale[i]) + bias[i]
		switch {
		case t.mode&modeResidual != 0:
			residual := int32(*(*uint8)(unsafe.Add(t.residual, at))) - t.residualZero
			v += float32(float32(residual) * t.residualScale)
		case t.mode&modeResidualFloat != 0:
			v += float32(*(*float32)(unsafe.Add(t.residual, 4*at)) * t.residualScale)
		}
		if t.mode&modeFloat == 0 {
			*(*uint8)(unsafe.Add(t.out, at)) = roundUint8(v, t.least, t.most, t.zero)
			continue
		}
		if t.mode&modeReLU != 0 && !(v > 0) {
			v = 0
		}
		*(*float32)(unsafe.Add(t.out, 4*at)) = v
	}
}

// roundUint8 rounds v, clamped, to the nearest even number and adds zero; a NaN counts as least.
func roundUint8(v, least, most float32, zero int32) uint8 {
	if !(v > least) {
		v = least
	}
	if v > most {
		v = most
	}
	return uint8(int32(math.RoundToEven(float64(v))) + zero)
}

// finishInt8 is an epilogue as tiles take it.
type finishInt8 struct {
	scale, bias   []float32 // of all panels' columns
	residual      []uint8
	residualFloat []float32
	common        tileInt8 // what all tiles share
	size          int      // bytes of an output
}

var finishesInt8 = sync.Pool{New: func() any { return new(finishInt8) }}

func newFinishInt8(pc *PackedConvInt8, e EpilogueInt8, float bool) *finishInt8 {
	f := finishesInt8.Get().(*finishInt8)
	factor := float32(1)
	f.size = 4
	f.common = tileInt8{mode: modeFloat}
	if !float {
		factor = e.Factor
		f.size = 1
		f.common = tileInt8{zero: int32(e.Zero), least: -float32(e.Zero), most: 255 - float32(e.Zero)}
		if e.ReLU {
			f.common.least, f.common.floor = 0, uint32(e.Zero)*0x01010101
		}
	} else if e.ReLU {
		f.common.mode |= modeReLU
	}
	columns := len(pc.start)
	scale, bias := grown(&f.scale, columns), grown(&f.bias, columns)
	clear(scale[pc.o:])
	clear(bias)
	for i, s := range e.Scale[:pc.o] {
		scale[i] = s * factor
	}
	if e.Bias != nil {
		for i, b := range e.Bias[:pc.o] {
			bias[i] = b * factor
		}
	}
	f.scale, f.bias = scale, bias
	f.residual, f.residualFloat = e.Residual, e.ResidualFloat
	if !(f.largest(pc, e, factor) < 1<<30) {
		f.common.mode |= modeLarge
	}
	switch {
	case e.Residual != nil:
		f.common.mode |= modeResidual
		f.common.residualScale, f.common.residualZero = e.ResidualScale*factor, int32(e.ResidualZero)
	case e.ResidualFloat != nil:
		f.common.mode |= modeResidualFloat
		f.common.residualScale = factor
	}
	return f
}

// largest is a bound of the absolute results.
func (f *finishInt8) largest(pc *PackedConvInt8, e EpilogueInt8, factor float32) float64 {
	if e.ResidualFloat != nil {
		return math.Inf(1)
	}
	most := 0.0
	for i, s := range f.scale {
		most = max(most, math.Abs(float64(s))*255*128*float64(pc.runs*pc.run)+math.Abs(float64(f.bias[i])))
	}
	if e.Residual != nil {
		most += 255 * math.Abs(float64(e.ResidualScale)*float64(factor))
	}
	return most
}

// prepare gives a tile the epilogue of the columns from begin on.
func (f *finishInt8) prepare(t *tileInt8, begin int) {
	t.scale, t.bias = unsafe.Pointer(&f.scale[begin]), unsafe.Pointer(&f.bias[begin])
	t.least, t.most, t.floor, t.zero, t.mode = f.common.least, f.common.most, f.common.floor, f.common.zero, f.common.mode
	t.residualScale, t.residualZero = f.common.residualScale, f.common.residualZero
}

func (f *finishInt8) release() {
	f.residual, f.residualFloat = nil, nil
	finishesInt8.Put(f)
}
