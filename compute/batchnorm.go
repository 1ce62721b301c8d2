package compute

import (
	"math"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
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

// sums adds up, over all rows, what block adds to each of the columns of its sums.
func (b batchNorm) sums(c *call, count int, block func(from, to int, sums []float32)) []float64 {
	size := b.blockRows()
	blocks := (b.rows + size - 1) / size
	width := count * b.channels
	partial := make([]float32, blocks*width)
	inChunks(c, blocks, 1, func(from, to int) {
		for i := from; i < to; i++ {
			block(i*size, min((i+1)*size, b.rows), partial[i*width:(i+1)*width])
		}
	})
	total := make([]float64, width)
	for i, v := range partial {
		total[i%width] += float64(v)
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
	total := b.sums(c, 1, func(from, to int, sums []float32) {
		for r := from; r < to; r++ {
			addTo(sums, x[r*n:(r+1)*n])
		}
	})
	for i, v := range total {
		mean[i] = float32(v / float64(b.rows))
	}
	total = b.sums(c, 1, func(from, to int, sums []float32) {
		for r := from; r < to; r++ {
			row := x[r*n : (r+1)*n]
			for i, m := range mean {
				d := row[i] - m
				sums[i] += d * d
			}
		}
	})
	factor, shift := make([]float32, n), make([]float32, n)
	for i, v := range total {
		v /= float64(b.rows)
		variance[i] = float32(v)
		f := float64(scale[i]) / math.Sqrt(v+b.epsilon)
		factor[i], shift[i] = float32(f), float32(float64(offset[i])-float64(mean[i])*f)
	}
	b.eachBlock(c, func(from, to int) {
		for r := from; r < to; r++ {
			in, out := x[r*n:(r+1)*n], y[r*n:(r+1)*n]
			for i, f := range factor {
				out[i] = in[i]*f + shift[i]
			}
		}
	})
}

func (b batchNorm) backward(c *call) {
	x, scale, mean := view[float32](c.in[0]), view[float32](c.in[1]), view[float32](c.in[2])
	variance, dy := view[float32](c.in[3]), view[float32](c.in[4])
	dx, dScale, dOffset := view[float32](c.out[0]), view[float32](c.out[1]), view[float32](c.out[2])
	n := b.channels
	total := b.sums(c, 2, func(from, to int, sums []float32) {
		plain, product := sums[:n], sums[n:]
		for r := from; r < to; r++ {
			in, grad := x[r*n:(r+1)*n], dy[r*n:(r+1)*n]
			for i, m := range mean {
				g := grad[i]
				plain[i] += g
				product[i] += g * (in[i] - m)
			}
		}
	})
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
		for r := from; r < to; r++ {
			in, grad, out := x[r*n:(r+1)*n], dy[r*n:(r+1)*n], dx[r*n:(r+1)*n]
			for i := range a {
				out[i] = a[i]*grad[i] + k[i]*in[i] + shift[i]
			}
		}
	})
}
