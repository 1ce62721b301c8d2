package kernels

import "unsafe"

var (
	tilerBF16AMX = narrowTiler{rows: heightsAMX, columns: 32, narrow: 16, matrix: true, run: (&amxCode{size: 2,
		products: [2][2]func(p *amxProduct){{product16x16BF16AMX, product16x32BF16AMX}, {product32x16BF16AMX, product32x32BF16AMX}},
		finish:   [4][2]func(t *narrowTile){{finish8x16BF16AVX512BF16, finish8x32BF16AVX512BF16}, {finish4x16BF16AVX512BF16, finish4x32BF16AVX512BF16}, {finish2x16BF16AVX512BF16, finish2x32BF16AVX512BF16}, {finish1x16BF16AVX512BF16, finish1x32BF16AVX512BF16}},
	}).run}
	tilerBF16AVX512BF16 = narrowTiler{rows: heights512, columns: 32, narrow: 16, run: byHeight(heights512, 32,
		[]func(t *narrowTile){tile12x32BF16AVX512BF16, tile8x32BF16AVX512BF16, tile4x32BF16AVX512BF16, tile2x32BF16AVX512BF16, tile1x32BF16AVX512BF16},
		[]func(t *narrowTile){tile12x16BF16AVX512BF16, tile8x16BF16AVX512BF16, tile4x16BF16AVX512BF16, tile2x16BF16AVX512BF16, tile1x16BF16AVX512BF16})}
	tilerBF16AVX512 = narrowTiler{rows: heights512, columns: 32, narrow: 16, run: byHeight(heights512, 32,
		[]func(t *narrowTile){tile12x32BF16AVX512, tile8x32BF16AVX512, tile4x32BF16AVX512, tile2x32BF16AVX512, tile1x32BF16AVX512},
		[]func(t *narrowTile){tile12x16BF16AVX512, tile8x16BF16AVX512, tile4x16BF16AVX512, tile2x16BF16AVX512, tile1x16BF16AVX512})}
	tilerBF16AVX2 = narrowTiler{rows: heights256, columns: 16, narrow: 16, run: byHeight(heights256, 16, []func(t *narrowTile){tile6x16BF16AVX2, tile3x16BF16AVX2, tile1x16BF16AVX2}, nil)}
)

func tilerBF16Of(l Level) *narrowTiler {
	switch {
	case l == AMX:
		return &tilerBF16AMX
	case l == AVX512BF16:
		return &tilerBF16AVX512BF16
	case l.Vector() == AVX512:
		return &tilerBF16AVX512
	case l.Vector() == AVX2:
		return &tilerBF16AVX2
	}
	return &portableTilerBF16
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

//go:noescape
func product16x16BF16AMX(p *amxProduct)

//go:noescape
func product16x32BF16AMX(p *amxProduct)

//go:noescape
func product32x16BF16AMX(p *amxProduct)

//go:noescape
func product32x32BF16AMX(p *amxProduct)

//go:noescape
func finish8x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func finish8x16BF16AVX512BF16(t *narrowTile)

//go:noescape
func finish4x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func finish4x16BF16AVX512BF16(t *narrowTile)

//go:noescape
func finish2x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func finish2x16BF16AVX512BF16(t *narrowTile)

//go:noescape
func finish1x32BF16AVX512BF16(t *narrowTile)

//go:noescape
func finish1x16BF16AVX512BF16(t *narrowTile)
