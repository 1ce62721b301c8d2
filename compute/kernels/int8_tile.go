package kernels

import (
	"math"
	"sync"
	"unsafe"
)

var portableTilerInt8 = narrowTiler{rows: []int{4, 2, 1}, columns: 16, narrow: 16, run: runInt8Portable}

// runInt8Portable is what all tiles compute.
func runInt8Portable(t *narrowTile, rows, _ int) {
	size, residualSize := 1, 1
	if t.mode&modeFloat != 0 {
		size = 4
	}
	if t.mode&modeResidualFloat != 0 {
		residualSize = 4
	}
	for {
		t.portableInt8(rows)
		if t.tiles--; t.tiles == 0 {
			return
		}
		t.next(rows, size, residualSize)
	}
}

func (t *narrowTile) portableInt8(rows int) {
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
		t.finishInt8(r, sums[r][:])
	}
}

// finishInt8 is the epilogue of a tile's row r. The conversions keep compilers from fusing products and sums.
func (t *narrowTile) finishInt8(r int, sums []int32) {
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
	scale, bias []float32  // of all panels' columns
	common      narrowTile // what all tiles share
}

var finishesInt8 = sync.Pool{New: func() any { return new(finishInt8) }}

func newFinishInt8(pc *PackedConvInt8, e EpilogueInt8, out *narrowOutput) *finishInt8 {
	f := finishesInt8.Get().(*finishInt8)
	factor := float32(1)
	if out.size == 4 {
		f.common = narrowTile{mode: modeFloat}
		if e.ReLU {
			f.common.mode |= modeReLU
		}
	} else {
		factor = e.Factor
		f.common = narrowTile{zero: int32(e.Zero), least: -float32(e.Zero), most: 255 - float32(e.Zero)}
		if e.ReLU {
			f.common.least, f.common.floor = 0, uint32(e.Zero)*0x01010101
		}
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
	switch {
	case e.Residual != nil:
		out.residual, out.residualSize = unsafe.Pointer(&e.Residual[0]), 1
		f.common.mode |= modeResidual
		f.common.residualScale, f.common.residualZero = e.ResidualScale*factor, int32(e.ResidualZero)
	case e.ResidualFloat != nil:
		out.residual, out.residualSize = unsafe.Pointer(&e.ResidualFloat[0]), 4
		f.common.mode |= modeResidualFloat
		f.common.residualScale = factor
	}
	if !(f.largest(pc, e) < 1<<30) {
		f.common.mode |= modeLarge
	}
	return f
}

// largest is a bound of the absolute results.
func (f *finishInt8) largest(pc *PackedConvInt8, e EpilogueInt8) float64 {
	if e.ResidualFloat != nil {
		return math.Inf(1)
	}
	most := 0.0
	for i, s := range f.scale {
		most = max(most, math.Abs(float64(s))*255*128*float64(pc.runs*pc.run)+math.Abs(float64(f.bias[i])))
	}
	return most + 255*math.Abs(float64(f.common.residualScale))
}

func (f *finishInt8) release() { finishesInt8.Put(f) }
