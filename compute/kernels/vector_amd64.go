package kernels

import "unsafe"

// binary runs the loop of the level.
func binary(f512, f256 func(dst, a, b unsafe.Pointer, n int), dst, a, b []float32) bool {
	n := len(dst)
	if n == 0 {
		return true
	}
	level := Active()
	if level < AVX2 {
		return false
	}
	f := f512
	if level == AVX2 {
		f = f256
	}
	_, _ = a[n-1], b[n-1]
	f(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), n)
	return true
}

func addFast(dst, a, b []float32) bool { return binary(add512, add256, dst, a, b) }
func subFast(dst, a, b []float32) bool { return binary(sub512, sub256, dst, a, b) }
func mulFast(dst, a, b []float32) bool { return binary(mul512, mul256, dst, a, b) }
func divFast(dst, a, b []float32) bool { return binary(div512, div256, dst, a, b) }
func maxFast(dst, a, b []float32) bool { return binary(max512, max256, dst, a, b) }
func minFast(dst, a, b []float32) bool { return binary(min512, min256, dst, a, b) }

func notNegativeFast(dst, a []float32) bool {
	n := len(dst)
	if n == 0 || Active() != AVX512 {
		return n == 0
	}
	_ = a[n-1]
	notNegative512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), n)
	return true
}

func sqrtFast(dst, a []float32) bool {
	n := len(dst)
	if n == 0 || Active() != AVX512 {
		return n == 0
	}
	_ = a[n-1]
	sqrt512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), n)
	return true
}

func columnSumsFast(sums, x []float32, rows int) bool {
	if Active() != AVX512 {
		return false
	}
	columnSums512(unsafe.Pointer(&sums[0]), unsafe.Pointer(&x[0]), rows, len(sums))
	return true
}

func columnSquaresFast(squares, x, centres []float32, rows int) bool {
	if Active() != AVX512 {
		return false
	}
	columnSquares512(unsafe.Pointer(&squares[0]), unsafe.Pointer(&x[0]), unsafe.Pointer(&centres[0]), rows, len(squares))
	return true
}

func columnProductsFast(sums, products, x, dy, centres []float32, rows int) bool {
	if Active() != AVX512 {
		return false
	}
	columnProducts512(unsafe.Pointer(&sums[0]), unsafe.Pointer(&products[0]), unsafe.Pointer(&x[0]), unsafe.Pointer(&dy[0]), unsafe.Pointer(&centres[0]), rows, len(sums))
	return true
}

func scaleColumnsFast(dst, x, factors, shifts []float32, rows int) bool {
	if Active() != AVX512 {
		return false
	}
	scaleColumns512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), unsafe.Pointer(&factors[0]), unsafe.Pointer(&shifts[0]), rows, len(factors))
	return true
}

func combineColumnsFast(dst, x, dy, a, k, shifts []float32, rows int) bool {
	if Active() != AVX512 {
		return false
	}
	combineColumns512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&x[0]), unsafe.Pointer(&dy[0]), unsafe.Pointer(&a[0]), unsafe.Pointer(&k[0]), unsafe.Pointer(&shifts[0]), rows, len(a))
	return true
}

//go:noescape
func add512(dst, a, b unsafe.Pointer, n int)

//go:noescape
func sub512(dst, a, b unsafe.Pointer, n int)

//go:noescape
func mul512(dst, a, b unsafe.Pointer, n int)

//go:noescape
func div512(dst, a, b unsafe.Pointer, n int)

//go:noescape
func max512(dst, a, b unsafe.Pointer, n int)

//go:noescape
func min512(dst, a, b unsafe.Pointer, n int)

//go:noescape
func notNegative512(dst, a unsafe.Pointer, n int)

//go:noescape
func sqrt512(dst, a unsafe.Pointer, n int)

//go:noescape
func columnSums512(sums, x unsafe.Pointer, rows, n int)

//go:noescape
func columnSquares512(squares, x, centres unsafe.Pointer, rows, n int)

//go:noescape
func columnProducts512(sums, products, x, dy, centres unsafe.Pointer, rows, n int)

//go:noescape
func scaleColumns512(dst, x, factors, shifts unsafe.Pointer, rows, n int)

//go:noescape
func combineColumns512(dst, x, dy, a, k, shifts unsafe.Pointer, rows, n int)
