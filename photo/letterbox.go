package photo

import "math"

// grey is what lies outside the photo: in the middle between black and white, so that after
// normalisation a network sees about nothing there.
const grey = 128

// Letterbox reads a region of the photo and scales it, its aspect kept, into the middle of a picture of
// width x height pixels. Whatever is not the region, or is a part of the region that lies beyond the
// photo, is mid grey. It is antialiased (see resample), and gives the same bits on every platform.
// An empty region, or one of more than 2^24 pixels a side, gives a grey picture.
func Letterbox(m *Image, region Box, width, height int) (*Image, Placement) {
	out := New(width, height)
	for i := range out.Pix {
		out.Pix[i] = grey
	}
	inside := fit(region, width, height)
	if inside.Empty() {
		return out, Placement{Region: Box{0, 0, 1, 1}, Inside: Box{0, 0, 1, 1}}
	}
	resample(out, inside, m, region)
	return out, Placement{Region: region, Inside: inside}
}

// fit returns the largest box of the region's aspect in the middle of width x height; empty if the
// region is empty or absurdly large.
func fit(region Box, width, height int) Box {
	const most = 1 << 24
	w, h := region.Width(), region.Height()
	if w <= 0 || h <= 0 || w > most || h > most || width <= 0 || height <= 0 {
		return Box{}
	}
	inW, inH := width, height
	if w*height >= h*width { // wider than the target: bars above and below
		inH = max(1, (2*h*width+w)/(2*w))
	} else {
		inW = max(1, (2*w*height+h)/(2*h))
	}
	x, y := (width-inW)/2, (height-inH)/2
	return Box{x, y, x + inW, y + inH}
}

// shrink returns the whole photo scaled down so that its longer side has at most longest pixels.
func (m *Image) shrink(longest int) *Image {
	long := max(m.Width, m.Height)
	if long <= longest {
		return m
	}
	scale := func(side int) int { return max(1, (2*side*longest+long)/(2*long)) }
	out := New(scale(m.Width), scale(m.Height))
	resample(out, out.Frame(), m, m.Frame())
	return out
}

// taps are the source pixels that one output pixel is made of: from first on, each with its weight.
type taps struct {
	first   int
	weights []uint64 // sum to weightOne
}

// weightBits is the precision of the weights. Three sums of an 8-bit value times such a weight fit into
// one uint64, which is what makes resample fast: 3 * (8 + 13) = 63.
const (
	weightBits = 13
	weightOne  = 1 << weightBits
)

// triangle returns the taps for scaling n source pixels to size output pixels with a triangle filter as
// wide as two output pixels (two source pixels, when enlarging). Near the edges a part of the triangle
// lies outside 0..n-1; it is left out, and the rest weighs more. All is exact integer arithmetic, in
// units of 1/(2 size) source pixels, where every centre is a whole number.
func triangle(n, size int) []taps {
	radius := 2 * max(n, size) // in those units
	all := make([]taps, size)
	for i := range all {
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
		weights := make([]uint64, last-first+1)
		var sum, before int64
		for k := range weights {
			sum += weight(first + k)
			upto := (2*weightOne*sum + total) / (2 * total)
			weights[k] = uint64(upto - before)
			before = upto
		}
		all[i] = taps{first, weights}
	}
	return all
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// resample scales the region of m into the box inside of out: first along rows, then along columns, with
// 8 bits between the two. A pixel travels as one uint64, its channels 21 bits apart.
func resample(out *Image, inside Box, m *Image, region Box) {
	across, down := triangle(region.Width(), inside.Width()), triangle(region.Height(), inside.Height())
	most := 0
	for _, t := range down {
		most = max(most, len(t.weights))
	}
	ring := make([][]uint64, most) // scaled rows, row j at j % most
	for i := range ring {
		ring[i] = make([]uint64, inside.Width())
	}
	source := make([]uint64, region.Width())
	for i := range source {
		source[i] = pack(grey, grey, grey)
	}
	next := 0 // the first row of the region that is not yet in the ring
	for y, t := range down {
		for next = max(next, t.first); next < t.first+len(t.weights); next++ {
			scaleRow(ring[next%most], m, region, next, across, source)
		}
		at := 3 * ((inside.YMin+y)*out.Width + inside.XMin)
		to := out.Pix[at : at+3*inside.Width()]
		blend(to, ring, t)
	}
}

// blend writes the weighted sum of scaled rows.
func blend(to []uint8, ring [][]uint64, t taps) {
	const block = 64 // pixels at a time, so that the sums stay in the fastest memory
	var sums [block]uint64
	width := len(to) / 3
	for x := 0; x < width; x += block {
		n := min(block, width-x)
		for i := range sums {
			sums[i] = half
		}
		for k, w := range t.weights {
			row := ring[(t.first+k)%len(ring)][x : x+n]
			for i, v := range row {
				sums[i&(block-1)] += v * w
			}
		}
		for i := range n {
			p := to[3*(x+i) : 3*(x+i)+3 : 3*(x+i)+3]
			s := sums[i]
			p[0], p[1], p[2] = uint8(s>>weightBits), uint8(s>>(21+weightBits)), uint8(s>>(42+weightBits))
		}
	}
}

// half a unit of weight in each channel, to round.
const half = (weightOne / 2) * (1 + 1<<21 + 1<<42)

// channels selects the 8 bits of each channel.
const channels = math.MaxUint8 * (1 + 1<<21 + 1<<42)

func pack(r, g, b uint8) uint64 { return uint64(r) | uint64(g)<<21 | uint64(b)<<42 }

// scaleRow scales row y of the region. Beyond the photo, source holds grey and is not written.
func scaleRow(to []uint64, m *Image, region Box, y int, across []taps, source []uint64) {
	y += region.YMin
	if y < 0 || y >= m.Height {
		for i := range to {
			to[i] = pack(grey, grey, grey)
		}
		return
	}
	xMin, xMax := max(region.XMin, 0), min(region.XMax, m.Width)
	if xMin < xMax {
		from := m.row(y)[3*xMin : 3*xMax]
		packed := source[xMin-region.XMin:][:xMax-xMin]
		for i := range packed {
			p := from[3*i : 3*i+3 : 3*i+3]
			packed[i] = pack(p[0], p[1], p[2])
		}
	}
	for x := range to {
		t := &across[x]
		sum := uint64(half)
		pixels := source[t.first:][:len(t.weights)]
		for k, w := range t.weights {
			sum += pixels[k] * w
		}
		to[x] = sum >> weightBits & channels
	}
}
