package kernels

import (
	"math"
	"unsafe"
)

// PackedConvBF16 holds the bfloat16 filters of a convolution, packed once for the level that is active then.
type PackedConvBF16 struct {
	narrowPanels
	conv Conv
	zero []float32 // [a panel's columns]: with which sums begin
}

// EpilogueBF16 is what is done to the sums of a convolution, in float32 and in this order: bias, residual,
// ReLU, which keeps a NaN.
type EpilogueBF16 struct {
	Bias     []float32 // [O]; nil for none
	Residual []uint16  // bfloat16 of the output's shape; nil for none
	ReLU     bool
}

// PackConvBF16 packs constant filters w [KH, KW, C, O]; the sizes of images in c do not matter. Groups is 1.
//
// Products of bfloat16 are exact in float32, and are added one by one in the order of the filters, each sum
// rounded to float32: up to AVX512 all levels give the same bits. At AVX512BF16 and AMX denormal numbers count as 0. At
// AVX512BF16 the CPU decides in which order it adds the two products of a pair (AMD's Zen 4: the same). AMX sums, of
// each 32 elements of a window, the even and the odd ones apart, adds both together and then to the sum of those before,
// so that what cancels out at other levels, or is too small to matter, may not. At each level the bits do not depend on
// the batch, an image's place and neighbours in it, or the number of threads. Where KW·C is odd, an infinity or NaN
// spoils the output whose window it is next to in its line, too.
func PackConvBF16(c Conv, w []uint16) *PackedConvBF16 {
	c.check()
	if c.Groups != 1 {
		panic("kernels: a convolution in bfloat16 has one group")
	}
	pc := &PackedConvBF16{narrowPanels: newNarrowPanels(c, 2, tilerBF16Of(ActiveNarrow()), nil), conv: c}
	pc.zero = make([]float32, pc.tile.columns)
	data := words(pc.data)
	for o := range pc.o {
		panel, column := o/pc.tile.columns, o%pc.tile.columns
		width := pc.width(panel)
		at := data[pc.begins[panel]/2:]
		for r := range pc.runs {
			for i := range pc.run / 2 {
				at[((r*pc.steps+i/2)*width+column)*2+i%2] = w[(r*pc.run/2+i)*pc.o+o]
			}
		}
	}
	return pc
}

// words views bytes as words.
func words(b []byte) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/2)
}

// Forward computes dst [N, OH, OW, O] from x [N, H, W, C], bfloat16 both, finished by the epilogue and rounded
// once to the nearest, half to even. dst may be the residual.
func (pc *PackedConvBF16) Forward(p Parallel, c Conv, dst, x []uint16, e EpilogueBF16) {
	if n := pc.outputs(c); n > 0 {
		pc.forward(p, c, narrowOutput{data: unsafe.Pointer(&dst[:n][0]), size: 2}, x, e)
	}
}

// ForwardFloat is Forward to floats, without the rounding.
func (pc *PackedConvBF16) ForwardFloat(p Parallel, c Conv, dst []float32, x []uint16, e EpilogueBF16) {
	if n := pc.outputs(c); n > 0 {
		pc.forward(p, c, narrowOutput{data: unsafe.Pointer(&dst[:n][0]), size: 4}, x, e)
	}
}

func (pc *PackedConvBF16) outputs(c Conv) int {
	pc.conv.sameFilters(c)
	return c.N * c.OH * c.OW * c.O
}

func (pc *PackedConvBF16) forward(p Parallel, c Conv, out narrowOutput, x []uint16, e EpilogueBF16) {
	var shared narrowTile
	if out.size == 4 {
		shared.mode |= modeFloat
	}
	if e.ReLU {
		shared.mode |= modeReLU
	}
	if e.Residual != nil {
		shared.mode |= modeResidual
		out.residual, out.residualSize = unsafe.Pointer(&e.Residual[0]), 2
	}
	bias := e.Bias
	if bias != nil {
		bias = bias[:pc.o]
	}
	shared.mode |= out.fetch(c.N * c.OH * c.OW * c.O)
	shared.start = unsafe.Pointer(&pc.zero[0])
	x = x[:c.N*c.H*c.W*c.C]
	job := narrowConv{Conv: c, window: pc.windowRuns, x: unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 2*len(x)), matrix: pc.tile.matrix}
	job.C *= 2
	job.compute(p, pc.count(), len(pc.data), func(w *narrowWorkspace, image unsafe.Pointer, row, panel int) {
		w.tile = shared
		w.tile.image, w.tile.bias = image, unsafe.Pointer(&w.bias)
		clear(w.bias[:])
		if bias != nil {
			copy(w.bias[:], bias[panel*pc.tile.columns:])
		}
		pc.panel(w, out, row, panel)
	})
}

var portableTilerBF16 = narrowTiler{rows: []int{4, 2, 1}, columns: 16, narrow: 16, run: runBF16Portable}

// runBF16Portable is what all tiles compute.
func runBF16Portable(t *narrowTile, rows, _ int) {
	size, residualSize := t.sizes(2)
	for {
		t.portableBF16(rows)
		if t.tiles--; t.tiles == 0 {
			return
		}
		t.next(rows, size, residualSize)
	}
}

// portableBF16 adds in float64, which holds any sum that an addition in float32 after an exact product would not
// merely leave as it was.
func (t *narrowTile) portableBF16(rows int) {
	const columns = 16
	var sums [4][columns]float32
	offsets := unsafe.Slice((*int)(t.rows), rows)
	for i, run := range unsafe.Slice((*int)(t.runs), t.runCount) {
		for step := range t.steps {
			panel := (*[columns][2]uint16)(unsafe.Add(t.filters, (i*t.steps+step)*4*columns))
			for r, offset := range offsets {
				a := (*[2]uint16)(unsafe.Add(t.image, offset+run+4*step))
				a0, a1 := float64(fromBF16(a[0])), float64(fromBF16(a[1]))
				sum := &sums[r]
				for j := range panel {
					s := float32(float64(sum[j]) + a0*float64(fromBF16(panel[j][0])))
					sum[j] = float32(float64(s) + a1*float64(fromBF16(panel[j][1])))
				}
			}
		}
	}
	for r := range offsets {
		t.finishBF16(r, sums[r][:])
	}
}

// finishBF16 is the epilogue of a tile's row r.
func (t *narrowTile) finishBF16(r int, sums []float32) {
	bias := unsafe.Slice((*float32)(t.bias), len(sums))
	for i, v := range sums {
		at := r*t.stride + i
		v += bias[i]
		if t.mode&modeResidual != 0 {
			v += fromBF16(*(*uint16)(unsafe.Add(t.residual, 2*at)))
		}
		if t.mode&modeReLU != 0 && v < 0 {
			v = 0
		}
		if t.mode&modeFloat != 0 {
			*(*float32)(unsafe.Add(t.out, 4*at)) = v
		} else {
			*(*uint16)(unsafe.Add(t.out, 2*at)) = toBF16(v)
		}
	}
}

// fromBF16 widens a bfloat16.
func fromBF16(v uint16) float32 { return math.Float32frombits(uint32(v) << 16) }

// toBF16 rounds to the nearest bfloat16, half to even; a NaN becomes a quiet one.
func toBF16(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
