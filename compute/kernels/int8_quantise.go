package kernels

// Quantise sets dst to x·factor, rounded to the nearest even number, moved by zero and clamped to [0, 255]; a
// NaN becomes 0. dst is as long as x.
func Quantise(dst []uint8, x []float32, factor float32, zero uint8) {
	dst = dst[:len(x)]
	least, most := -float32(zero), 255-float32(zero)
	n := quantiseVector(dst, x, factor, least, most, int32(zero))
	for i := n; i < len(x); i++ {
		dst[i] = roundUint8(x[i]*factor, least, most, int32(zero))
	}
}

// Dequantise sets dst to (q - zero)·scale. dst is as long as q.
func Dequantise(dst []float32, q []uint8, scale float32, zero uint8) {
	dst = dst[:len(q)]
	n := dequantiseVector(dst, q, scale, int32(zero))
	for i := n; i < len(q); i++ {
		dst[i] = float32(int32(q[i])-int32(zero)) * scale
	}
}

// MaxUint8 sets dst to the greater of dst and a, which is as long.
func MaxUint8(dst, a []uint8) {
	a = a[:len(dst)]
	n := maxVector(dst, a)
	for i := n; i < len(dst); i++ {
		dst[i] = max(dst[i], a[i])
	}
}
