package kernels

import "unsafe"

// ConvGradInput computes dx [N, H, W, C], the gradient of the loss with respect to the images of the
// convolution c, from dy [N, OH, OW, O], the one with respect to its outputs.
//
// With a stride, inputs fall into phases, by their position modulo the stride, and each phase is reached
// by its own taps: each is a product of its own, and no zeros are multiplied.
func ConvGradInput(p Parallel, c Conv, dx, dy, w []float32) {
	c.check()
	if c.Groups > 1 {
		groupedGradInput(p, c, dx, dy, w)
		return
	}
	memory := panelMemory.take()
	defer panelMemory.give(memory)
	if back := c.backwards(); back.Method() == Winograd {
		f := newWinogradFilters(p, activeTiler(), c.O, c.C, w, true, memory.data)
		memory.data = f.data
		f.convolve(p, newWinogradSizes(Images{Conv: back, Dst: dx, X: dy}))
		return
	}
	for ph := range min(c.StrideH, c.H) {
		for pw := range min(c.StrideW, c.W) {
			c.gradInputPhase(p, dx, dy, w, ph, pw, memory)
		}
	}
}

// backwards is the convolution of dy that gives dx where there is no stride: its filters are those of c,
// turned by half a circle.
func (c Conv) backwards() Conv {
	back := c
	back.C, back.O = c.O, c.C
	back.H, back.W, back.OH, back.OW = c.OH, c.OW, c.H, c.W
	back.PadTop, back.PadLeft = (c.KH-1)*c.DilationH-c.PadTop, (c.KW-1)*c.DilationW-c.PadLeft
	return back
}

// gradInputPhase computes the inputs at (ph + StrideH·i, pw + StrideW·j).
func (c Conv) gradInputPhase(p Parallel, dx, dy, w []float32, ph, pw int, memory *memory) {
	rows, columns := (c.H-ph+c.StrideH-1)/c.StrideH, (c.W-pw+c.StrideW-1)/c.StrideW
	type tap struct{ number, y, x int }
	var taps []tap
	// Taps in falling order, so that their outputs lie in rising order and side by side.
	for kh := c.KH - 1; kh >= 0; kh-- {
		y := ph + c.PadTop - kh*c.DilationH
		if y%c.StrideH != 0 {
			continue
		}
		for kw := c.KW - 1; kw >= 0; kw-- {
			if x := pw + c.PadLeft - kw*c.DilationW; x%c.StrideW == 0 {
				taps = append(taps, tap{kh*c.KW + kw, y / c.StrideH, x / c.StrideW})
			}
		}
	}
	m := c.N * rows * columns
	if m == 0 {
		return
	}
	if len(taps) == 0 || c.O == 0 {
		c.scatter(dx, nil, ph, pw, rows, columns, 0, m)
		return
	}
	b := newPanels(activeTiler(), len(taps)*c.O, c.C, memory.data)
	memory.data = b.data
	g := &gather{src: dy, h: c.OH, w: c.OW, c: c.O, outH: rows, outW: columns, strideH: 1, strideW: 1}
	for i, t := range taps {
		b.fill(i*c.O, c.O, w[t.number*c.C*c.O:], 1, c.O)
		if n := len(g.runs); n > 0 && g.runs[n-1].y == t.y && g.runs[n-1].x+g.runs[n-1].count == t.x {
			g.runs[n-1].count++
		} else {
			g.runs = append(g.runs, run{t.y, t.x, 1})
		}
	}
	inPlace := c.StrideH == 1 && c.StrideW == 1
	g.multiply(p, m, b, func(ws *workspace, from, to int) ([]float32, int) {
		if inPlace {
			return dx[from*c.C:], c.C
		}
		return grown(&ws.out, (to-from)*c.C), c.C
	}, func(ws *workspace, from, to, begin, end int) {
		if !inPlace {
			c.scatterColumns(dx, ws.out, ph, pw, rows, columns, from, to, begin, end)
		}
	})
}

// scatter writes rows of a phase to where they belong; nil rows are zeros.
func (c Conv) scatter(dx, from []float32, ph, pw, rows, columns, first, last int) {
	if from == nil {
		from = make([]float32, (last-first)*c.C)
	}
	c.scatterColumns(dx, from, ph, pw, rows, columns, first, last, 0, c.C)
}

func (c Conv) scatterColumns(dx, from []float32, ph, pw, rows, columns, first, last, begin, end int) {
	for r := first; r < last; r++ {
		n, i, j := r/(rows*columns), r/columns%rows, r%columns
		at := ((n*c.H+ph+i*c.StrideH)*c.W + pw + j*c.StrideW) * c.C
		copy(dx[at+begin:at+end], from[(r-first)*c.C+begin:(r-first)*c.C+end])
	}
}

