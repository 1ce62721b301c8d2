package kernels

import (
	"sync"
	"unsafe"
)

// narrowConv is the part of a convolution of bytes or of bfloat16 that is the same for both: which windows
// there are, where they lie in memory, and how the work is cut into blocks of output lines, or into stretches
// of one line where lines are long, so that what a block reads stays in a core's second cache.
//
// Windows are read where they are, in the images themselves, or, where they reach over the border or their
// runs do not end at a multiple of four bytes, in a block's padded copy. All fit one addition: every output's
// window begins somewhere, and its runs lie at the same distances from there.
type narrowConv struct {
	Conv     // C counts bytes
	window   windowRuns
	x        []byte
	padding  byte
	direct   bool // windows are read from x
	matrix   bool // tiles read rows that are equally far apart
	spread   bool // and windows are written to such rows
	lines    int  // output lines of a block
	width    int  // output positions of a line of a block
	segments int  // stretches of a line
}

// windowRuns are the stretches of a window that are adjacent in memory.
type windowRuns struct {
	runs  int // of a window
	run   int // bytes of one
	steps int // its length in fours of bytes, the last filled up with filters of zero
}

// newWindowRuns takes the size of an element in bytes.
func newWindowRuns(c Conv, size int) windowRuns {
	w := windowRuns{runs: c.KH, run: c.KW * c.C * size}
	if c.DilationW > 1 && c.KW > 1 {
		w.runs, w.run = c.KH*c.KW, c.C*size
	}
	w.steps = (w.run + 3) / 4
	return w
}

// inside says that no window reaches over the border.
func (c Conv) inside() bool {
	return c.PadTop == 0 && c.PadLeft == 0 && c.inHeight(c.OH) <= c.H && c.inWidth(c.OW) <= c.W
}

// inHeight and inWidth are what that many outputs read.
func (c Conv) inHeight(outputs int) int { return (outputs-1)*c.StrideH + (c.KH-1)*c.DilationH + 1 }
func (c Conv) inWidth(outputs int) int  { return (outputs-1)*c.StrideW + (c.KW-1)*c.DilationW + 1 }

// narrowWorkspace is one worker's memory.
type narrowWorkspace struct {
	image   []byte   // the padded part of the images that a block reads
	windows []byte   // those of a block, one after another
	border  []byte   // pixels of padding
	rows    []int    // where each output's window begins
	runs    []int    // where its runs begin after that
	again   [2][]int // and the steps whose filters have a second part
	tile    narrowTile
	scale   [narrowColumns]float32
	bias    [narrowColumns]float32
	out     [maxNarrowTile]float32
	residue [maxNarrowTile]float32
}

var narrowWorkspaces = sync.Pool{New: func() any { return new(narrowWorkspace) }}

const (
	narrowBlockBytes  = 256 << 10 // of images that a block reads, and of the cache lines that a panel writes and adds
	narrowMatrixBytes = 768 << 10 // of windows that are written one after another
	narrowBlockRows   = 96        // outputs for which it pays to read all filters again
	narrowLineRows    = 2048      // outputs of a line at most
)

// compute calls panel for all blocks and panels of columns: the outputs from position row on, whose windows are
// noted in the workspace, relative to image. filters is the memory of all panels.
func (j *narrowConv) compute(p Parallel, panels, filters int, panel func(w *narrowWorkspace, image unsafe.Pointer, row, panel int)) {
	j.direct = j.window.run%4 == 0 && j.inside()
	j.spread = j.matrix && j.matrixRow() > 0 && !j.inARow()
	blocks, parts := j.split(p.Workers(), panels, filters)
	p.For(blocks*parts, func(i int) {
		w := narrowWorkspaces.Get().(*narrowWorkspace)
		defer narrowWorkspaces.Put(w)
		block, part := i/parts, i%parts
		image, row := j.block(w, block)
		for n := part * panels / parts; n < (part+1)*panels/parts; n++ {
			panel(w, image, row, n)
		}
	})
}

// split cuts the work: into parts of the panels where the filters are more than the images, else into
// blocks of lines.
func (j *narrowConv) split(workers, panels, filters int) (blocks, parts int) {
	longest := narrowLineRows
	if j.spread {
		longest = min(longest, max(narrowMatrixBytes/j.matrixRow(), narrowRows))
	}
	j.segments = (j.OW + longest - 1) / longest
	j.width = (j.OW + j.segments - 1) / j.segments
	j.segments = (j.OW + j.width - 1) / j.width
	lineBytes := max(j.inWidth(j.width)*j.C*min(j.StrideH, j.KH), 1)
	lines := j.N * j.OH
	most := max(narrowBlockBytes/(lineBytes+2*64*j.width), 1)
	if j.spread {
		most = max(narrowMatrixBytes/(j.width*j.matrixRow()), 1)
	}
	evenly := panels%workers == 0 || panels >= 4*workers
	switch {
	case j.segments > 1:
		j.lines = 1
		return lines * j.segments, 1
	case workers > 1 && evenly && filters > lines*lineBytes:
		j.lines, parts = min(most, lines), workers
	case lines < workers:
		j.lines, parts = 1, min((workers+lines-1)/lines, panels)
	default:
		j.lines, parts = share(lines, workers, most, (narrowBlockRows+j.OW-1)/j.OW), 1
	}
	return (lines + j.lines - 1) / j.lines, parts
}

