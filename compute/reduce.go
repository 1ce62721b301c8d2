package compute

import (
	"math"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// span is a reduction over neighbouring axes: [outer, size, inner] -> [outer, inner].
type span struct {
	outer, size, inner int
	columns            bool // an axis stays behind those that are reduced, if only of size 1
}

// spansOf cuts a reduction into ones over neighbouring axes, one after the other: the last axes come first.
// It looks at axes, not at their sizes: so the order in which an image's numbers are added is the same
// in any batch, whichever axis that is.
func spansOf(dims, axes []int) []span {
	reduced := make([]bool, len(dims))
	for _, axis := range axes {
		reduced[axis] = true
	}
	var spans []span
	inner, columns := 1, false
	for end := len(dims); end > 0; {
		begin := end - 1
		if !reduced[begin] {
			inner, columns = inner*dims[begin], true
			end = begin
			continue
		}
		for begin > 0 && reduced[begin-1] {
			begin--
		}
		spans = append(spans, span{product(dims[:begin]), product(dims[begin:end]), inner, columns})
		end = begin
	}
	return spans
}

// blockRows is how many numbers are added one after the other at most: then their sums are added to each other in the
// same way. It is fixed, so that sums do not depend on the number of threads.
const blockRows = 1024

// folding is how to reduce: each of some blocks of adjacent elements to one, the same in the order of rows, and rows.
type folding struct {
	blocks, inOrder func(dst []float32, block func(i int) []float32)
	rows            func(dst, x []float32)
}

var foldings = map[backends.OpType]folding{
	backends.OpTypeReduceSum: {each(sumRow), each(sumInOrder), addTo},
	backends.OpTypeReduceMax: {each(maxRow), each(maxRow), maxTo},
	backends.OpTypeReduceMin: {each(minRow), each(minRow), minTo},
}

func each(row func(x []float32) float32) func(dst []float32, block func(i int) []float32) {
	return func(dst []float32, block func(i int) []float32) {
		for i := range dst {
			dst[i] = row(block(i))
		}
	}
}

// fastReduce reduces float32; nil where another way is needed.
func fastReduce(n *node) kernel {
	f, ok := foldings[n.op]
	if !ok || n.inputs[0].dtype() != dtypes.Float32 || n.inputs[0].shape.Size() == 0 {
		return nil
	}
	spans := spansOf(n.inputs[0].dims(), n.attrs.(reduceAttrs).Axes)
	if len(spans) == 0 {
		return nil
	}
	return func(c *call) {
		x, last := view[float32](c.in[0]), len(spans)-1
		for i, s := range spans {
			out := view[float32](c.out[0])
			if i < last {
				out = make([]float32, s.outer*s.inner)
			}
			s.reduce(c, out, x, f)
			x = out
		}
	}
}

// reduce reduces blocks, then what they became, until one block is left.
func (s span) reduce(c *call, out, x []float32, f folding) {
	for {
		blocks := (s.size + blockRows - 1) / blockRows
		dst := out
		if blocks > 1 {
			dst = make([]float32, s.outer*blocks*s.inner)
		}
		switch {
		case s.inner > 1:
			s.reduceColumns(c, dst, x, blocks, f.rows)
		case s.columns:
			s.reduceRows(c, dst, x, blocks, f.inOrder)
		default:
			s.reduceRows(c, dst, x, blocks, f.blocks)
		}
		if blocks == 1 {
			return
		}
		x, s.size = dst, blocks
	}
}

// inBlocks calls f with ranges of all blocks.
func (s span) inBlocks(c *call, blocks int, f func(from, to int)) {
	inChunks(c, s.outer*blocks, parallelSize/(min(blockRows, s.size)*s.inner)+1, f)
}

// block is where block i of all begins, and its rows.
func (s span) block(i, blocks int) (first, rows int) {
	if blocks == 1 {
		return i * s.size, s.size
	}
	o, b := i/blocks, i%blocks
	return o*s.size + b*blockRows, min(blockRows, s.size-b*blockRows)
}

// reduceRows reduces rows that are contiguous.
func (s span) reduceRows(c *call, dst, x []float32, blocks int, fold func(dst []float32, block func(i int) []float32)) {
	s.inBlocks(c, blocks, func(from, to int) {
		fold(dst[from:to], func(i int) []float32 {
			first, rows := s.block(from+i, blocks)
			return x[first : first+rows]
		})
	})
}

// reduceColumns folds rows of inner elements.
func (s span) reduceColumns(c *call, dst, x []float32, blocks int, fold func(dst, x []float32)) {
	s.inBlocks(c, blocks, func(from, to int) {
		for i := from; i < to; i++ {
			first, rows := s.block(i, blocks)
			sums := dst[i*s.inner : (i+1)*s.inner]
			copy(sums, x[first*s.inner:])
			for r := first + 1; r < first+rows; r++ {
				fold(sums, x[r*s.inner:(r+1)*s.inner])
			}
		}
	})
}

// sumInOrder adds one after the other, as columns are added.
func sumInOrder(x []float32) float32 {
	sum := x[0]
	for _, v := range x[1:] {
		sum += v
	}
	return sum
}

func sumRow(x []float32) float32 {
	var lanes [8]float32
	for len(x) >= 8 {
		for i := range lanes {
			lanes[i] += x[i]
		}
		x = x[8:]
	}
	sum := (lanes[0] + lanes[4]) + (lanes[1] + lanes[5]) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]))
	for _, v := range x {
		sum += v
	}
	return sum
}

func maxRow(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

func minRow(x []float32) float32 {
	m := float32(math.Inf(1))
	for _, v := range x {
		m = min(m, v)
	}
	return m
}

func addTo(dst, x []float32) {
	kernels.Add(dst, dst, x)
}

func maxTo(dst, x []float32) { kernels.Max(dst, dst, x) }

func minTo(dst, x []float32) { kernels.Min(dst, dst, x) }
