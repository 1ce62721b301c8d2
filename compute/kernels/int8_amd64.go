package kernels

import "unsafe"

//go:generate go run narrow_generate.go

var (
	tilerAVX512VNNI = narrowTiler{rows: []int{12, 8, 4, 2, 1}, columns: 32, narrow: 16, run: runAVX512VNNI}
	tilerAVX512     = narrowTiler{rows: []int{12, 8, 4, 2, 1}, columns: 32, narrow: 16, wide: true, run: runAVX512}
	tilerAVXVNNI    = narrowTiler{rows: []int{6, 3, 1}, columns: 16, narrow: 16, run: runAVXVNNI}
	tilerAVX2       = narrowTiler{rows: []int{6, 3, 1}, columns: 16, narrow: 16, wide: true, run: runAVX2}
)

func tilerInt8Of(l Level) *narrowTiler {
	switch l {
	case AVX512VNNI, AVX512BF16:
		return &tilerAVX512VNNI
	case AVX512:
		return &tilerAVX512
	case AVXVNNI:
		return &tilerAVXVNNI
	case AVX2:
		return &tilerAVX2
	}
	return &portableTilerInt8
}

func runAVX512VNNI(t *narrowTile, rows, columns int) {
	switch rows + columns<<4 {
	case 12 + 32<<4:
		tile12x32Int8AVX512VNNI(t)
	case 8 + 32<<4:
		tile8x32Int8AVX512VNNI(t)
	case 4 + 32<<4:
		tile4x32Int8AVX512VNNI(t)
	case 2 + 32<<4:
		tile2x32Int8AVX512VNNI(t)
	case 1 + 32<<4:
		tile1x32Int8AVX512VNNI(t)
	case 12 + 16<<4:
		tile12x16Int8AVX512VNNI(t)
	case 8 + 16<<4:
		tile8x16Int8AVX512VNNI(t)
	case 4 + 16<<4:
		tile4x16Int8AVX512VNNI(t)
	case 2 + 16<<4:
		tile2x16Int8AVX512VNNI(t)
	default:
		tile1x16Int8AVX512VNNI(t)
	}
}

func runAVX512(t *narrowTile, rows, columns int) {
	switch rows + columns<<4 {
	case 12 + 32<<4:
		tile12x32Int8AVX512(t)
	case 8 + 32<<4:
		tile8x32Int8AVX512(t)
	case 4 + 32<<4:
		tile4x32Int8AVX512(t)
	case 2 + 32<<4:
		tile2x32Int8AVX512(t)
	case 1 + 32<<4:
		tile1x32Int8AVX512(t)
	case 12 + 16<<4:
		tile12x16Int8AVX512(t)
	case 8 + 16<<4:
		tile8x16Int8AVX512(t)
	case 4 + 16<<4:
		tile4x16Int8AVX512(t)
	case 2 + 16<<4:
		tile2x16Int8AVX512(t)
	default:
		tile1x16Int8AVX512(t)
	}
}

func runAVXVNNI(t *narrowTile, rows, _ int) {
	switch rows {
	case 6:
		tile6x16Int8AVXVNNI(t)
	case 3:
		tile3x16Int8AVXVNNI(t)
	default:
		tile1x16Int8AVXVNNI(t)
	}
}

func runAVX2(t *narrowTile, rows, _ int) {
	switch rows {
	case 6:
		tile6x16Int8AVX2(t)
	case 3:
		tile3x16Int8AVX2(t)
	default:
		tile1x16Int8AVX2(t)
	}
}

// quantiseVector and the two that follow return how many elements they have done.
func quantiseVector(dst []uint8, x []float32, factor, least, most float32, zero int32) int {
	n := len(x) &^ 15
	if n == 0 {
		return 0
	}
	switch Active() {
	case AVX512:
		quantise512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), n, factor, least, zero)
	case AVX2:
		quantise256(unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), n, factor, least, most, zero)
	default:
		return 0
	}
	return n
}

func dequantiseVector(dst []float32, q []uint8, scale float32, zero int32) int {
	n := len(q) &^ 15
	if n == 0 {
		return 0
	}
	switch Active() {
	case AVX512:
		dequantise512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&q[0]), n, scale, zero)
	case AVX2:
		dequantise256(unsafe.Pointer(&dst[0]), unsafe.Pointer(&q[0]), n, scale, zero)
	default:
		return 0
	}
	return n
}

func maxVector(dst, a []uint8) int {
	n := len(dst) &^ 31
	if n == 0 || Active() == Portable {
		return 0
	}
	maxUint8x32(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), n)
	return n
}

//go:noescape
func quantise512(dst, x unsafe.Pointer, n int, factor, least float32, zero int32)

//go:noescape
func quantise256(dst, x unsafe.Pointer, n int, factor, least, most float32, zero int32)

//go:noescape
func dequantise512(dst, q unsafe.Pointer, n int, scale float32, zero int32)

//go:noescape
func dequantise256(dst, q unsafe.Pointer, n int, scale float32, zero int32)

//go:noescape
func maxUint8x32(dst, a unsafe.Pointer, n int)

//go:noescape
func tile12x32Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile12x16Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile8x32Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile8x16Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile4x32Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile4x16Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile2x32Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile2x16Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile1x32Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile1x16Int8AVX512VNNI(t *narrowTile)

//go:noescape
func tile12x32Int8AVX512(t *narrowTile)

//go:noescape
func tile12x16Int8AVX512(t *narrowTile)

//go:noescape
func tile8x32Int8AVX512(t *narrowTile)

//go:noescape
func tile8x16Int8AVX512(t *narrowTile)

//go:noescape
func tile4x32Int8AVX512(t *narrowTile)

//go:noescape
func tile4x16Int8AVX512(t *narrowTile)

//go:noescape
func tile2x32Int8AVX512(t *narrowTile)

//go:noescape
func tile2x16Int8AVX512(t *narrowTile)

//go:noescape
func tile1x32Int8AVX512(t *narrowTile)

//go:noescape
func tile1x16Int8AVX512(t *narrowTile)

//go:noescape
func tile6x16Int8AVXVNNI(t *narrowTile)

//go:noescape
func tile3x16Int8AVXVNNI(t *narrowTile)

//go:noescape
func tile1x16Int8AVXVNNI(t *narrowTile)

//go:noescape
func tile6x16Int8AVX2(t *narrowTile)

//go:noescape
func tile3x16Int8AVX2(t *narrowTile)

//go:noescape
func tile1x16Int8AVX2(t *narrowTile)