// ConvGradFilter computes dw [KH, KW, C/Groups, O], the gradient with respect to the filters of the
// convolution c, from its images x and dy [N, OH, OW, O]. Each worker sums over its part of the
// outputs, then the parts are added in order: the result depends on the number of workers.
func ConvGradFilter(p Parallel, c Conv, dw, x, dy []float32) {
	c.check()
	if c.Groups > 1 {
		groupedGradFilter(p, c, dw, x, dy)
		return
	}
	if c.Method() == Winograd && c.winogradTiles().tilesOf(c.N) >= winogradGradTiles {
		winogradGradFilter(p, c, dw, x, dy)
		return
	}
	k := c.KH * c.KW * c.C
	g := &gather{src: x, h: c.H, w: c.W, c: c.C, outH: c.OH, outW: c.OW, strideH: c.StrideH, strideW: c.StrideW, runs: c.runs()}
	direct := c.pointwise()
	t := activeTiler()
	ld := leading(k + t.rows)
	depth := max(min(cacheRows/ld, 256), 16)
	if direct {
		depth = 256
	}
	sumParts(p, dw[:k*c.O], c.N*c.OH*c.OW, 1, func(part []float32, from, to int) {
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		for first := true; from < to; from += depth {
			n := min(depth, to-from)
			a := left{data: x[min(from*c.C, len(x)):], row: 1, column: c.C}
			if !direct {
				rows := grown(&w.rows, depth*ld)
				g.rows(rows, ld, from, from+n, g.runs)
				a = left{data: rows, row: 1, column: ld, padded: true}
			}
			w.outer(part, k, c.O, n, a, dy[from*c.O:], t, !first)
			first = false
		}
	})
}

// outer sets, or adds to, c [m, n] the sum over r < depth of a[:, r]·b[r, :], where b's rows are n long.
func (w *workspace) outer(c []float32, m, n, depth int, a left, b []float32, t *tiler, add bool) {
	ldb := n
	if n%t.narrow != 0 {
		// Tiles read whole widths: pad the rows.
		ldb = (n + t.narrow - 1) / t.narrow * t.narrow
		padded := grown(&w.out, depth*ldb)
		for r := range depth {
			copy(padded[r*ldb:], b[r*n:(r+1)*n])
			clear(padded[r*ldb+n : (r+1)*ldb])
		}
		b = padded
	}
	full := m / t.rows * t.rows
	edge := left{}
	if full < m {
		edge = left{data: a.data[full:], row: 1, column: a.column}
		if !a.padded {
			edge = w.copyEdge(a, full, m, depth, t.rows)
		}
	}
	work := tileWork{k: depth, runs: 1, add: add}
	for begin := 0; begin < ldb; {
		width, thin := t.columns, false
		if ldb-begin < t.columns {
			width, thin = t.narrow, t.narrow < t.columns
		}
		columns := min(width, n-begin)
		bp := unsafe.Pointer(&b[begin])
		for r := 0; r < m; r += t.rows {
			from, at := a, r
			if r == full {
				from, at = edge, 0
			}
			work.a, work.b = unsafe.Pointer(&from.data[at]), bp
			work.next = work.a
			work.aRow, work.aColumn, work.bRow = 4*from.row, 4*from.column, 4*ldb
			w.multiplyTile(t, &work, c[r*n+begin:], n, t.rows, width, min(t.rows, m-r), columns, thin)
		}
		begin += width
	}
}

// sumParts cuts n into one part for each worker, lets f add each part's sum, starting from zeros, and
// adds the sums to dst in order. Each of the n has a number of terms; what is longer than the longest sum is
// cut again, and the sums of the pieces are added.
func sumParts(p Parallel, dst []float32, n, terms int, f func(part []float32, from, to int)) {
	workers := max(min(p.Workers(), n), 1)
	parts := make([]*memory, workers)
	most := max(longestSum/max(terms, 1), 1)
	p.For(workers, func(i int) {
		part := dst
		if i > 0 {
			parts[i] = partMemory.take()
			part = parts[i].zeros(len(dst))
		} else {
			clear(dst)
		}
		from, to := i*n/workers, (i+1)*n/workers
		f(part, from, min(from+most, to))
		if to-from <= most {
			return
		}
		piece := partMemory.take()
		defer partMemory.give(piece)
		for from += most; from < to; from += most {
			sum := piece.zeros(len(dst))
			f(sum, from, min(from+most, to))
			Add(part, part, sum)
		}
	})
	const stretch = 1 << 14
	p.For((len(dst)+stretch-1)/stretch, func(s int) {
		from, to := s*stretch, min((s+1)*stretch, len(dst))
		for _, part := range parts[1:] {
			Add(dst[from:to], dst[from:to], part.data[from:to])
		}
	})
	for _, part := range parts[1:] {
		partMemory.give(part)
	}
}

var partMemory = newMemory()
