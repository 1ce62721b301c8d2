package kernels

// PackedB is the right operand of a product, packed once.
type PackedB struct{ panels *panels }

// PackB packs b, [k, n] with rows ldb apart, or [n, k] if trans.
func PackB(b []float32, n, k, ldb int, trans bool) *PackedB {
	return &PackedB{packB(newPanels(activeTiler(), k, n, nil), b, ldb, trans)}
}

func packB(p *panels, b []float32, ldb int, trans bool) *panels {
	if trans {
		p.fill(0, p.k, b, 1, ldb)
	} else {
		p.fill(0, p.k, b, ldb, 1)
	}
	return p
}

var panelMemory = newMemory()

// Gemm computes dst [m, n] = a·b, or adds it to dst if accumulate: a is [m, k], or [k, m] if transA, b is
// [k, n], or [n, k] if transB, and rows lie lda, ldb and ldc apart.
func Gemm(p Parallel, dst []float32, m, n, k int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, ldc int, accumulate bool) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !accumulate {
			for r := range m {
				clear(dst[r*ldc : r*ldc+n])
			}
		}
		return
	}
	memory := panelMemory.take()
	defer panelMemory.give(memory)
	packed := newPanels(activeTiler(), k, n, memory.data)
	memory.data = packed.data
	packB(packed, b, ldb, transB)
	operand := left{data: a, row: lda, column: 1}
	if transA {
		operand.row, operand.column = 1, lda
	}
	gemm(p, dst, ldc, m, operand, packed, accumulate, Epilogue{})
}

// GemmPacked computes dst [m, n] = a·b, finished by the epilogue; a is [m, k] with rows lda apart, rows of
// dst lie ldc apart. With a residual, ldc is n.
func GemmPacked(p Parallel, dst []float32, ldc, m int, a []float32, lda int, b *PackedB, e Epilogue) {
	gemm(p, dst, ldc, m, left{data: a, row: lda, column: 1}, b.panels, false, e)
}

// longestSum is the number of products that are added up one after the other, at most: the next as many begin
// at zero and are added to the sum of those before. A single sum of a million equal numbers is 1% off.
const longestSum = 8 << 10

func gemm(p Parallel, dst []float32, ldc, m int, a left, b *panels, add bool, e Epilogue) {
	const cache = 96 << 10 // floats of a that stay in the cache
	block, blocks, parts := split(m, cache/max(b.k, 1), b.tile.rows, p.Workers(), b.count())
	level := Active()
	p.For(blocks*parts, func(i int) {
		from := i / parts * block
		to := min(from+block, m)
		first, last := i%parts*b.count()/parts, (i%parts+1)*b.count()/parts
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		own := a
		for k0 := 0; k0 == 0 || k0 < b.k; k0 += longestSum {
			own.data = a.data[from*a.row+k0*a.column:]
			k := min(longestSum, b.k-k0)
			if k0 == 0 {
				w.multiply(dst[from*ldc:], ldc, to-from, own, b, 0, k, first, last, add)
			} else {
				w.addProduct(dst[from*ldc:], ldc, to-from, own, b, k0, k, first, last)
			}
		}
		e.apply(dst, from, to, ldc, first*b.tile.columns, min(last*b.tile.columns, b.n), level)
	})
}

// addProduct adds to c what multiply sets, once it is summed.
func (w *workspace) addProduct(c []float32, ldc, rows int, a left, b *panels, k0, k, first, last int) {
	sum := grown(&w.out, rows*b.n)
	w.multiply(sum, b.n, rows, a, b, k0, k, first, last, false)
	begin, end := first*b.tile.columns, min(last*b.tile.columns, b.n)
	for r := range rows {
		row := c[r*ldc+begin : r*ldc+end]
		Add(row, row, sum[r*b.n+begin:r*b.n+end])
	}
}
