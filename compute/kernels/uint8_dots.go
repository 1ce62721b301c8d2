package kernels

// DotsUint8 sets dst[i] to the scalar product of v and row i of rows, [len(dst), len(v)]. The sums of the magnitudes
// of each row's products must not be more than an int32 holds.
func DotsUint8(dst []int32, rows []uint8, v []int16) {
	rows = rows[:len(dst)*len(v)]
	n := dotsVector(dst, rows, v)
	for i := range dst {
		dst[i] = dotUint8(rows[i*len(v):(i+1)*len(v)], v, n, dst[i])
	}
}

// DotsUint8At does the same with the rows of those numbers, of as many as there are in dst.
func DotsUint8At(dst []int32, rows []uint8, numbers []uint32, v []int16) {
	numbers = numbers[:len(dst)]
	for _, row := range numbers {
		_ = rows[int(row)*len(v) : (int(row)+1)*len(v)] // beyond its end, assembly would read on
	}
	n := dotsVectorAt(dst, rows, numbers, v)
	for i, row := range numbers {
		dst[i] = dotUint8(rows[int(row)*len(v):(int(row)+1)*len(v)], v, n, dst[i])
	}
}

// dotUint8 adds the products from the nth on to the sum of those before it.
func dotUint8(row []uint8, v []int16, n int, before int32) int32 {
	var sum int32
	if n > 0 {
		sum = before
	}
	for j := n; j < len(v); j++ {
		sum += int32(row[j]) * int32(v[j])
	}
	return sum
}
