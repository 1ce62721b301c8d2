package kernels

import "fmt"

// Conv describes a convolution of images x [N, H, W, C] with filters w [KH, KW, C/Groups, O] to outputs
// [N, OH, OW, O]. Padding at the end follows from OH and OW.
type Conv struct {
	N, H, W, C, OH, OW, O, KH, KW int
	StrideH, StrideW              int
	PadTop, PadLeft               int
	DilationH, DilationW          int
	Groups                        int
}

func (c Conv) check() {
	if c.Groups < 1 || c.C%c.Groups != 0 || c.O%c.Groups != 0 || c.StrideH < 1 || c.StrideW < 1 || c.DilationH < 1 || c.DilationW < 1 {
		panic(fmt.Sprintf("kernels: %+v is no convolution", c))
	}
}

// runs lists the taps of the window, those that are adjacent in memory together.
func (c Conv) runs() []run {
	var runs []run
	for kh := range c.KH {
		y := kh*c.DilationH - c.PadTop
		if c.DilationW == 1 {
			runs = append(runs, run{y, -c.PadLeft, c.KW})
			continue
		}
		for kw := range c.KW {
			runs = append(runs, run{y, kw*c.DilationW - c.PadLeft, 1})
		}
	}
	return runs
}

// PackedConv holds the filters of a convolution, packed once for its method.
type PackedConv struct {
	winograd *packedWinograd // Method() == Winograd
	panels   *panels         // else, if Groups == 1
	grouped  *groupedFilters // else, but for depthwise ones
	w        []float32       // else
}

// PackConv packs constant filters [KH, KW, C/Groups, O]. They serve images of all sizes for which the
// convolution's Method is the same.
func PackConv(c Conv, w []float32) *PackedConv {
	c.check()
	if c.depthwise() && c.Groups > 1 {
		return &PackedConv{w: append([]float32(nil), w...)}
	}
	if c.Groups > 1 {
		return &PackedConv{grouped: packGrouped(c, w, nil)}
	}
	if c.Method() == Winograd {
		return &PackedConv{winograd: packWinograd(c, w)}
	}
	k := c.KH * c.KW * c.C
	p := newPanels(activeTiler(), k, c.O, nil)
	p.fill(0, k, w, c.O, 1)
	return &PackedConv{panels: p}
}

// Forward computes dst [N, OH, OW, O] from x, finished by the epilogue.
func (pc *PackedConv) Forward(p Parallel, c Conv, dst, x []float32, e Epilogue) {
	c.check()
	if pc.grouped != nil {
		pc.grouped.forward(p, c, dst, x, e)
		return
	}
	if c.Groups > 1 {
		groupedForward(p, c, dst, x, pc.w, e)
		return
	}
	if pc.winograd != nil {
		pc.winograd.convolve(p, Images{c, dst, x, e})
		return
	}
	convolve(p, c, dst, x, pc.panels, e)
}

// Images are images of one size, and where their convolution goes: see Forward.
type Images struct {
	Conv
	Dst, X []float32
	Epilogue
}

// ForwardAll is Forward for images of some sizes. Winograd's filters are read once for all of them.
func (pc *PackedConv) ForwardAll(p Parallel, all []Images) {
	if pc.winograd == nil {
		for _, i := range all {
			pc.Forward(p, i.Conv, i.Dst, i.X, i.Epilogue)
		}
		return
	}
	for _, i := range all {
		i.check()
	}
	pc.winograd.convolve(p, all...)
}

// ConvForward is Forward with filters that are packed for this call.
func ConvForward(p Parallel, c Conv, dst, x, w []float32, e Epilogue) {
	c.check()
	if c.Groups > 1 {
		groupedForward(p, c, dst, x, w, e)
		return
	}
	memory := panelMemory.take()
	defer panelMemory.give(memory)
	if c.Method() == Winograd {
		f := newWinogradFilters(p, activeTiler(), c.C, c.O, w, false, memory.data)
		memory.data = f.data
		f.convolve(p, newWinogradSizes(Images{c, dst, x, e}))
		return
	}
	k := c.KH * c.KW * c.C
	b := newPanels(activeTiler(), k, c.O, memory.data)
	memory.data = b.data
	b.fill(0, k, w, c.O, 1)
	convolve(p, c, dst, x, b, e)
}

