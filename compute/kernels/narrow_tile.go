package kernels

import "unsafe"

// narrowTile is the innermost product of bytes or bfloat16 and its epilogue: rows x columns of the output.
// Assembly knows the fields by their offsets. No pointer may lie beyond the end of its memory, even where it is
// not used: the collector looks at them.
type narrowTile struct {
	image         unsafe.Pointer // bytes
	rows          unsafe.Pointer // *int: where each row's window begins in image
	runs          unsafe.Pointer // *int: where each run of a window begins after that
	runCount      int
	steps         int            // fours of bytes of a run
	filters       unsafe.Pointer // of the panel
	start         unsafe.Pointer // [columns]int32 or float32: with which sums begin
	scale, bias   unsafe.Pointer // [columns]float32
	out           unsafe.Pointer // of the kind that the mode says
	stride        int            // elements from a row of out, and of residual, to the next
	residual      unsafe.Pointer // of the kind that the mode says
	residualScale float32
	residualZero  int32
	least, most   float32 // to which bytes are clamped before zero is added
	zero          int32
	mode          narrowMode
	tiles         int           // below one another; image and filters are the same
	floor         uint32        // four times the byte that least becomes
	again         [2]stepsAgain // of the panel's lower and upper half
}

// stepsAgain are the steps whose filters have a second part, which comes after all first ones.
type stepsAgain struct {
	begin unsafe.Pointer // *int: where they begin in a window
	count int
}

// narrowMode says what a tile's epilogue does.
type narrowMode int32

const (
	modeFloat         narrowMode = 1 << iota // floats come out, else bytes or bfloat16
	modeResidual                             // the residual is bytes or bfloat16
	modeResidualFloat                        // the residual is floats
	modeReLU                                 // bytes have it in least
	modeLarge                                // results may be too large for an int32
	modeFetch                                // outputs and residuals, of the same size, are not in a core's cache
)

const (
	narrowRows    = 32 // of a tile at most
	narrowColumns = 32
	maxNarrowTile = narrowRows * narrowColumns

	matrixChunk = 64              // bytes of a row of a matrix that are multiplied at once
	matrixSteps = matrixChunk / 4 // of four bytes

	writtenBeyond = matrixChunk // bytes beyond a row, at most, that are written to with it
)

// narrowTiler is the code of an instruction set for tiles.
type narrowTiler struct {
	rows    []int                                  // that a tile may have, the most first, down to 1
	columns int                                    // of a panel
	narrow  int                                    // columns of the last panel where that suffices
	wide    bool                                   // int8 filters are packed as int16, for each step first those of bytes 0 and 2, then of 1 and 3
	pairs   bool                                   // products of bytes 0 and 1 are summed up in an int16, and of 2 and 3, for which int8 filters may need two parts
	signed  bool                                   // tiles read bytes of the images as int8, less 128, and sums begin accordingly
	matrix  bool                                   // windows lie in rows that are equally far apart, without a break, filled up with zeros to whole chunks
	run     func(t *narrowTile, rows, columns int) // leaves t at the last tile
}

// fit returns the rows of the next tiles, and how many they are, where so many rows are left.
func (t *narrowTiler) fit(left int) (rows, tiles int) {
	for _, rows = range t.rows {
		if rows <= left {
			break
		}
	}
	return rows, left / rows
}

// stepBytes is the memory of a column of filters for one step.
func (t *narrowTiler) stepBytes() int {
	if t.wide {
		return 8
	}
	return 4
}

// stepsOf returns how many steps a tile computes where a window has so many.
func (t *narrowTiler) stepsOf(steps int) int {
	if t.matrix {
		return wholeChunks(steps)
	}
	return steps
}

// wholeChunks rounds up steps.
func wholeChunks(steps int) int { return (steps + matrixSteps - 1) / matrixSteps * matrixSteps }

// next moves a tile down to the next, whose outputs and residuals are of these sizes in bytes.
func (t *narrowTile) next(rows, size, residualSize int) {
	t.rows = unsafe.Add(t.rows, rows*int(unsafe.Sizeof(0)))
	t.below(rows, size, residualSize)
}

// below moves outputs and residuals down.
func (t *narrowTile) below(rows, size, residualSize int) {
	t.out = unsafe.Add(t.out, rows*t.stride*size)
	if t.residual != nil {
		t.residual = unsafe.Add(t.residual, rows*t.stride*residualSize)
	}
}

// narrowPanels are the filters in the order in which tiles read them: panel by panel of columns, each
// [runs·steps][columns][4 or 8 bytes], and for each half of them the second parts, [again][columns/2][4 bytes].
type narrowPanels struct {
	windowRuns
	tile   *narrowTiler
	o      int
	again  [][2][]int // of each panel's halves: the steps whose filters have a second part; nil where none have
	begins []int      // of the panels in data
	data   []byte
}

