package photo

import (
	"math"
	"sync"
)

// resample scales the region of m into the box inside of out: first along columns, which leaves the fewer rows
// the smaller the picture is to be, then along rows, with 8 bits between the two. Assembly and portable code
// give the same bits.
func resample(out *Image, inside Box, m *Image, region Box) {
	across, down := filterFor(region.Width(), inside.Width()), filterFor(region.Height(), inside.Height())
	if simd && across.groups > 0 && 3*region.Width() >= blendBlock && copies(m, region, down) <= maxCopied {
		resampleFast(out, inside, m, region, across, down)
		return
	}
	row, blended := make([]uint8, 3*region.Width()), make([]uint64, region.Width())
	for y, t := range down.taps {
		for x := range blended {
			blended[x] = half
		}
		for k, w := range t.weights {
			readRow(row, m, region, t.first+k)
			addRow(blended, row, uint64(w))
		}
		for x, sum := range blended {
			blended[x] = sum >> weightBits & channels
		}
		scaleRow(out.row(inside.YMin + y)[3*inside.XMin:3*inside.XMax], blended, across.taps)
	}
}

// readRow copies row y of the region, grey beyond the photo.
func readRow(to []uint8, m *Image, region Box, y int) {
	y += region.YMin
	xMin, xMax := max(region.XMin, 0), min(region.XMax, m.Width)
	if y < 0 || y >= m.Height || xMin >= xMax {
		fillGrey(to)
		return
	}
	left, right := 3*(xMin-region.XMin), 3*(xMax-region.XMin)
	fillGrey(to[:left])
	copy(to[left:right], m.row(y)[3*xMin:])
	fillGrey(to[right:])
}

func fillGrey(to []uint8) {
	if len(to) == 0 {
		return
	}
	to[0] = grey
	for n := 1; n < len(to); n *= 2 {
		copy(to[n:], to[:n])
	}
}

// half a unit of weight in each channel, to round.
const half = (weightOne / 2) * (1 + 1<<21 + 1<<42)

// channels selects the 8 bits of each channel.
const channels = math.MaxUint8 * (1 + 1<<21 + 1<<42)

// addRow adds a weighted row to sums. A pixel becomes one uint64, its channels 21 bits apart.
func addRow(sums []uint64, row []uint8, weight uint64) {
	for x := range sums {
		p := row[3*x : 3*x+3 : 3*x+3]
		sums[x] += (uint64(p[0]) | uint64(p[1])<<21 | uint64(p[2])<<42) * weight
	}
}

// scaleRow scales a row of such pixels.
func scaleRow(to []uint8, from []uint64, across []taps) {
	for x, t := range across {
		sum := uint64(half)
		pixels := from[t.first:][:len(t.weights)]
		for k, w := range t.weights {
			sum += pixels[k] * uint64(w)
		}
		p := to[3*x : 3*x+3 : 3*x+3]
		p[0], p[1], p[2] = uint8(sum>>weightBits), uint8(sum>>(21+weightBits)), uint8(sum>>(42+weightBits))
	}
}

const (
	// rowsAtOnce is how many rows acrossAVX2 scales, with each weight loaded once.
	rowsAtOnce = 4
	// blendBlock is how many bytes downAVX2 writes at once.
	blendBlock = 16
	// loadSlack is how many bytes acrossAVX2 reads beyond the pixels that it needs.
	loadSlack = 4
	// maxCopied bounds the memory of resampleFast, which copies a region that reaches beyond the photo, and keeps
	// it for the next; larger regions go row by row.
	maxCopied = 16 << 20
)

// buffers are those of resampleFast.
var buffers = sync.Pool{New: func() any { return new([]uint8) }}

// copies is how many bytes of a region are copied: all, where it reaches beyond the photo.
func copies(m *Image, region Box, down *filter) int {
	if region.Intersect(Box{0, 0, m.Width, m.Height}) == region && !down.overruns {
		return 0
	}
	return 3 * region.Width() * (region.Height() + 1)
}

// resampleFast is resample in assembly.
func resampleFast(out *Image, inside Box, m *Image, region Box, across, down *filter) {
	width, rows := 3*region.Width(), region.Height()
	stride := width + loadSlack // of blended rows
	toStride := 3*inside.Width() + 1
	copied := copies(m, region, down)
	within := copied == 0
	buffer := buffers.Get().(*[]uint8)
	defer buffers.Put(buffer)
	if need := rowsAtOnce*(stride+toStride) + copied; cap(*buffer) < need {
		*buffer = make([]uint8, need)
	}
	blended := (*buffer)[:rowsAtOnce*stride]
	scaled := (*buffer)[len(blended):][:rowsAtOnce*toStride]
	var from []uint8
	fromStride := width
	if within {
		from, fromStride = m.Pix[3*(region.YMin*m.Width+region.XMin):], 3*m.Width
	} else {
		from = (*buffer)[len(blended)+len(scaled):][:copied]
		for y := range rows {
			readRow(from[y*width:(y+1)*width], m, region, y)
		}
	}
	for y := 0; y < inside.Height(); y += rowsAtOnce {
		n := min(rowsAtOnce, inside.Height()-y)
		for i := range n {
			t := down.taps[y+i]
			pairs, to := (len(t.weights)+1)/2, blended[i*stride:]
			_ = from[(t.first+2*pairs-1)*fromStride+width-1]
			downAVX2(&to[0], &from[t.first*fromStride], fromStride, &t.weights[0], pairs, width/blendBlock)
			if width%blendBlock != 0 { // once more, for the last bytes
				last := width - blendBlock
				downAVX2(&to[last], &from[t.first*fromStride+last], fromStride, &t.weights[0], pairs, 1)
			}
		}
		acrossAVX2(&scaled[0], toStride, &blended[0], stride, &across.offsets[0], &across.grouped[0], across.groups, inside.Width())
		for i := range n {
			copy(out.row(inside.YMin + y + i)[3*inside.XMin:3*inside.XMax], scaled[i*toStride:])
		}
	}
}
