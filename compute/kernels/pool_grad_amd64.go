package kernels

import "unsafe"

func poolGradFast(dx, x, dy []float32, rows, columns, pitch int, least bool) bool {
	if Active() != AVX512 || least {
		return false
	}
	poolGrad512(&poolGradWork{unsafe.Pointer(&dx[0]), unsafe.Pointer(&x[0]), unsafe.Pointer(&dy[0]), len(dy), rows, columns, 4 * pitch, 4 * len(dy)})
	return true
}

//go:noescape
func poolGrad512(work *poolGradWork)
