package compute

import (
	"math"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// fastBatchNorm is the training of a batch normalisation over the last axis in float32; nil where
// another way is needed. Sums run over blocks of rows of a fixed size, in float32, and are added in
// float64: the result does not depend on the number of threads.
func fastBatchNorm(n *node) kernel {
	attrs := n.attrs.(batchNormAttrs)
	dims := n.inputs[0].dims()
	if n.inputs[0].dtype() != dtypes.Float32 || attrs.Axis != len(dims)-1 || n.inputs[0].shape.Size() == 0 {
		return nil
	}
	channels := dims[attrs.Axis]
	b := batchNorm{rows: product(dims[:attrs.Axis]), channels: channels, epsilon: float64(attrs.Epsilon)}
	switch n.op {
	case backends.OpTypeBatchNormForTraining:
		return b.forward
	case backends.OpTypeBatchNormGradient:
		return b.backward
	}
	return nil
}

type batchNorm struct {
	rows, channels int
	epsilon        float64
}

// blockRows is the rows of a block: what fits a core's L2 cache.
func (b batchNorm) blockRows() int { return max(1<<15/b.channels, 8) }

// blockSums is what block adds, for each block of rows, to the columns of its sums, count of them for
// each channel.
func (b batchNorm) blockSums(c *call, count int, block func(from, to int, sums []float32)) []float32 {
	size := b.blockRows()
	blocks := (b.rows + size - 1) / size
	width := count * b.channels
	partial := make([]float32, blocks*width)
	inChunks(c, blocks, 1, func(from, to int) {
		for i := from; i < to; i++ {
			block(i*size, min((i+1)*size, b.rows), partial[i*width:(i+1)*width])
		}
	})
	return partial
}

// addRows adds up rows of the given width, in order.
func addRows(rows []float32, width int) []float64 {
	total := make([]float64, width)
	for len(rows) > 0 {
		for i, v := range rows[:width] {
			total[i] += float64(v)
		}
		rows = rows[width:]
	}
	return total
}

// eachBlock shares the rows.
func (b batchNorm) eachBlock(c *call, f func(from, to int)) {
	size := b.blockRows()
	inChunks(c, (b.rows+size-1)/size, 1, func(from, to int) { f(from*size, min(to*size, b.rows)) })
}

func (b batchNorm) forward(c *call) {
	x, scale, offset := view[float32](c.in[0]), view[float32](c.in[1]), view[float32](c.in[2])
	y, mean, variance := view[float32](c.out[0]), view[float32](c.out[1]), view[float32](c.out[2])
	n := b.channels
	// One pass: each block's sums, and its squares about its own mean while it is in the cache
	// (https://doi.org/10.1080/00031305.1983.10483115).
	partial := b.blockSums(c, 2, func(from, to int, sums []float32) {
		block := x[from*n : to*n]
		kernels.ColumnSums(sums[:n], block)
		centres := make([]float32, n)
		for i, v := range sums[:n] {
			centres[i] = v / float32(to-from)
		}
		kernels.ColumnSquares(sums[n:], block, centres)
	})
	total := addRows(partial, 2*n)
	means := make([]float64, n)
	for i := range n {
		means[i] = total[i] / float64(b.rows)
		mean[i] = float32(means[i])
	}
	squares := total[n:]
	for block, from := 0, 0; from < b.rows; block, from = block+1, from+b.blockRows() {
		rows := min(b.blockRows(), b.rows-from)
		for i, v := range partial[2*n*block : 2*n*block+n] {
			centre := v / float32(rows) // as above
			d := float64(centre) - means[i]
			squares[i] += d * (2*float64(v) - float64(rows)*(float64(centre)+means[i]))
		}
	}
	factor, shift := make([]float32, n), make([]float32, n)
	for i, v := range squares {
		v = max(v, 0) / float64(b.rows)
		variance[i] = float32(v)
		f := float64(scale[i]) / math.Sqrt(v+b.epsilon)
		factor[i], shift[i] = float32(f), float32(float64(offset[i])-float64(mean[i])*f)
	}
	b.eachBlock(c, func(from, to int) {
		kernels.ScaleColumns(y[from*n:to*n], x[from*n:to*n], factor, shift)
	})
}

func (b batchNorm) backward(c *call) {
	x, scale, mean := view[float32](c.in[0]), view[float32](c.in[1]), view[float32](c.in[2])
	variance, dy := view[float32](c.in[3]), view[float32](c.in[4])
	dx, dScale, dOffset := view[float32](c.out[0]), view[float32](c.out[1]), view[float32](c.out[2])
	n := b.channels
	partial := b.blockSums(c, 2, func(from, to int, sums []float32) {
		kernels.ColumnProducts(sums[:n], sums[n:], x[from*n:to*n], dy[from*n:to*n], mean)
	})
	total := addRows(partial, 2*n)
	// dx = a * dy + k * x + shift, one a, k and shift for each channel.
	a, k, shift := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		inverse := 1 / math.Sqrt(float64(variance[i])+b.epsilon)
		dOffset[i] = float32(total[i])
		dScale[i] = float32(total[n+i] * inverse)
		factor := float64(scale[i]) * inverse
		slope := -factor * inverse * inverse * total[n+i] / float64(b.rows)
		a[i], k[i] = float32(factor), float32(slope)
		shift[i] = float32(-factor*total[i]/float64(b.rows) - slope*float64(mean[i]))
	}
	b.eachBlock(c, func(from, to int) {
		kernels.CombineColumns(dx[from*n:to*n], x[from*n:to*n], dy[from*n:to*n], a, k, shift)
	})
}
