package kernels

import "unsafe"

//go:generate go run narrow_generate.go narrow_generate_int8.go narrow_generate_bf16.go narrow_generate_amx.go

var (
	tilerAMX = narrowTiler{rows: heightsAMX, columns: 32, narrow: 16, matrix: true, run: (&amxCode{size: 1,
		products: [2][2]func(p *amxProduct){{product16x16Int8AMX, product16x32Int8AMX}, {product32x16Int8AMX, product32x32Int8AMX}},
		finish:   [4][2]func(t *narrowTile){{finish8x16Int8AVX512, finish8x32Int8AVX512}, {finish4x16Int8AVX512, finish4x32Int8AVX512}, {finish2x16Int8AVX512, finish2x32Int8AVX512}, {finish1x16Int8AVX512, finish1x32Int8AVX512}},
	}).run}
	tilerAVX512VNNI = narrowTiler{rows: heights512, columns: 32, narrow: 16, run: byHeight(heights512, 32,
		[]func(t *narrowTile){tile12x32Int8AVX512VNNI, tile8x32Int8AVX512VNNI, tile4x32Int8AVX512VNNI, tile2x32Int8AVX512VNNI, tile1x32Int8AVX512VNNI},
		[]func(t *narrowTile){tile12x16Int8AVX512VNNI, tile8x16Int8AVX512VNNI, tile4x16Int8AVX512VNNI, tile2x16Int8AVX512VNNI, tile1x16Int8AVX512VNNI})}
	tilerAVX512 = narrowTiler{rows: heights512, columns: 32, narrow: 16, wide: true, run: byHeight(heights512, 32,
		[]func(t *narrowTile){tile12x32Int8AVX512, tile8x32Int8AVX512, tile4x32Int8AVX512, tile2x32Int8AVX512, tile1x32Int8AVX512},
		[]func(t *narrowTile){tile12x16Int8AVX512, tile8x16Int8AVX512, tile4x16Int8AVX512, tile2x16Int8AVX512, tile1x16Int8AVX512})}
	tilerAVXVNNI = narrowTiler{rows: heights256, columns: 16, narrow: 16, run: byHeight(heights256, 16, []func(t *narrowTile){tile6x16Int8AVXVNNI, tile3x16Int8AVXVNNI, tile1x16Int8AVXVNNI}, nil)}
	tilerAVX2    = narrowTiler{rows: heights256, columns: 16, narrow: 16, pairs: true, run: byHeight(heights256, 16, []func(t *narrowTile){tile6x16Int8AVX2, tile3x16Int8AVX2, tile1x16Int8AVX2}, nil)}
)

// amxDepth and amxDepthSpread are the bytes of a window from which AMX pays, where there is one pixel and where there are
// more, which are written to a matrix before: products of fewer take longer to begin and to finish than to multiply.
const (
	amxDepth       = 2 * matrixChunk
	amxDepthSpread = 4 * matrixChunk
)

func tilerInt8Of(l Level, c Conv) *narrowTiler {
	if depth := c.KH * c.KW * c.C; l == AMX && (depth < amxDepth || depth > c.C && depth < amxDepthSpread) {
		l = AVX512VNNI
	}
	switch l {
	case AMX:
		return &tilerAMX
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

//go:noescape
func product16x16Int8AMX(p *amxProduct)

//go:noescape
func product16x32Int8AMX(p *amxProduct)

//go:noescape
func product32x16Int8AMX(p *amxProduct)

//go:noescape
func product32x32Int8AMX(p *amxProduct)

//go:noescape
func finish8x32Int8AVX512(t *narrowTile)

//go:noescape
func finish8x16Int8AVX512(t *narrowTile)

//go:noescape
func finish4x32Int8AVX512(t *narrowTile)

//go:noescape
func finish4x16Int8AVX512(t *narrowTile)

//go:noescape
func finish2x32Int8AVX512(t *narrowTile)

//go:noescape
func finish2x16Int8AVX512(t *narrowTile)

//go:noescape
func finish1x32Int8AVX512(t *narrowTile)

//go:noescape
func finish1x16Int8AVX512(t *narrowTile)
