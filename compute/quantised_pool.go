package compute

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// fastMaxPool is a max pool of NHWC images of bytes or bfloat16, which fold writes the greater of; nil where
// another way is needed. least is what a window over padding alone gives.
func fastMaxPool[T uint8 | uint16](n *node, fold func(dst, a []T), least T) kernel {
	attrs := n.attrs.(windowOpAttrs)
	// The windows are those of a float32 pool of this shape.
	p, ok := newPool2D(n.inputs[0].dims(), n.out().dims(), dtypes.Float32, attrs)
	if !ok || attrs.Reduction != backends.ReduceOpMax {
		return nil
	}
	row := p.W * p.C
	return func(c *call) {
		x, out := view[T](c.in[0]), view[T](c.out[0])
		inChunks(c, p.N*p.OH, parallelSize/(row*p.KH)+1, func(from, to int) {
			// Down the columns of the window first, for the whole row at once, then along it.
			folded := make([]T, row)
			for i := from; i < to; i++ {
				image, oh := i/p.OH, i%p.OH
				h0, h1, _, _ := p.window(oh, 0)
				if h0 < h1 {
					copy(folded, x[p.at(image, h0, 0):])
				}
				for h := h0 + 1; h < h1; h++ {
					fold(folded, x[p.at(image, h, 0):][:row])
				}
				for ow := range p.OW {
					dst := out[(i*p.OW+ow)*p.C:][:p.C]
					_, _, w0, w1 := p.window(oh, ow)
					if h0 >= h1 || w0 >= w1 { // a window over padding alone
						for j := range dst {
							dst[j] = least
						}
						continue
					}
					copy(dst, folded[w0*p.C:])
					for w := w0 + 1; w < w1; w++ {
						fold(dst, folded[w*p.C:(w+1)*p.C])
					}
				}
			}
		})
	}
}

// bfloat16Lowest is minus infinity.
const bfloat16Lowest = 0xff80
