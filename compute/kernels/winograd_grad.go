package kernels

import "unsafe"

// The gradient of the filters by the same minimal filtering, transposed: at each of the 36 points, the
// transformed tiles of images and those of gradients make one product, summed over all tiles of the
// batch, and what comes out is transformed to 3 x 3 taps.

// winogradGradTiles is the number of tiles from which on that is faster: the products at the 36 points
// take four times the memory of the filters.
const winogradGradTiles = 48

// winogradGradFilter computes dw [3, 3, C, O] from x [N, H, W, C] and dy [N, OH, OW, O].
func winogradGradFilter(p Parallel, c Conv, dw, x, dy []float32) {
	w := newWinograd(Images{Conv: c, X: x})
	w.ldOut = c.O
	total := w.tiles()
	t := activeTiler()
	each := oddLines(c.C * c.O)
	sums, tiles := winogradMemory.take(), winogradMemory.take()
	defer winogradMemory.give(sums)
	defer winogradMemory.give(tiles)
	points := grown(&sums.data, winogradPoints*each)
	most := max(winogradShared/(winogradPoints*(w.ldIn+w.ldOut)), 1)
	for from := 0; from < total; from += most {
		n := min(most, total-from)
		in, out := w.buffers(tiles, n)
		eachTile(p, n, func(s *winogradScratch, slot int) {
			w.transformInput(s, in, n, slot, from+slot)
			w.spread(s, dy, out, n, slot, from+slot)
		})
		p.For(winogradPoints, func(point int) {
			s := workspaces.Get().(*workspace)
			defer workspaces.Put(s)
			a := left{data: in[point*w.pointIn(n):], row: 1, column: w.ldIn}
			s.outer(points[point*each:(point+1)*each], c.C, c.O, n, a, out[point*w.pointOut(n):], t, from > 0)
		})
	}
	p.For(c.C, func(i int) {
		s := winogradScratches.Get().(*winogradScratch)
		defer winogradScratches.Put(s)
		w.transforms.gather(unsafe.Pointer(&dw[i*c.O]), unsafe.Pointer(&points[i*c.O]), unsafe.Pointer(&s.vectors), c.O, 4*c.C*c.O, 4*each)
	})
}

// spread transforms one tile of dy. Positions beyond the border have no gradient.
func (w *winograd) spread(s *winogradScratch, dy, out []float32, tiles, slot, tile int) {
	n, y, x := w.place(tile)
	dst := unsafe.Pointer(&out[slot*w.ldOut])
	point := 4 * w.pointOut(tiles)
	scratch := unsafe.Pointer(&s.vectors)
	row := (n*w.OH+y)*w.OW + x
	if y+winogradOut <= w.OH && x+winogradOut <= w.OW {
		w.transforms.spread(dst, unsafe.Pointer(&dy[row*w.O]), scratch, w.O, 4*w.OW*w.O, 4*w.O, point)
		return
	}
	window := grown(&s.window, winogradOut*winogradOut*w.O)
	columns := min(winogradOut, w.OW-x)
	for r := range winogradOut {
		line := window[r*winogradOut*w.O : (r+1)*winogradOut*w.O]
		if y+r >= w.OH {
			clear(line)
			continue
		}
		at := row + r*w.OW
		clear(line[copy(line[:columns*w.O], dy[at*w.O:]):])
	}
	w.transforms.spread(dst, unsafe.Pointer(&window[0]), scratch, w.O, 4*winogradOut*w.O, 4*w.O, point)
}
