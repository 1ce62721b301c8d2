package kernels

import "math"

// Element-wise arithmetic. dst may be one of the operands, which are at least as long as dst. At AVX-512, and the
// commonest at AVX2 and NEON, the loops are assembly, since the compiler writes scalar ones.

// Add sets dst[i] = a[i] + b[i].
func Add(dst, a, b []float32) {
	if addFast(dst, a, b) {
		return
	}
	b = b[:len(dst)]
	for i, v := range a[:len(dst)] {
		dst[i] = v + b[i]
	}
}

// Sub sets dst[i] = a[i] - b[i].
func Sub(dst, a, b []float32) {
	if subFast(dst, a, b) {
		return
	}
	b = b[:len(dst)]
	for i, v := range a[:len(dst)] {
		dst[i] = v - b[i]
	}
}

// Mul sets dst[i] = a[i] · b[i].
func Mul(dst, a, b []float32) {
	if mulFast(dst, a, b) {
		return
	}
	b = b[:len(dst)]
	for i, v := range a[:len(dst)] {
		dst[i] = v * b[i]
	}
}

// Div sets dst[i] = a[i] / b[i].
func Div(dst, a, b []float32) {
	if divFast(dst, a, b) {
		return
	}
	b = b[:len(dst)]
	for i, v := range a[:len(dst)] {
		dst[i] = v / b[i]
	}
}

// Max sets dst[i] = max(a[i], b[i]), with NaNs and zeros as in Go.
func Max(dst, a, b []float32) {
	if maxFast(dst, a, b) {
		return
	}
	b = b[:len(dst)]
	for i, v := range a[:len(dst)] {
		dst[i] = max(v, b[i])
	}
}

// Min sets dst[i] = min(a[i], b[i]), with NaNs and zeros as in Go.
func Min(dst, a, b []float32) {
	if minFast(dst, a, b) {
		return
	}
	b = b[:len(dst)]
	for i, v := range a[:len(dst)] {
		dst[i] = min(v, b[i])
	}
}

// atMost sets dst[i] = min(a[i], most), and keeps NaNs.
func atMost(dst, a []float32, most float32) {
	if atMostFast(dst, a, most) {
		return
	}
	for i, v := range a[:len(dst)] {
		dst[i] = min(v, most)
	}
}

// Sqrt sets dst[i] to the square root of a[i].
func Sqrt(dst, a []float32) {
	if sqrtFast(dst, a) {
		return
	}
	for i, v := range a[:len(dst)] {
		dst[i] = float32(math.Sqrt(float64(v)))
	}
}

// NotNegative sets dst[i] to 0 where a[i] < 0, to 1 where it is not, and keeps NaNs.
func NotNegative(dst, a []float32) {
	if notNegativeFast(dst, a) {
		return
	}
	const one = 0x3f800000
	for i, v := range a[:len(dst)] {
		v += 0 // -0 counts as 0
		sign := math.Float32frombits(one &^ uint32(int32(math.Float32bits(v))>>31))
		if v != v {
			sign = v
		}
		dst[i] = sign
	}
}
