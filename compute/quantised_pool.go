package compute

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// fastPoolUint8 is a max pool of NHWC images of bytes; nil where another way is needed. Rows are folded
// first, whole, since long runs of bytes are what the kernel is good at.
func fastPoolUint8(n *node) kernel {
	attrs := n.attrs.(windowOpAttrs)
	// The windows are those of a float32 pool of this shape.
	p, ok := newPool2D(n.inputs[0].dims(), n.out().dims(), dtypes.Float32, attrs)
	if !ok || attrs.Reduction != backends.ReduceOpMax {
		return nil
	}
	row := p.W * p.C
	return func(c *call) {
		x, out := c.in[0], c.out[0]
		inChunks(c, p.N*p.OH, parallelSize/(row*p.KH)+1, func(from, to int) {
			folded := make([]uint8, row)
			for i := from; i < to; i++ {
				image, oh := i/p.OH, i%p.OH
				h0, h1, _, _ := p.window(oh, 0)
				dst := out[i*p.OW*p.C:][:p.OW*p.C]
				if h0 >= h1 { // a window over padding alone
					clear(dst)
					continue
				}
				at := p.at(image, h0, 0)
				copy(folded, x[at:at+row])
				for h := h0 + 1; h < h1; h++ {
					at := p.at(image, h, 0)
					kernels.MaxUint8(folded, x[at:at+row])
				}
				for ow := range p.OW {
					_, _, w0, w1 := p.window(oh, ow)
					cell := dst[ow*p.C:][:p.C]
					if w0 >= w1 {
						clear(cell)
						continue
					}
					copy(cell, folded[w0*p.C:])
					for w := w0 + 1; w < w1; w++ {
						kernels.MaxUint8(cell, folded[w*p.C:(w+1)*p.C])
					}
				}
			}
		})
	}
}
