package kernels

import (
	"sync"
	"unsafe"
)

// convInt8 is one convolution under way. Its work is cut into blocks of output lines, or into stretches of one
// line where lines are long, so that what a block reads stays in a core's second cache.
type convInt8 struct {
	Conv
	filters *PackedConvInt8
	dst     unsafe.Pointer
	x       []uint8
	finish  *finishInt8
	direct  bool // windows are read from x
	lines   int  // output lines of a block
	width   int  // output positions of a line of a block
}

// workspaceInt8 is one worker's memory.
type workspaceInt8 struct {
	image   []uint8 // the padded part of the images that a block reads
	border  []uint8 // pixels of the zero point
	rows    []int   // where each output's window begins
	runs    []int   // where its stretches begin after that
	out     [maxTileInt8]float32
	residue [maxTileInt8]float32
}

const maxTileInt8 = 12 * 32

var workspacesInt8 = sync.Pool{New: func() any { return new(workspaceInt8) }}

const (
	blockBytesInt8 = 192 << 10 // of images that a block reads
	blockRowsInt8  = 96        // outputs for which it pays to read all filters again
	lineRowsInt8   = 2048      // outputs of a line at most
)

// inHeight and inWidth are what that many outputs read.
func (c Conv) inHeight(outputs int) int { return (outputs-1)*c.StrideH + (c.KH-1)*c.DilationH + 1 }
func (c Conv) inWidth(outputs int) int  { return (outputs-1)*c.StrideW + (c.KW-1)*c.DilationW + 1 }

// split cuts the work: into parts of the panels where the filters are more than the images, else into
// blocks of lines.
func (j *convInt8) split(workers int) (blocks, parts int) {
	j.width = j.OW
	if j.OW > lineRowsInt8 {
		segments := (j.OW + lineRowsInt8 - 1) / lineRowsInt8
		j.width = (j.OW + segments - 1) / segments
	}
	segments := (j.OW + j.width - 1) / j.width
	lineBytes := max(j.inWidth(j.width)*j.C*min(j.StrideH, j.KH), 1)
	lines := j.N * j.OH
	panels := j.filters.panels()
	parts = 1
	if workers > 1 && panels >= workers && (panels%workers == 0 || panels >= 4*workers) && len(j.filters.filters) > lines*segments*lineBytes {
		parts = workers
	}
	if segments > 1 {
		j.lines = 1
		return lines * segments, parts
	}
	most := max(blockBytesInt8/lineBytes, 1)
	if parts == 1 {
		// A few blocks for each worker level the load.
		share := (lines + 4*workers - 1) / (4 * workers)
		least := (blockRowsInt8 + j.OW - 1) / j.OW
		most = min(most, max(share, least, 1))
	}
	blocks = (lines + most - 1) / most
	if parts == 1 && blocks < workers {
		blocks = min(workers, lines)
		if blocks < workers {
			parts = min((workers+blocks-1)/blocks, panels)
		}
	} else if rest := blocks % workers; rest != 0 && parts == 1 {
		blocks = min(blocks+workers-rest, lines)
	}
	j.lines = (lines + blocks - 1) / blocks
	return (lines + j.lines - 1) / j.lines, parts
}

// block computes the outputs of block i in a part of the panels.
func (j *convInt8) block(i, part, parts int) {
	w := workspacesInt8.Get().(*workspaceInt8)
	defer workspacesInt8.Put(w)
	segments := (j.OW + j.width - 1) / j.width
	from := i / segments * j.lines
	to := min(from+j.lines, j.N*j.OH)
	left := i % segments * j.width
	width := min(j.width, j.OW-left)

	image, line := j.window(w, from, to, left, width)
	w.runs = w.runs[:0]
	for kh := range j.KH {
		w.runs = append(w.runs, kh*j.DilationH*line)
		for kw := 1; kw < j.filters.runs/max(j.KH, 1); kw++ {
			w.runs = append(w.runs, kh*j.DilationH*line+kw*j.DilationW*j.C)
		}
	}
	panels := j.filters.panels()
	for panel := part * panels / parts; panel < (part+1)*panels/parts; panel++ {
		j.panel(w, image, from*j.OW+left, panel)
	}
}

