package kernels

import "unsafe"

// finishRows finishes one row of outputs: bias, residual, ReLU.
func finishRows(dst, bias, residual []float32, relu bool, level Level) {
	finish, n := finish512, len(dst)&^15
	if level == AVX2 {
		finish, n = finish256, len(dst)&^7
	}
	if level < AVX2 || n == 0 {
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
	finish(unsafe.Pointer(&dst[0]), b, r, n, relu)
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

// finish512 adds bias and residual, where they are not nil, to n floats, a multiple of 16, and takes
// max(x, 0) if relu.
//
//go:noescape
func finish512(dst, bias, residual unsafe.Pointer, n int, relu bool)
