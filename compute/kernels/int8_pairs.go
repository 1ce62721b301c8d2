package kernels

// AVX2 multiplies four bytes by four filters at once, and sums up pairs of the products in an int16 (VPMADDUBSW), which
// two large filters of one sign exceed. The filters of a step in which there are such are in two parts, of at most 64
// each, and the step is done twice: so sums are exact. Trained networks have few of them, by which this is faster than
// products of int16, which need no such care.

// halve takes what exceeds a half of the filters of some steps into their second parts.
func (f *windowsInt8) halve(data []byte, width int, again [2][]int) {
	second := data[f.runs*f.steps*width*4:]
	for half, steps := range again {
		for _, step := range steps {
			n := width / 2 * 4
			first := data[(2*step+half)*n:][:n]
			for i, b := range first {
				v := int8(b)
				first[i], second[i] = byte(v/2), byte(v-v/2)
			}
			second = second[n:]
		}
	}
}

// mostOfPair is the largest sum of two filters whose products with bytes an int16 holds: 255·128 is less than 2^15, and
// half of any int8 is at most 64.
const mostOfPair = 128

// stepsInTwoParts returns for both halves of each panel of so many columns the steps in which a pair of filters is more.
func stepsInTwoParts(c Conv, w []int8, columns int) [][2][]int {
	window := newWindowRuns(c, 1)
	again := make([][2][]int, (c.O+columns-1)/columns)
	for i := range 2 * len(again) {
		steps := &again[i/2][i%2]
		begin, end := min(i*columns/2, c.O), min((i+1)*columns/2, c.O)
		for step := range window.runs * window.steps {
			run, from := step/window.steps*window.run, step%window.steps*4
			if overflows(w, run+from, run+min(from+4, window.run), begin, end, c.O) {
				*steps = append(*steps, step)
			}
		}
	}
	return again
}

// overflows says whether there is such a pair in rows [from, to) of w, which begin with a pair, and columns [begin, end).
func overflows(w []int8, from, to, begin, end, o int) bool {
	for ; from+1 < to; from += 2 {
		first, second := w[from*o+begin:from*o+end], w[(from+1)*o+begin:(from+1)*o+end]
		for i, a := range first {
			if sum := int(a) + int(second[i]); a^second[i] >= 0 && (sum > mostOfPair || sum < -mostOfPair) {
				return true
			}
		}
	}
	return false
}
