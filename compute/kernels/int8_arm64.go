package kernels

import "unsafe"

var tilerNEONDot = narrowTiler{rows: []int{4, 1}, columns: 16, narrow: 16, signed: true, run: runInt8NEON}

func tilerInt8Of(l Level, _ Conv) *narrowTiler {
	if l == NEONDot {
		return &tilerNEONDot
	}
	return &portableTilerInt8
}

// runInt8NEON runs tiles, whose sums rest in memory before their epilogue.
func runInt8NEON(t *narrowTile, rows, _ int) {
	var sums [4 * 16]int32
	size, residualSize := t.sizes(1)
	for {
		if rows == 1 {
			sums1x16NEON(t, &sums)
		} else {
			sums4x16NEON(t, &sums)
		}
		finishInt8NEON(t, &sums, rows)
		if t.tiles--; t.tiles == 0 {
			return
		}
		t.next(rows, size, residualSize)
	}
}

// quantiseVector and the two that follow return how many elements they have done.
func quantiseVector(dst []uint8, x []float32, factor, least, most float32, zero int32) int {
	n := len(x) &^ 15
	if n == 0 || Active() != NEON {
		return 0
	}
	quantiseNEON(unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), n, factor, least, most, zero)
	return n
}

func dequantiseVector(dst []float32, q []uint8, scale float32, zero int32) int {
	n := len(q) &^ 15
	if n == 0 || Active() != NEON {
		return 0
	}
	dequantiseNEON(unsafe.Pointer(&dst[0]), unsafe.Pointer(&q[0]), n, scale, zero)
	return n
}

func maxVector(dst, a []uint8) int {
	n := len(dst) &^ 15
	if n == 0 || Active() != NEON {
		return 0
	}
	maxUint8NEON(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), n)
	return n
}

//go:noescape
func sums4x16NEON(t *narrowTile, sums *[4 * 16]int32)

//go:noescape
func sums1x16NEON(t *narrowTile, sums *[4 * 16]int32)

//go:noescape
func finishInt8NEON(t *narrowTile, sums *[4 * 16]int32, rows int)

//go:noescape
func quantiseNEON(dst, x unsafe.Pointer, n int, factor, least, most float32, zero int32)

//go:noescape
func dequantiseNEON(dst, q unsafe.Pointer, n int, scale float32, zero int32)

//go:noescape
func maxUint8NEON(dst, a unsafe.Pointer, n int)
