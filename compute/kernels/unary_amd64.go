package kernels

import "unsafe"

// expTable has the limits between which the result is neither 0 nor infinite, 1/ln 2, ln 2 in two parts, and
// the polynomial of Cephes (https://www.netlib.org/cephes, expf), falling; then 1 and 0.
var expTable = [14]float32{
	-105, 89, 1.44269504088896341, 0.693359375, -2.12194440e-4,
	1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 0,
}

// unary512 runs a loop over whole vectors where the level has it.
func unary512(f func(dst, a unsafe.Pointer, n int, table *[14]float32), dst, a []float32, table *[14]float32) bool {
	n := len(dst)
	if n == 0 || Active() != AVX512 {
		return n == 0
	}
	_ = a[n-1]
	f(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), n, table)
	return true
}

func erfFast(dst, a []float32) bool      { return unary512(erf512, dst, a, &erfTable) }
func tanhFast(dst, a []float32) bool     { return unary512(tanh512, dst, a, &tanhTable) }
func expFast(dst, a []float32) bool      { return unary512(exp512, dst, a, &expTable) }
func logisticFast(dst, a []float32) bool { return unary512(logistic512, dst, a, &expTable) }

func atMostFast(dst, a []float32, most float32) bool {
	n, level := len(dst), Active()
	if n == 0 || level < AVX2 {
		return n == 0
	}
	_ = a[n-1]
	if level == AVX2 {
		atMost256(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), n, most)
	} else {
		atMost512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), n, most)
	}
	return true
}

//go:noescape
func erf512(dst, a unsafe.Pointer, n int, table *[14]float32)

//go:noescape
func tanh512(dst, a unsafe.Pointer, n int, table *[14]float32)

//go:noescape
func exp512(dst, a unsafe.Pointer, n int, table *[14]float32)

//go:noescape
func logistic512(dst, a unsafe.Pointer, n int, table *[14]float32)

//go:noescape
func atMost512(dst, a unsafe.Pointer, n int, most float32)