// window finds out where the windows of a block begin, relative to image, and how far apart lines are.
func (j *convInt8) window(w *workspaceInt8, from, to, left, width int) (image unsafe.Pointer, line int) {
	w.rows = w.rows[:0]
	if j.direct {
		line = j.W * j.C
		for l := from; l < to; l++ {
			w.line(((l/j.OH*j.H+l%j.OH*j.StrideH)*j.W+left*j.StrideW)*j.C, width, j.StrideW*j.C)
		}
		if len(j.x) == 0 {
			return unsafe.Pointer(&w.out), line
		}
		return unsafe.Pointer(&j.x[0]), line
	}
	line = j.inWidth(width) * j.C
	w.image = w.image[:0]
	for l := from; l < to; {
		n, top := l/j.OH, l%j.OH
		count := min(j.OH-top, to-l)
		begin := len(w.image)
		for y := range j.inHeight(count) {
			w.pad(j.Conv, j.x, j.filters.zero, n, top*j.StrideH-j.PadTop+y, left*j.StrideW-j.PadLeft, j.inWidth(width))
		}
		for y := range count {
			w.line(begin+y*j.StrideH*line, width, j.StrideW*j.C)
		}
		l += count
	}
	w.image = append(w.image, 0, 0, 0, 0) // the last step of a run may reach over its end
	return unsafe.Pointer(&w.image[0]), line
}

// line notes where the windows of a line begin.
func (w *workspaceInt8) line(begin, width, stride int) {
	for range width {
		w.rows = append(w.rows, begin)
		begin += stride
	}
}

// pad appends pixels [x, x+width) of line y of image n, those outside of it with the zero point.
func (w *workspaceInt8) pad(c Conv, src []uint8, zero uint8, n, y, x, width int) {
	if y < 0 || y >= c.H || x >= c.W || x+width <= 0 {
		w.outside(width*c.C, zero)
		return
	}
	before, after := max(-x, 0), max(x+width-c.W, 0)
	w.outside(before*c.C, zero)
	begin := ((n*c.H+y)*c.W + x + before) * c.C
	w.image = append(w.image, src[begin:begin+(width-before-after)*c.C]...)
	w.outside(after*c.C, zero)
}

func (w *workspaceInt8) outside(n int, zero uint8) {
	if n == 0 {
		return
	}
	if len(w.border) < n || w.border[0] != zero {
		w.border = append(w.border[:0], make([]uint8, n)...)
		for i := range w.border {
			w.border[i] = zero
		}
	}
	w.image = append(w.image, w.border[:n]...)
}

// panel computes the outputs from position row on in the columns of a panel.
func (j *convInt8) panel(w *workspaceInt8, image unsafe.Pointer, row, panel int) {
	pc := j.filters
	begin := panel * pc.tile.columns
	width := pc.width(panel)
	t := tileInt8{image: image, steps: pc.steps}
	if pc.steps > 0 && len(w.runs) > 0 {
		t.runs, t.runCount = unsafe.Pointer(&w.runs[0]), len(w.runs)
		t.filters = unsafe.Pointer(&pc.filters[pc.panel(panel)])
	}
	t.start = unsafe.Pointer(&pc.start[begin])
	j.finish.prepare(&t, begin)
	columns := min(width, pc.o-begin)
	for r := 0; r < len(w.rows); {
		rows, tiles := pc.tile.fit(len(w.rows) - r)
		t.rows = unsafe.Pointer(&w.rows[r])
		if columns == width {
			t.tiles = tiles
			j.place(&t, (row+r)*j.O+begin)
			pc.tile.run(&t, rows, width)
			r += rows * tiles
		} else {
			t.tiles = 1
			j.edge(w, t, (row+r)*j.O+begin, rows, columns, width)
			r += rows
		}
	}
}

// place lets a tile write its results to, and read its residual at, element at of the output.
func (j *convInt8) place(t *tileInt8, at int) {
	size := j.finish.size
	t.out, t.stride = unsafe.Add(j.dst, at*size), j.O
	switch {
	case j.finish.residual != nil:
		t.residual = unsafe.Pointer(&j.finish.residual[at])
	case j.finish.residualFloat != nil:
		t.residual = unsafe.Pointer(&j.finish.residualFloat[at])
	}
}

// edge runs a tile of which only some columns are wanted in memory of its own.
func (j *convInt8) edge(w *workspaceInt8, t tileInt8, at, rows, columns, width int) {
	f := j.finish
	t.out, t.stride = unsafe.Pointer(&w.out), width
	out := unsafe.Slice((*uint8)(t.out), len(w.out)*4)
	residue := unsafe.Slice((*uint8)(unsafe.Pointer(&w.residue)), len(w.residue)*4)
	for r := range rows {
		switch {
		case f.residual != nil:
			copy(residue[r*width:], f.residual[at+r*j.O:at+r*j.O+columns])
		case f.residualFloat != nil:
			copy(w.residue[r*width:], f.residualFloat[at+r*j.O:at+r*j.O+columns])
		}
	}
	t.residual = unsafe.Pointer(&w.residue)
	j.filters.tile.run(&t, rows, width)
	for r := range rows {
		copy(unsafe.Slice((*uint8)(unsafe.Add(j.dst, (at+r*j.O)*f.size)), columns*f.size), out[r*width*f.size:])
	}
}
