package kernels

import "unsafe"

var (
	tilerBF16AVX512BF16 = narrowTiler{rows: []int{12, 8, 4, 2, 1}, columns: 32, narrow: 16, run: runBF16AVX512BF16}
	tilerBF16AVX512     = narrowTiler{rows: []int{12, 8, 4, 2, 1}, columns: 32, narrow: 16, run: runBF16AVX512}
	tilerBF16AVX2       = narrowTiler{rows: []int{6, 3, 1}, columns: 16, narrow: 16, run: runBF16AVX2}
)

func tilerBF16Of(l Level) *narrowTiler {
	switch {
	case l == AVX512BF16:
		return &tilerBF16AVX512BF16
	case l.Vector() == AVX512:
		return &tilerBF16AVX512
	case l.Vector() == AVX2:
		return &tilerBF16AVX2
	}
	return &portableTilerBF16
}

func runBF16AVX512BF16(t *narrowTile, rows, columns int) {
	switch rows + columns<<4 {
	case 12 + 32<<4:
		tile12x32BF16AVX512BF16(t)
	case 8 + 32<<4:
		tile8x32BF16AVX512BF16(t)
	case 4 + 32<<4:
		tile4x32BF16AVX512BF16(t)
	case 2 + 32<<4:
		tile2x32BF16AVX512BF16(t)
	case 1 + 32<<4:
		tile1x32BF16AVX512BF16(t)
	case 12 + 16<<4:
		tile12x16BF16AVX512BF16(t)
	case 8 + 16<<4:
		tile8x16BF16AVX512BF16(t)
	case 4 + 16<<4:
		tile4x16BF16AVX512BF16(t)
	case 2 + 16<<4:
		tile2x16BF16AVX512BF16(t)
	default:
		tile1x16BF16AVX512BF16(t)
	}
}

func runBF16AVX512(t *narrowTile, rows, columns int) {
	switch rows + columns<<4 {
	case 12 + 32<<4:
		tile12x32BF16AVX512(t)
	case 8 + 32<<4:
		tile8x32BF16AVX512(t)
	case 4 + 32<<4:
		tile4x32BF16AVX512(t)
	case 2 + 32<<4:
		tile2x32BF16AVX512(t)
	case 1 + 32<<4:
		tile1x32BF16AVX512(t)
	case 12 + 16<<4:
		tile12x16BF16AVX512(t)
	case 8 + 16<<4:
		tile8x16BF16AVX512(t)
	case 4 + 16<<4:
		tile4x16BF16AVX512(t)
	case 2 + 16<<4:
		tile2x16BF16AVX512(t)
	default:
		tile1x16BF16AVX512(t)
	}
}

func runBF16AVX2(t *narrowTile, rows, _ int) {
	switch rows {
	case 6:
		tile6x16BF16AVX2(t)
	case 3:
		tile3x16BF16AVX2(t)
	default:
		tile1x16BF16AVX2(t)
	}
}

//go:noescape
func tile12x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile12x16BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile8x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile8x16BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile4x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile4x16BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile2x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile2x16BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile1x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile1x16BF16AVX512BF16(t *narrowTile)

//go:noescape
func tile12x32BF16AVX512(t *narrowTile)

//go:noescape
func tile12x16BF16AVX512(t *narrowTile)

//go:noescape
func tile8x32BF16AVX512(t *narrowTile)

//go:noescape
func tile8x16BF16AVX512(t *narrowTile)

//go:noescape
func tile4x32BF16AVX512(t *narrowTile)

//go:noescape
func tile4x16BF16AVX512(t *narrowTile)

//go:noescape
func tile2x32BF16AVX512(t *narrowTile)

//go:noescape
func tile2x16BF16AVX512(t *narrowTile)

//go:noescape
func tile1x32BF16AVX512(t *narrowTile)

//go:noescape
func tile1x16BF16AVX512(t *narrowTile)

//go:noescape
func tile6x16BF16AVX2(t *narrowTile)

//go:noescape
func tile3x16BF16AVX2(t *narrowTile)

//go:noescape
func tile1x16BF16AVX2(t *narrowTile)

// roundBF16Vector and the two that follow return how many elements they have done.
func roundBF16Vector(dst []uint16, x []float32) int {
	n := len(x) &^ 15
	switch {
	case n == 0 || Active() == Portable:
		return 0
	case Active() == AVX512:
		roundBF16AVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), n)
	default:
		roundBF16AVX2(unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), n)
	}
	return n
}

func widenBF16Vector(dst []float32, x []uint16) int {
	n := len(x) &^ 15
	if n == 0 || Active() == Portable {
		return 0
	}
	widenBF16AVX2(unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), n)
	return n
}

func maxBF16Vector(dst, a []uint16) int {
	n := len(dst) &^ 15
	if n == 0 || Active() == Portable {
		return 0
	}
	maxBF16AVX2(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), n)
	return n
}

//go:noescape
func roundBF16AVX512(dst, x unsafe.Pointer, n int)

//go:noescape
func roundBF16AVX2(dst, x unsafe.Pointer, n int)

//go:noescape
func widenBF16AVX2(dst, x unsafe.Pointer, n int)

//go:noescape
func maxBF16AVX2(dst, a unsafe.Pointer, n int)
