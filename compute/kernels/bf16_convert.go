package kernels

// RoundBF16 sets dst to x, rounded as by toBF16. dst is as long as x.
func RoundBF16(dst []uint16, x []float32) {
	dst = dst[:len(x)]
	for i := roundBF16Vector(dst, x); i < len(x); i++ {
		dst[i] = toBF16(x[i])
	}
}

// WidenBF16 sets dst to x. dst is as long as x.
func WidenBF16(dst []float32, x []uint16) {
	dst = dst[:len(x)]
	for i := widenBF16Vector(dst, x); i < len(x); i++ {
		dst[i] = fromBF16(x[i])
	}
}

// MaxBF16 sets dst to the greater of dst and a, which is as long: the greater in the order -Inf, ..., -0, 0,
// ..., Inf, NaN, -NaN, so that a NaN, whose sign says nothing, is never lost.
func MaxBF16(dst, a []uint16) {
	a = a[:len(dst)]
	for i := maxBF16Vector(dst, a); i < len(dst); i++ {
		if orderBF16(a[i]) > orderBF16(dst[i]) {
			dst[i] = a[i]
		}
	}
}

// orderBF16 is a number's place: that of the whole number of its bits, once those of negative ones are turned
// round. There -NaN are the least, before -Inf, which is turned to be the least of all: they come out at the other end.
func orderBF16(v uint16) int16 {
	const beforeInf = 0x7f // as many -NaN there are
	return (int16(v) ^ int16(v)>>15&0x7fff) - beforeInf
}
