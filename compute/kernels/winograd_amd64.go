package kernels

import "unsafe"

var (
	avx512Winograd = winogradTransforms{filter: winogradFilter512, input: winogradInput512, output: winogradOutput512, spread: winogradSpread512, gather: winogradGather512}
	avx2Winograd   = winogradTransforms{filter: winogradFilter256, input: winogradInput256, output: winogradOutput256, spread: winogradSpread256, gather: winogradGather256}
)

func winogradOf(l Level) *winogradTransforms {
	switch l {
	case AVX512:
		return &avx512Winograd
	case AVX2:
		return &avx2Winograd
	}
	return &portableWinograd
}

//go:noescape
func winogradInput512(dst, src, scratch unsafe.Pointer, n, row, column, point int)

//go:noescape
func winogradInput256(dst, src, scratch unsafe.Pointer, n, row, column, point int)

//go:noescape
func winogradOutput512(dst, src, bias, residual, scratch unsafe.Pointer, n, row, column, point int, relu bool)

//go:noescape
func winogradOutput256(dst, src, bias, residual, scratch unsafe.Pointer, n, row, column, point int, relu bool)

//go:noescape
func winogradFilter512(dst, src unsafe.Pointer, n, tap, point int)

//go:noescape
func winogradFilter256(dst, src unsafe.Pointer, n, tap, point int)

//go:noescape
func winogradSpread512(dst, src, scratch unsafe.Pointer, n, row, column, point int)

//go:noescape
func winogradGather512(dst, src, scratch unsafe.Pointer, n, tap, point int)

//go:noescape
func winogradSpread256(dst, src, scratch unsafe.Pointer, n, row, column, point int)

//go:noescape
func winogradGather256(dst, src, scratch unsafe.Pointer, n, tap, point int)