// share returns how many lines a block has at most so that all workers are done at about the same time, with a few
// blocks for each, because other programs take time, too. Blocks of fewer than least lines have to pay.
func share(lines, workers, most, least int) int {
	fewest := (lines + most*workers - 1) / (most * workers) // blocks for each worker
	best, bestTime := 0, 0
	for n := fewest; n < fewest+6; n++ {
		block := (lines + n*workers - 1) / (n * workers)
		blocks := (lines + block - 1) / block
		time := (blocks + workers - 1) / workers * block // in lines
		if best == 0 || block >= least && (time < bestTime || time == bestTime && n <= 4) {
			best, bestTime = block, time
		}
	}
	return best
}

// block finds out where the windows of a block begin, relative to image, and at which output it begins.
func (j *narrowConv) block(w *narrowWorkspace, i int) (image unsafe.Pointer, row int) {
	from, left := i/j.segments*j.lines, i%j.segments*j.width
	to, width := min(from+j.lines, j.N*j.OH), min(j.width, j.OW-left)
	w.rows, w.runs, w.image = w.rows[:0], w.runs[:0], w.image[:0]
	line := j.W * j.C
	if j.direct {
		for l := from; l < to; l++ {
			w.line(((l/j.OH*j.H+l%j.OH*j.StrideH)*j.W+left*j.StrideW)*j.C, width, j.StrideW*j.C)
		}
		image = unsafe.Pointer(unsafe.SliceData(j.x))
	} else {
		line = j.paddedLine(width)
		image = j.padded(w, from, to, left, width)
	}
	for kh := range j.KH {
		w.runs = append(w.runs, kh*j.DilationH*line)
		for kw := 1; kw < j.window.runs/j.KH; kw++ {
			w.runs = append(w.runs, kh*j.DilationH*line+kw*j.DilationW*j.C)
		}
	}
	if j.spread {
		image = j.writeWindows(w, image)
	}
	return image, from*j.OW + left
}

// inARow says that the windows of all outputs are read where they are, pixels one after another, of whole chunks.
func (j *narrowConv) inARow() bool {
	return j.direct && j.KH == 1 && j.KW == 1 && j.H == j.OH && j.W == j.OW && j.C%matrixChunk == 0
}

// matrixRow is the length of a window that is written to a row.
func (j *narrowConv) matrixRow() int { return 4 * wholeChunks(j.window.runs*j.window.steps) }

// writeWindows writes the windows of a block, each run of them filled up to steps and each window to a row of a matrix.
func (j *narrowConv) writeWindows(w *narrowWorkspace, image unsafe.Pointer) unsafe.Pointer {
	row := j.matrixRow()
	windows := grown(&w.windows, len(w.rows)*row+writtenBeyond)
	if len(w.rows) > 0 {
		writeWindows(unsafe.Pointer(&windows[0]), image, w.rows, w.runs, j.window.run, row)
	}
	for r := range w.rows {
		w.rows[r] = r * row
	}
	w.runs = append(w.runs[:0], 0)
	return unsafe.Pointer(&windows[0])
}

// paddedLine is the length of a padded line of that many outputs. The last step of a run may reach over its end:
// there are zeros behind each line, so that no line sees what lies in the next, which may be another image's.
func (j *narrowConv) paddedLine(outputs int) int {
	n := j.inWidth(outputs) * j.C
	if j.window.run%4 != 0 {
		n += 4
	}
	return n
}

// padded copies what the output lines [from, to) read, in width positions from left on.
func (j *narrowConv) padded(w *narrowWorkspace, from, to, left, width int) unsafe.Pointer {
	in := j.inWidth(width)
	for l := from; l < to; {
		n, top := l/j.OH, l%j.OH
		count := min(j.OH-top, to-l)
		for y := range count {
			w.line(len(w.image)+y*j.StrideH*j.paddedLine(width), width, j.StrideW*j.C)
		}
		for y := range j.inHeight(count) {
			j.pad(w, n, top*j.StrideH-j.PadTop+y, left*j.StrideW-j.PadLeft, in)
			w.image = append(w.image, make([]byte, j.paddedLine(width)-in*j.C)...)
		}
		l += count
	}
	return unsafe.Pointer(unsafe.SliceData(w.image))
}

// line notes where the windows of a line begin.
func (w *narrowWorkspace) line(begin, width, stride int) {
	for range width {
		w.rows = append(w.rows, begin)
		begin += stride
	}
}

// pad appends pixels [x, x+width) of line y of image n, with padding for those that are outside.
func (j *narrowConv) pad(w *narrowWorkspace, n, y, x, width int) {
	if y < 0 || y >= j.H || x >= j.W || x+width <= 0 {
		w.outside(width*j.C, j.padding)
		return
	}
	before, after := max(-x, 0), max(x+width-j.W, 0)
	w.outside(before*j.C, j.padding)
	begin := ((n*j.H+y)*j.W + x + before) * j.C
	w.image = append(w.image, j.x[begin:begin+(width-before-after)*j.C]...)
	w.outside(after*j.C, j.padding)
}

func (w *narrowWorkspace) outside(n int, padding byte) {
	if n == 0 {
		return
	}
	if len(w.border) < n || w.border[0] != padding {
		w.border = append(w.border[:0], make([]byte, n)...)
		for i := range w.border {
			w.border[i] = padding
		}
	}
	w.image = append(w.image, w.border[:n]...)
}
