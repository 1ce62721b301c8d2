package kernels

import "unsafe"

func binary(f func(dst, a, b unsafe.Pointer, n int), dst, a, b []float32) bool {
	n := len(dst)
	if n == 0 || Active() != NEON {
		return n == 0
	}
	_, _ = a[n-1], b[n-1]
	f(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), n)
	return true
}

func addFast(dst, a, b []float32) bool { return binary(addNEON, dst, a, b) }
func subFast(dst, a, b []float32) bool { return binary(subNEON, dst, a, b) }
func mulFast(dst, a, b []float32) bool { return binary(mulNEON, dst, a, b) }
func divFast(dst, a, b []float32) bool { return binary(divNEON, dst, a, b) }
func maxFast(dst, a, b []float32) bool { return binary(maxNEON, dst, a, b) }
func minFast(dst, a, b []float32) bool { return binary(minNEON, dst, a, b) }

//go:noescape
func addNEON(dst, a, b unsafe.Pointer, n int)

//go:noescape
func subNEON(dst, a, b unsafe.Pointer, n int)

//go:noescape
func mulNEON(dst, a, b unsafe.Pointer, n int)

//go:noescape
func divNEON(dst, a, b unsafe.Pointer, n int)

//go:noescape
func maxNEON(dst, a, b unsafe.Pointer, n int)

//go:noescape
func minNEON(dst, a, b unsafe.Pointer, n int)
