package kernels

import (
	"math"
	"unsafe"
)

var portableTilerInt8 = narrowTiler{rows: []int{4, 2, 1}, columns: 16, narrow: 16, run: runInt8Portable}

// runInt8Portable is what all tiles compute.
func runInt8Portable(t *narrowTile, rows, _ int) {
	size, residualSize := t.sizes(1)
	for {
		t.portableInt8(rows)
		if t.tiles--; t.tiles == 0 {
			return
		}
		t.next(rows, size, residualSize)
	}
}

// sizes are those of outputs and residuals, in bytes, where those that are no floats have so many.
func (t *narrowTile) sizes(narrow int) (size, residualSize int) {
	size, residualSize = narrow, narrow
	if t.mode&modeFloat != 0 {
		size = 4
	}
	if t.mode&modeResidualFloat != 0 {
		residualSize = 4
	}
	return size, residualSize
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

// finishInt8 is the epilogue of a tile's row r.
func (t *narrowTile) finishInt8(r int, sums []int32) {
	n := len(sums)
	scale, bias := unsafe.Slice((*float32)(t.scale), n), unsafe.Slice((*float32)(t.bias), n)
	for i, sum := range sums {
		at := r*t.stride + i
		v := fusedMultiplyAdd(float32(sum), scale[i], bias[i])
		switch {
		case t.mode&modeResidual != 0:
			residual := int32(*(*uint8)(unsafe.Add(t.residual, at))) - t.residualZero
			v = fusedMultiplyAdd(float32(residual), t.residualScale, v)
		case t.mode&modeResidualFloat != 0:
			v = fusedMultiplyAdd(*(*float32)(unsafe.Add(t.residual, 4*at)), t.residualScale, v)
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

// fusedMultiplyAdd returns a·b + c, rounded once, as the instructions of that name do. The product is exact in
// float64. Their sum is not, and could be rounded to halfway between two float32: so it is rounded to odd
// (https://hal.inria.fr/inria-00080427), which leaves the second rounding to decide.
func fusedMultiplyAdd(a, b, c float32) float32 {
	product := float64(a) * float64(b)
	sum := product + float64(c)
	part := sum - product
	rest := (product - (sum - part)) + (float64(c) - part) // what rounding has taken away (Knuth's TwoSum)
	if bits := math.Float64bits(sum); bits&1 == 0 && (rest > 0 || rest < 0) {
		if rest > 0 == (sum > 0) {
			bits++
		} else {
			bits--
		}
		sum = math.Float64frombits(bits)
	}
	return float32(sum)
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

// sharedInt8 is what all tiles of an epilogue have in common; it says in out what they add.
func (e *EpilogueInt8) sharedInt8(out *narrowOutput) narrowTile {
	t := narrowTile{residualScale: 1}
	if out.size == 4 {
		t.mode = modeFloat
		if e.ReLU {
			t.mode |= modeReLU
		}
	} else {
		t.zero, t.least, t.most = int32(e.Zero), -float32(e.Zero), 255-float32(e.Zero)
		t.residualScale = e.Factor
		if e.ReLU {
			t.least, t.floor = 0, uint32(e.Zero)*0x01010101
		}
	}
	switch {
	case e.Residual != nil:
		out.residual, out.residualSize = unsafe.Pointer(&e.Residual[0]), 1
		t.mode |= modeResidual
		t.residualScale, t.residualZero = t.residualScale*e.ResidualScale, int32(e.ResidualZero)
	case e.ResidualFloat != nil:
		out.residual, out.residualSize = unsafe.Pointer(&e.ResidualFloat[0]), 4
		t.mode |= modeResidualFloat
	}
	return t
}

// factorsInt8 gives a tile, in a worker's memory, scale and bias of the columns from begin on, and finds out whether
// results may be too large. depth is the number of products in a sum.
func (t *narrowTile) factorsInt8(e *EpilogueInt8, w *narrowWorkspace, begin, depth int) {
	factor := float32(1)
	if t.mode&modeFloat == 0 {
		factor = e.Factor
	}
	t.scale, t.bias = unsafe.Pointer(&w.scale), unsafe.Pointer(&w.bias)
	scales := e.Scale[begin:]
	// Bits of absolute values are in the order of the values, with NaN as the greatest.
	var greatestScale, greatestBias uint32
	for i, s := range scales[:min(len(w.scale), len(scales))] {
		s *= factor
		w.scale[i] = s
		greatestScale = max(greatestScale, math.Float32bits(s)&^(1<<31))
	}
	clear(w.bias[:])
	if e.Bias != nil {
		biases := e.Bias[begin:]
		for i, b := range biases[:min(len(w.bias), len(biases))] {
			b *= factor
			w.bias[i] = b
			greatestBias = max(greatestBias, math.Float32bits(b)&^(1<<31))
		}
	}
	greatest := float64(math.Float32frombits(greatestScale))*255*128*float64(depth) + float64(math.Float32frombits(greatestBias))
	if t.mode&modeResidual != 0 {
		greatest += 255 * math.Abs(float64(t.residualScale))
	}
	if !(greatest < 1<<30) || t.mode&modeResidualFloat != 0 {
		t.mode |= modeLarge
	}
}
