package kernels

// RoundBF16 sets dst to x, rounded as by ToBF16. dst is as long as x.
func RoundBF16(dst []uint16, x []float32) {
	dst = dst[:len(x)]
	for i := roundBF16Vector(dst, x); i < len(x); i++ {
		dst[i] = ToBF16(x[i])
	}
}

// WidenBF16 sets dst to x. dst is as long as x.
func WidenBF16(dst []float32, x []uint16) {
	dst = dst[:len(x)]
	for i := widenBF16Vector(dst, x); i < len(x); i++ {
		dst[i] = FromBF16(x[i])
	}
}

// MaxBF16 sets dst to the greater of dst and a, which is as long: the greater in the order -NaN, -Inf, ..., -0, 0,
// ..., Inf, NaN, which is that of whole numbers once the bits of negative ones are turned round.
func MaxBF16(dst, a []uint16) {
	a = a[:len(dst)]
	for i := maxBF16Vector(dst, a); i < len(dst); i++ {
		if orderBF16(a[i]) > orderBF16(dst[i]) {
			dst[i] = a[i]
		}
	}
}

func orderBF16(v uint16) int16 { return int16(v) ^ int16(v)>>15&0x7fff }
