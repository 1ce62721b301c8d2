package compute

import (
	"math"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// span is a reduction over neighbouring axes: [outer, size, inner] -> [outer, inner].
type span struct{ outer, size, inner int }

// spanOf sees a reduction as one over neighbouring axes, if it is.
func spanOf(dims, axes []int) (s span, ok bool) {
	reduced := make([]bool, len(dims))
	for _, axis := range axes {
		reduced[axis] = true
	}
	s = span{1, 1, 1}
	stage := 0 // before, in, after the axes
	for axis, dim := range dims {
		if dim == 1 {
			continue
		}
		switch {
		case reduced[axis] && stage == 2:
			return s, false
		case reduced[axis]:
			stage = 1
			s.size *= dim
		case stage == 0:
			s.outer *= dim
		default:
			stage = 2
			s.inner *= dim
		}
	}
	return s, true
}

// blockRows is the length over which a sum runs before it is added to others. It is fixed, so that
// sums do not depend on the number of threads.
const blockRows = 1024

// fastReduce reduces float32 over neighbouring axes; nil where another way is needed.
func fastReduce(n *node) kernel {
	if n.inputs[0].dtype() != dtypes.Float32 || n.inputs[0].shape.Size() == 0 {
		return nil
	}
	s, ok := spanOf(n.inputs[0].dims(), n.attrs.(reduceAttrs).Axes)
	if !ok {
		return nil
	}
	var rows func(x []float32) float32
	var fold func(dst, x []float32)
	switch n.op {
	case backends.OpTypeReduceSum:
		rows, fold = sumRow, addTo
	case backends.OpTypeReduceMax:
		rows, fold = maxRow, maxTo
	case backends.OpTypeReduceMin:
		rows, fold = minRow, minTo
	default:
		return nil
	}
	blocks := (s.size + blockRows - 1) / blockRows
	if s.inner == 1 {
		return func(c *call) { reduceRows(c, s, blocks, rows) }
	}
	return func(c *call) { reduceColumns(c, s, blocks, fold) }
}

// reduceRows reduces rows that are contiguous.
func reduceRows(c *call, s span, blocks int, row func(x []float32) float32) {
	x, out := view[float32](c.in[0]), view[float32](c.out[0])
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
func reduceColumns(c *call, s span, blocks int, fold func(dst, x []float32)) {
	x, out := view[float32](c.in[0]), view[float32](c.out[0])
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
