package kernels

import "unsafe"

const hasAssembly = true

var (
	avx512Tiler = tiler{rows: 14, columns: 32, narrow: 16, shorter: []int{4, 8}, multiply: multiplyAVX512}
	avx2Tiler   = tiler{rows: 6, columns: 16, narrow: 16, multiply: multiplyAVX2}
)

func tilerOf(l Level) *tiler {
	switch l {
	case AVX512:
		return &avx512Tiler
	case AVX2:
		return &avx2Tiler
	}
	return &portableTiler
}

func multiplyAVX512(c, a, b unsafe.Pointer, height, k, ldc, aRow, aCol, bRow int, thin, add bool) {
	switch {
	case thin:
		tile14x16(c, a, b, k, ldc, aRow, aCol, bRow, add)
	case height == 4:
		tile4x32(c, a, b, k, ldc, aRow, aCol, bRow, add)
	case height == 8:
		tile8x32(c, a, b, k, ldc, aRow, aCol, bRow, add)
	default:
		tile14x32(c, a, b, k, ldc, aRow, aCol, bRow, add)
	}
}

func multiplyAVX2(c, a, b unsafe.Pointer, _, k, ldc, aRow, aCol, bRow int, _, add bool) {
	tile6x16(c, a, b, k, ldc, aRow, aCol, bRow, add)
}

// finishRows finishes one row of outputs: bias, residual, ReLU.
func finishRows(dst, bias, residual []float32, relu bool, level Level) {
	n := len(dst) &^ 15
	if level != AVX512 || n == 0 {
		finishPortable(dst, bias, residual, relu)
		return
	}
	var b, r unsafe.Pointer
	if bias != nil {
		b = unsafe.Pointer(&bias[0])
	}
	if residual != nil {
		r = unsafe.Pointer(&residual[0])
	}
	finish512(unsafe.Pointer(&dst[0]), b, r, n, relu)
	if n < len(dst) {
		rest := func(s []float32) []float32 {
			if s == nil {
				return nil
			}
			return s[n:]
		}
		finishPortable(dst[n:], rest(bias), rest(residual), relu)
	}
}

//go:noescape
func tile14x32(c, a, b unsafe.Pointer, k, ldc, aRow, aCol, bRow int, add bool)

//go:noescape
func tile8x32(c, a, b unsafe.Pointer, k, ldc, aRow, aCol, bRow int, add bool)

//go:noescape
func tile4x32(c, a, b unsafe.Pointer, k, ldc, aRow, aCol, bRow int, add bool)

//go:noescape
func tile14x16(c, a, b unsafe.Pointer, k, ldc, aRow, aCol, bRow int, add bool)

//go:noescape
func tile6x16(c, a, b unsafe.Pointer, k, ldc, aRow, aCol, bRow int, add bool)

// finish512 adds bias and residual, where they are not nil, to n floats, a multiple of 16, and takes
// max(x, 0) if relu.
//
//go:noescape
func finish512(dst, bias, residual unsafe.Pointer, n int, relu bool)