// newNarrowPanels makes room for the filters.
func newNarrowPanels(c Conv, size int, tile *narrowTiler, again [][2][]int) narrowPanels {
	p := narrowPanels{windowRuns: newWindowRuns(c, size), tile: tile, o: c.O, again: again}
	n := 0
	for panel := range p.count() {
		p.begins = append(p.begins, n)
		step := p.width(panel) * tile.stepBytes()
		n += tile.stepsOf(p.runs*p.steps) * step
		if again != nil {
			n += (len(again[panel][0]) + len(again[panel][1])) * step / 2
		}
	}
	p.data = make([]byte, n)
	return p
}

func (p *narrowPanels) count() int { return (p.o + p.tile.columns - 1) / p.tile.columns }

// width returns the columns of a panel as they are stored.
func (p *narrowPanels) width(panel int) int {
	if p.o-panel*p.tile.columns <= p.tile.narrow {
		return p.tile.narrow
	}
	return p.tile.columns
}

// narrowOutput is where tiles write to, and what they add.
type narrowOutput struct {
	data         unsafe.Pointer
	size         int            // bytes of an element
	residual     unsafe.Pointer // of the output's shape, or nil
	residualSize int
}

// farBytes is the size of outputs and residuals together from which it pays to fetch them ahead.
const farBytes = 2 << 20

// fetch is the mode in which so many outputs are written.
func (out *narrowOutput) fetch(outputs int) narrowMode {
	bytes := outputs * (out.size + out.residualSize)
	if bytes < farBytes || out.size == 4 || out.residual != nil && out.residualSize != out.size {
		return 0
	}
	return modeFetch
}

// panel runs the tiles of a panel on the outputs from position row on; the workspace's tile has what they share.
func (p *narrowPanels) panel(w *narrowWorkspace, out narrowOutput, row, panel int) {
	t := &w.tile
	begin, width := panel*p.tile.columns, p.width(panel)
	columns := min(width, p.o-begin)
	if p.steps > 0 && len(w.runs) > 0 {
		t.steps, t.runCount, t.runs = p.steps, len(w.runs), unsafe.Pointer(&w.runs[0])
		if p.tile.matrix {
			t.steps, t.runCount = p.tile.stepsOf(p.runs*p.steps), 1
		}
		t.filters = unsafe.Pointer(&p.data[p.begins[panel]])
	}
	if p.again != nil {
		for half, steps := range p.again[panel] {
			again := w.again[half][:0]
			for _, step := range steps {
				again = append(again, w.runs[step/p.steps]+4*(step%p.steps))
			}
			w.again[half], t.again[half] = again, stepsAgain{unsafe.Pointer(unsafe.SliceData(again)), len(again)}
		}
	}
	for r := 0; r < len(w.rows); {
		rows, tiles := p.tile.fit(len(w.rows) - r)
		t.rows = unsafe.Pointer(&w.rows[r])
		at := (row+r)*p.o + begin
		if columns == width {
			t.tiles, t.out, t.stride = tiles, unsafe.Add(out.data, at*out.size), p.o
			if out.residual != nil {
				t.residual = unsafe.Add(out.residual, at*out.residualSize)
			}
			p.tile.run(t, rows, width)
			r += rows * tiles
		} else {
			p.edge(w, out, at, rows, columns, width)
			r += rows
		}
	}
}

// edge runs a tile of which only some columns are wanted in memory of its own.
func (p *narrowPanels) edge(w *narrowWorkspace, out narrowOutput, at, rows, columns, width int) {
	t := &w.tile
	t.tiles, t.stride = 1, width
	t.out, t.residual = unsafe.Pointer(&w.out), unsafe.Pointer(&w.residue)
	if out.residual != nil {
		copyRows(t.residual, width*out.residualSize, unsafe.Add(out.residual, at*out.residualSize), p.o*out.residualSize, rows, columns*out.residualSize)
	}
	p.tile.run(t, rows, width)
	copyRows(unsafe.Add(out.data, at*out.size), p.o*out.size, unsafe.Pointer(&w.out), width*out.size, rows, columns*out.size)
}

// copyRows copies rows of n bytes that lie so many bytes apart.
func copyRows(dst unsafe.Pointer, dstStride int, src unsafe.Pointer, srcStride, rows, n int) {
	for r := range rows {
		copy(unsafe.Slice((*byte)(unsafe.Add(dst, r*dstStride)), n), unsafe.Slice((*byte)(unsafe.Add(src, r*srcStride)), n))
	}
}
