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

// blockRows is the length over which a sum runs before it is added to others. It is fixed, so that
// sums do not depend on the number of threads.
const blockRows = 1024

// folding is how to reduce: adjacent elements, the same in the order of rows, and rows.
type folding struct {
	row, inOrder func(x []float32) float32
	rows         func(dst, x []float32)
}

var foldings = map[backends.OpType]folding{
	backends.OpTypeReduceSum: {sumRow, sumInOrder, addTo},
	backends.OpTypeReduceMax: {maxRow, maxRow, maxTo},
	backends.OpTypeReduceMin: {minRow, minRow, minTo},
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

func (s span) reduce(c *call, out, x []float32, f folding) {
	blocks := (s.size + blockRows - 1) / blockRows
	switch {
	case s.inner > 1:
		reduceColumns(c, out, x, s, blocks, f.rows)
	case s.columns:
		reduceRows(c, out, x, s, blocks, f.inOrder)
	default:
		reduceRows(c, out, x, s, blocks, f.row)
	}
}

// reduceRows reduces rows that are contiguous.
func reduceRows(c *call, out, x []float32, s span, blocks int, row func(x []float32) float32) {
	if blocks == 1 {
		inChunks(c, s.outer, parallelSize/s.size+1, func(from, to int) {
			for o := from; o < to; o++ {
				out[o] = row(x[o*s.size : (o+1)*s.size])
			}
		})
		return
	}
	partial := make([]float32, s.outer*blocks)
	inChunks(c, len(partial), parallelSize/blockRows, func(from, to int) {
		for i := from; i < to; i++ {
			o, b := i/blocks, i%blocks
			partial[i] = row(x[o*s.size+b*blockRows : o*s.size+min((b+1)*blockRows, s.size)])
		}
	})
	for o := range out {
		out[o] = row(partial[o*blocks : (o+1)*blocks])
	}
}

// reduceColumns folds rows of inner elements.
func reduceColumns(c *call, out, x []float32, s span, blocks int, fold func(dst, x []float32)) {
	block := func(dst []float32, o, b int) {
		first := (o*s.size + b*blockRows) * s.inner
		copy(dst, x[first:first+s.inner])
		for r := 1; r < min(blockRows, s.size-b*blockRows); r++ {
			fold(dst, x[first+r*s.inner:first+(r+1)*s.inner])
		}
	}
	partial := out
	if blocks > 1 {
		partial = make([]float32, s.outer*blocks*s.inner)
	}
	inChunks(c, s.outer*blocks, parallelSize/(min(blockRows, s.size)*s.inner)+1, func(from, to int) {
		for i := from; i < to; i++ {
			block(partial[i*s.inner:(i+1)*s.inner], i/blocks, i%blocks)
		}
	})
	if blocks == 1 {
		return
	}
	for o := range s.outer {
		dst := out[o*s.inner : (o+1)*s.inner]
		copy(dst, partial[o*blocks*s.inner:])
		for b := 1; b < blocks; b++ {
			fold(dst, partial[(o*blocks+b)*s.inner:(o*blocks+b+1)*s.inner])
		}
	}
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
