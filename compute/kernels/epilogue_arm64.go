package kernels

import "unsafe"

// finishRows finishes one row of outputs: bias, residual, ReLU.
func finishRows(dst, bias, residual []float32, relu bool, level Level) {
	n := len(dst) &^ 3
	if level != NEON || n == 0 {
		finishPortable(dst, bias, residual, relu)
		return
	}
	finishNEON(unsafe.Pointer(&dst[0]), unsafe.Pointer(unsafe.SliceData(bias)), unsafe.Pointer(unsafe.SliceData(residual)), n, relu)
	if n < len(dst) {
		finishPortable(dst[n:], after(bias, n), after(residual, n), relu)
	}
}

// after is what of s follows n elements; nil of nil.
func after(s []float32, n int) []float32 {
	if s == nil {
		return nil
	}
	return s[n:]
}

// finishNEON adds bias and residual, where they are not nil, to n floats, a multiple of 4, and takes max(x, 0) if relu.
//
//go:noescape
func finishNEON(dst, bias, residual unsafe.Pointer, n int, relu bool)
