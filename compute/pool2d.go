package compute

import (
	"slices"
	"sync"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"

	"github.com/kleid-search/kleid/compute/kernels"
)

// pool2D is a pool over the two middle axes of NHWC images.
type pool2D struct {
	N, H, W, C, OH, OW, KH, KW, StrideH, StrideW, PadTop, PadLeft int
}

// newPool2D returns false where the windows are not such a pool's.
func newPool2D(in, out []int, attrs windowOpAttrs) (p pool2D, ok bool) {
	if len(in) != 4 || attrs.Sizes[0] != 1 || attrs.Sizes[3] != 1 ||
		attrs.Strides[0] != 1 || attrs.Strides[3] != 1 || attrs.Paddings[0] != [2]int{} || attrs.Paddings[3] != [2]int{} ||
		!allOnes(attrs.BaseDilations) || !allOnes(attrs.WindowDilation) || slices.Contains(in, 0) {
		return p, false
	}
	return pool2D{
		N: in[0], H: in[1], W: in[2], C: in[3], OH: out[1], OW: out[2], KH: attrs.Sizes[1], KW: attrs.Sizes[2],
		StrideH: attrs.Strides[1], StrideW: attrs.Strides[2], PadTop: attrs.Paddings[1][0], PadLeft: attrs.Paddings[2][0],
	}, true
}

// window is the part of the window at an output position that lies within the image.
func (p pool2D) window(oh, ow int) (h0, h1, w0, w1 int) {
	h0, w0 = oh*p.StrideH-p.PadTop, ow*p.StrideW-p.PadLeft
	return max(h0, 0), min(h0+p.KH, p.H), max(w0, 0), min(w0+p.KW, p.W)
}

func (p pool2D) at(image, h, w int) int { return ((image*p.H+h)*p.W + w) * p.C }

// fastPool is a pool in float32; nil where another way is needed.
func fastPool(n *node) kernel {
	attrs := n.attrs.(windowOpAttrs)
	p, ok := newPool2D(n.inputs[0].dims(), n.out().dims(), attrs)
	if !ok || n.inputs[0].dtype() != dtypes.Float32 {
		return nil
	}
	switch attrs.Reduction {
	case backends.ReduceOpSum:
		return poolKernel(p, addTo, 0)
	case backends.ReduceOpMax:
		return poolKernel(p, maxTo, lowest[float32](dtypes.Float32))
	case backends.ReduceOpMin:
		return poolKernel(p, minTo, highest[float32](dtypes.Float32))
	}
	return nil
}

// fastMaxPool is a max pool of bytes or bfloat16, which fold writes the greater of; nil where another way is
// needed. least is what a window over padding alone gives.
func fastMaxPool[T uint8 | uint16](n *node, fold func(dst, a []T), least T) kernel {
	attrs := n.attrs.(windowOpAttrs)
	p, ok := newPool2D(n.inputs[0].dims(), n.out().dims(), attrs)
	if !ok || attrs.Reduction != backends.ReduceOpMax {
		return nil
	}
	return poolKernel(p, fold, least)
}

// bfloat16Lowest is minus infinity.
const bfloat16Lowest = 0xff80

// poolKernel folds the elements of each window, down its columns first, for a whole row at once, then along it.
// padding is what a window over padding alone gives.
func poolKernel[T uint8 | uint16 | float32](p pool2D, fold func(dst, x []T), padding T) kernel {
	row := p.W * p.C
	rows := sync.Pool{New: func() any { s := make([]T, row); return &s }}
	return func(c *call) {
		x, out := view[T](c.in[0]), view[T](c.out[0])
		inChunks(c, p.N*p.OH, parallelSize/(p.OW*p.C*p.KH*p.KW)+1, func(from, to int) {
			own := rows.Get().(*[]T)
			defer rows.Put(own)
			folded := *own
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
					if h0 >= h1 || w0 >= w1 {
						for j := range dst {
							dst[j] = padding
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

// fastPoolGrad is the gradient of a max or min pool; nil where another way is needed.
func fastPoolGrad(n *node) kernel {
	attrs := n.attrs.(windowOpAttrs)
	p, ok := newPool2D(n.inputs[0].dims(), n.inputs[1].dims(), attrs)
	if !ok || n.out().dtype() != dtypes.Float32 {
		return nil
	}
	least := attrs.Reduction == backends.ReduceOpMin
	return func(c *call) {
		x, dy, dx := view[float32](c.in[0]), view[float32](c.in[1]), view[float32](c.out[0])
		inChunks(c, p.N, 1, func(from, to int) {
			for image := from; image < to; image++ {
				base := p.at(image, 0, 0)
				clear(dx[base : base+p.H*p.W*p.C])
				for o := range p.OH * p.OW {
					h0, h1, w0, w1 := p.window(o/p.OW, o%p.OW)
					if h0 >= h1 || w0 >= w1 {
						continue
					}
					at := p.at(image, h0, w0)
					grad := dy[(image*p.OH*p.OW+o)*p.C:][:p.C]
					kernels.PoolGrad(dx[at:], x[at:], grad, h1-h0, w1-w0, p.W*p.C, least)
				}
			}
		})
	}
}