// pointwise says that the images are the left operand as they are: no window to gather. Rows that lie
// a multiple of 4 KiB apart would fall into one set of the first cache and push each other out.
func (c Conv) pointwise() bool {
	return c.KH == 1 && c.KW == 1 && c.StrideH == 1 && c.StrideW == 1 && c.PadTop == 0 && c.PadLeft == 0 &&
		c.OH == c.H && c.OW == c.W && c.C%1024 != 0
}

func convolve(p Parallel, c Conv, dst, x []float32, b *panels, e Epilogue) {
	m := c.N * c.OH * c.OW
	if m == 0 || c.O == 0 {
		return
	}
	if b.k == 0 {
		clear(dst[:m*c.O])
		e.apply(dst, 0, m, c.O, 0, c.O, Active())
		return
	}
	if c.pointwise() {
		gemm(p, dst, c.O, m, left{data: x, row: c.C, column: 1}, b, false, e)
		return
	}
	if c.rowwise(b.tile) {
		c.convolveRows(p, dst, x, b, e)
		return
	}
	g := &gather{src: x, h: c.H, w: c.W, c: c.C, outH: c.OH, outW: c.OW, strideH: c.StrideH, strideW: c.StrideW, runs: c.runs()}
	g.multiply(p, m, b, func(w *workspace, from, to int) ([]float32, int) {
		return dst[from*c.O:], c.O
	}, func(_ *workspace, from, to, begin, end int) {
		e.apply(dst, from, to, c.O, begin, end, Active())
	})
}

// chunkDepth is the depth, in elements, to which windows are gathered at once, and cacheRows the
// floats of gathered rows that stay in a core's second cache, with room for a panel.
const (
	chunkDepth = 1152
	cacheRows  = 112 << 10
)

// multiply computes the product of all m gathered rows and b, block by block. target says where the rows
// [from, to) of the result go and how far apart its rows lie; done is called when the columns
// [begin, end) of a block are complete.
func (g *gather) multiply(p Parallel, m int, b *panels, target func(w *workspace, from, to int) ([]float32, int), done func(w *workspace, from, to, begin, end int)) {
	chunks := g.chunks()
	deepest := 0
	for _, c := range chunks {
		deepest = max(deepest, g.rowLength(c))
	}
	ld := leading(deepest)
	block, blocks, parts := split(m, min(cacheRows/ld, 336), b.tile.rows, p.Workers(), b.count())
	p.For(blocks*parts, func(i int) {
		from := i / parts * block
		to := min(from+block, m)
		first, last := i%parts*b.count()/parts, (i%parts+1)*b.count()/parts
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		out, ldc := target(w, from, to)
		rows := grown(&w.rows, (block+b.tile.rows)*ld)
		k0 := 0
		for n, chunk := range chunks {
			k := g.rowLength(chunk)
			g.rows(rows, ld, from, to, chunk)
			w.multiply(out, ldc, to-from, left{data: rows, row: ld, column: 1, padded: true}, b, k0, k, first, last, n > 0)
			k0 += k
		}
		done(w, from, to, first*b.tile.columns, min(last*b.tile.columns, b.n))
	})
}

// chunks cuts the runs so that no more than about chunkDepth elements are gathered at once. The cut
// depends on the window alone: it decides in which order products are summed.
func (g *gather) chunks() [][]run {
	var chunks [][]run
	var open []run
	depth := 0
	for _, r := range g.runs {
		for r.count > 0 {
			fit := max((chunkDepth-depth)/max(g.c, 1), 0)
			if fit == 0 && len(open) > 0 {
				chunks, open, depth = append(chunks, open), nil, 0
				continue
			}
			n := min(max(fit, 1), r.count)
			open = append(open, run{r.y, r.x, n})
			depth += n * g.c
			r.x, r.count = r.x+n, r.count-n
		}
	}
	return append(chunks, open)
}

// leading rounds a row's length up to a cache line and off multiples of 4 KiB, at which rows would fall
// into one set of the first cache.
func leading(n int) int {
	n = (n + 15) &^ 15
	if n%512 == 0 {
		n += 16
	}
	return n
}
