package kernels

import "unsafe"

// Where rows of outputs are long and channels few, gathering windows costs as much as multiplying them.
// There the tiles read windows where they lie: neighbours in a row of outputs are windows that begin
// StrideW·C elements apart, and each row of taps is a run of KW·C elements. Products are summed in the same
// order as by gathering, so that the bits are the same.

// rowwise says whether that pays.
func (c Conv) rowwise(t *tiler) bool {
	if c.DilationW != 1 || c.KH*c.KW == 1 || c.O > 128 {
		return false
	}
	// The last tile of a row computes more than is wanted.
	return 8*t.whole(c.OW) <= 9*c.OW
}

// whole is the number of rows that tiles compute for n wanted ones.
func (t *tiler) whole(n int) int {
	done := 0
	for done < n {
		done += t.height(n-done, false)
	}
	return done
}

// convolveRows computes dst [N, OH, OW, O] from x, finished by the epilogue.
func (c Conv) convolveRows(p Parallel, dst, x []float32, b *panels, e Epilogue) {
	const most = 448 // outputs for which a panel is read at once
	t := b.tile
	left := c.PadLeft
	reach := (c.OW + t.rows - 1) / t.rows * t.rows     // outputs of a row, as far as tiles of any height go
	columns := max(c.W+left, (reach-1)*c.StrideW+c.KW) // of padded rows
	pitch := columns * c.C
	rows := min(max(most/c.OW, 1), c.OH)
	blocks := (c.OH + rows - 1) / rows
	rows = (c.OH + blocks - 1) / blocks
	p.For(c.N*blocks, func(i int) {
		n, from := i/blocks, i%blocks*rows
		to := min(from+rows, c.OH)
		if from >= to {
			return
		}
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		in := (to-from-1)*c.StrideH + (c.KH-1)*c.DilationH + 1
		padded := grown(&w.rows, in*pitch)
		image := x[n*c.H*c.W*c.C : (n+1)*c.H*c.W*c.C]
		for r := range in {
			row, y := padded[r*pitch:(r+1)*pitch], from*c.StrideH-c.PadTop+r
			if y < 0 || y >= c.H {
				clear(row)
				continue
			}
			clear(row[:left*c.C])
			done := left*c.C + copy(row[left*c.C:], image[y*c.W*c.C:(y+1)*c.W*c.C])
			clear(row[done:])
		}
		work := tileWork{
			k: c.KW * c.C, runs: c.KH, aRow: 4 * c.StrideW * c.C, aColumn: 4,
			aJump: 4 * (c.DilationH*pitch - c.KW*c.C),
		}
		for panel := range b.count() {
			width, thin := b.width(panel)
			begin := panel * t.columns
			work.b, work.bRow = b.row(panel, 0), 4*width
			for oh := from; oh < to; oh++ {
				for ow := 0; ow < c.OW; {
					height := t.height(c.OW-ow, thin)
					work.a = unsafe.Pointer(&padded[(oh-from)*c.StrideH*pitch+ow*c.StrideW*c.C])
					work.next = work.a
					w.multiplyTile(t, &work, dst[((n*c.OH+oh)*c.OW+ow)*c.O+begin:], c.O, height, width,
						min(height, c.OW-ow), min(width, c.O-begin), thin)
					ow += height
				}
			}
		}
		e.apply(dst, (n*c.OH+from)*c.OW, (n*c.OH+to)*c.OW, c.O, 0, c.O, Active())
	})
}
