package photo

import (
	"math"
	"sync"
)

// resample scales the region of m into the box inside of out: first along rows, then along columns, with
// 8 bits between the two. Assembly and portable code give the same bits.
func resample(out *Image, inside Box, m *Image, region Box) {
	across, down := filterFor(region.Width(), inside.Width()), filterFor(region.Height(), inside.Height())
	if simd && across.groups > 0 && 3*inside.Width() >= blendBlock && region.Height() <= maxScaledRows {
		resampleFast(out, inside, m, region, across, down)
		return
	}
	ring := make([][]uint64, down.most) // scaled rows, row j at j % down.most; a pixel in each number
	for i := range ring {
		ring[i] = make([]uint64, inside.Width())
	}
	source := make([]uint8, 3*region.Width())
	next := 0 // the first row of the region that is not yet in the ring
	for y, t := range down.taps {
		for next = max(next, t.first); next < t.first+len(t.weights); next++ {
			readRow(source, m, region, next)
			scaleRow(ring[next%len(ring)], source, across.taps)
		}
		blend(out.row(inside.YMin + y)[3*inside.XMin:3*inside.XMax], ring, t)
	}
}

// readRow copies row y of the region, grey beyond the photo.
func readRow(to []uint8, m *Image, region Box, y int) {
	y += region.YMin
	xMin, xMax := max(region.XMin, 0), min(region.XMax, m.Width)
	if y < 0 || y >= m.Height || xMin >= xMax {
		fill(to, grey)
		return
	}
	left, right := 3*(xMin-region.XMin), 3*(xMax-region.XMin)
	fill(to[:left], grey)
	copy(to[left:right], m.row(y)[3*xMin:])
	fill(to[right:], grey)
}

func fill(to []uint8, v uint8) {
	for i := range to {
		to[i] = v
	}
}

// half a unit of weight in each channel, to round.
const half = (weightOne / 2) * (1 + 1<<21 + 1<<42)

// channels selects the 8 bits of each channel.
const channels = math.MaxUint8 * (1 + 1<<21 + 1<<42)

// scaleRow scales a row. A pixel travels as one uint64, its channels 21 bits apart.
func scaleRow(to []uint64, source []uint8, across []taps) {
	for x := range to {
		t := &across[x]
		sum := uint64(half)
		pixels := source[3*t.first:][:3*len(t.weights)]
		for k, w := range t.weights {
			p := pixels[3*k : 3*k+3 : 3*k+3]
			sum += (uint64(p[0]) | uint64(p[1])<<21 | uint64(p[2])<<42) * uint64(w)
		}
		to[x] = sum >> weightBits & channels
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
				sums[i&(block-1)] += v * uint64(w)
			}
		}
		for i := range n {
			p := to[3*(x+i) : 3*(x+i)+3 : 3*(x+i)+3]
			s := sums[i]
			p[0], p[1], p[2] = uint8(s>>weightBits), uint8(s>>(21+weightBits)), uint8(s>>(42+weightBits))
		}
	}
}

const (
	// rowsAtOnce is how many rows acrossAVX2 scales, with each weight loaded once.
	rowsAtOnce = 4
	// blendBlock is how many bytes downAVX2 writes at once.
	blendBlock = 16
	// loadSlack is how many bytes acrossAVX2 reads beyond the pixels that it needs.
	loadSlack = 4
	// maxScaledRows bounds the memory of resampleFast, which keeps all scaled rows.
	maxScaledRows = 1 << 15
)

// buffers are those of resampleFast.
var buffers = sync.Pool{New: func() any { return new([]uint8) }}

// resampleFast is resample in assembly.
func resampleFast(out *Image, inside Box, m *Image, region Box, across, down *filter) {
	width, rows := 3*inside.Width(), region.Height()
	stride := width + blendBlock
	scaledSize := stride * (rows + rowsAtOnce) // with rows that are not used, or with no weight
	sourceStride := 3*region.Width() + blendBlock
	buffer := buffers.Get().(*[]uint8)
	defer buffers.Put(buffer)
	if need := scaledSize + rowsAtOnce*sourceStride; cap(*buffer) < need {
		*buffer = make([]uint8, need)
	}
	scaled, source := (*buffer)[:scaledSize], (*buffer)[scaledSize:scaledSize+rowsAtOnce*sourceStride]
	within := region.XMin >= 0 && region.XMax <= m.Width
	for y := 0; y < rows; y += rowsAtOnce {
		from, fromStride := &source[0], sourceStride
		top := y + region.YMin
		begin, end := 3*(top*m.Width+region.XMin), 3*((top+rowsAtOnce-1)*m.Width+region.XMax)
		if within && top >= 0 && top+rowsAtOnce <= m.Height && end+loadSlack <= len(m.Pix) {
			from, fromStride = &m.Pix[begin], 3*m.Width
		} else {
			for i := range rowsAtOnce {
				readRow(source[i*sourceStride:][:3*region.Width()], m, region, y+i)
			}
		}
		acrossAVX2(&scaled[y*stride], stride, from, fromStride, &across.offsets[0], &across.grouped[0], across.groups, inside.Width())
	}
	for y, t := range down.taps {
		to := out.row(inside.YMin + y)[3*inside.XMin : 3*inside.XMax]
		from, pairs := t.first*stride, (len(t.weights)+1)/2
		downAVX2(&to[0], &scaled[from], stride, &t.weights[0], pairs, width/blendBlock)
		if width%blendBlock != 0 { // once more, for the last bytes
			last := width - blendBlock
			downAVX2(&to[last], &scaled[from+last], stride, &t.weights[0], pairs, 1)
		}
	}
}
