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
	backends.OpTypeReduceSum: {each(sumRow), sumInOrder, addTo},
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

// sumInOrder adds the numbers of each block one after the other, as columns are added: four blocks at once, since an
// addition waits for the one before it.
func sumInOrder(dst []float32, block func(i int) []float32) {
	i := 0
	for ; i+4 <= len(dst); i += 4 {
		x0, x1, x2, x3 := block(i), block(i+1), block(i+2), block(i+3)
		n := min(len(x0), len(x1), len(x2), len(x3))
		y1, y2, y3 := x1[:n], x2[:n], x3[:n]
		s0, s1, s2, s3 := x0[0], x1[0], x2[0], x3[0]
		for j := 1; j < n; j++ {
			s0, s1, s2, s3 = s0+x0[j], s1+y1[j], s2+y2[j], s3+y3[j]
		}
		dst[i], dst[i+1], dst[i+2], dst[i+3] = addInOrder(s0, x0[n:]), addInOrder(s1, x1[n:]), addInOrder(s2, x2[n:]), addInOrder(s3, x3[n:])
	}
	for ; i < len(dst); i++ {
		x := block(i)
		dst[i] = addInOrder(x[0], x[1:])
	}
}

func addInOrder(sum float32, x []float32) float32 {
	for _, v := range x {
		sum += v
	}
	return sum
}

// sumRow has eight sums at once, in variables, which stay in registers.
func sumRow(x []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for ; len(x) >= 8; x = x[8:] {
		s0, s1, s2, s3 = s0+x[0], s1+x[1], s2+x[2], s3+x[3]
		s4, s5, s6, s7 = s4+x[4], s5+x[5], s6+x[6], s7+x[7]
	}
	return addInOrder((s0+s4)+(s1+s5)+((s2+s6)+(s3+s7)), x)
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
