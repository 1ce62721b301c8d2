package photo

import "sync"

// weightBits is the precision of a filter's weights: sums of 8-bit values times such weights fit into 21 bits,
// three of which fit into a uint64.
const (
	weightBits = 13
	weightOne  = 1 << weightBits
)

// taps are the source pixels that one output pixel is made of: from first on, each with its weight.
type taps struct {
	first   int
	weights []int16 // sum to weightOne; one may be 0, to make their number even
}

// filter says how n source pixels become as many output pixels as it has taps.
type filter struct {
	taps []taps
	most int // weights of a tap, at most
	// overruns says that the assembly reads a source pixel beyond the last, with a weight of 0.
	overruns bool

	// What the assembly reads of a filter along rows: for each output pixel the byte of its first source pixel
	// and groups of four weights, [2][3][2] for two pixels, three channels, and two pixels again, with two
	// zeros behind each half. groups is 0 if the row is too short for it.
	groups  int
	offsets []int32
	grouped []int16
}

// groupSize is the number of weights for four pixels in filter.grouped.
const groupSize = 16

// filters are kept: many photos have the same size.
var filters = struct {
	sync.Mutex
	bySizes map[[2]int]*filter
}{bySizes: make(map[[2]int]*filter)}

// maxFilters and maxKept, source pixels, bound the memory of filters, which is at most 20 bytes for each of
// those pixels.
const (
	maxFilters = 256
	maxKept    = 2048
)

// filterFor returns the filter that scales n source pixels to size output pixels.
func filterFor(n, size int) *filter {
	key := [2]int{n, size}
	filters.Lock()
	f := filters.bySizes[key]
	filters.Unlock()
	if f != nil {
		return f
	}
	f = triangle(n, size)
	if max(n, size) > maxKept {
		return f
	}
	filters.Lock()
	defer filters.Unlock()
	if len(filters.bySizes) >= maxFilters {
		clear(filters.bySizes)
	}
	filters.bySizes[key] = f
	return f
}

// triangle returns the filter for scaling n source pixels to size output pixels with a triangle as wide as
// two output pixels (two source pixels, when enlarging). Near the edges a part of the triangle lies outside
// 0..n-1; it is left out, and the rest weighs more. All is exact integer arithmetic, in units of 1/(2 size)
// source pixels, where every centre is a whole number.
func triangle(n, size int) *filter {
	radius := 2 * max(n, size) // in those units
	f := &filter{taps: make([]taps, size)}
	all := make([]int16, 0, 2*(n+size)+3*size)
	for i := range f.taps {
		centre := (2*i + 1) * n
		// Source pixel j has its centre at (2j+1)*size and counts if that is nearer than radius.
		first := max(0, floorDiv(centre-radius-size, 2*size)+1)
		last := min(n-1, floorDiv(centre+radius-size-1, 2*size))
		weight := func(j int) int64 {
			d := (2*j+1)*size - centre
			return int64(radius - max(d, -d))
		}
		var total int64
		for j := first; j <= last; j++ {
			total += weight(j)
		}
		// Rounding the running sum rather than each weight makes the weights sum to weightOne, and moves
		// no more than half a unit from a pixel to its neighbour.
		begin := len(all)
		var sum, before int64
		for j := first; j <= last; j++ {
			sum += weight(j)
			upto := (2*weightOne*sum + total) / (2 * total)
			all = append(all, int16(upto-before))
			before = upto
		}
		if (len(all)-begin)%2 == 1 {
			all = append(all, 0)
			switch {
			case last+1 < n:
			case first > 0:
				first--
				copy(all[begin+1:], all[begin:])
				all[begin] = 0
			default:
				f.overruns = true
			}
		}
		weights := all[begin:len(all):len(all)]
		f.most = max(f.most, len(weights))
		if first+len(weights) > n {
			weights = weights[:n-first]
		}
		f.taps[i] = taps{first, weights}
	}
	f.group(n)
	return f
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// group lays out the weights for the assembly. Windows that would reach beyond the row begin earlier.
func (f *filter) group(n int) {
	groups := (f.most + 3) / 4
	if !simd || n < 4*groups {
		return
	}
	f.groups = groups
	f.offsets = make([]int32, len(f.taps))
	f.grouped = make([]int16, groupSize*groups*len(f.taps))
	for i, t := range f.taps {
		first := min(t.first, n-4*groups)
		f.offsets[i] = int32(3 * first)
		to := f.grouped[groupSize*groups*i:]
		for k, w := range t.weights {
			k += t.first - first
			at := groupSize*(k/4) + groupSize/2*(k/2%2) + k%2
			to[at], to[at+2], to[at+4] = w, w, w
		}
	}
}
