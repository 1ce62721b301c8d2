package kernels

import "unsafe"

var neonWinograd = winogradTransforms{filter: winogradFilterNEON, input: winogradInputNEON, output: winogradOutputNEON, spread: winogradSpreadNEON, gather: winogradGatherNEON}

func winogradOf(l Level) *winogradTransforms {
	if l == NEON {
		return &neonWinograd
	}
	return &portableWinograd
}

//go:noescape
func winogradInputNEON(dst, src, scratch unsafe.Pointer, n, row, column, point int)

//go:noescape
func winogradOutputNEON(dst, src, bias, residual, scratch unsafe.Pointer, n, row, column, point int, relu bool)

//go:noescape
func winogradFilterNEON(dst, src unsafe.Pointer, n, tap, point int)

//go:noescape
func winogradSpreadNEON(dst, src, scratch unsafe.Pointer, n, row, column, point int)

//go:noescape
func winogradGatherNEON(dst, src, scratch unsafe.Pointer, n, tap, point int)
