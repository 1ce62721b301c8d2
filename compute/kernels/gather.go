package kernels

// run is a stretch of taps that lie side by side in the image: count positions from (y, x) on, relative
// to where an output's window begins. Its elements are adjacent in memory.
type run struct{ y, x, count int }

// gather reads the rows of the left operand of a convolution: for each output position the elements
// of its window, tap by tap (im2col, https://hal.inria.fr/inria-00112631). Positions outside the
// image are zero.
type gather struct {
	src              []float32 // [n, h, w, c]
	h, w, c          int
	outH, outW       int // output positions of an image
	strideH, strideW int
	runs             []run
}

func (g *gather) rowLength(runs []run) int {
	n := 0
	for _, r := range runs {
		n += r.count * g.c
	}
	return n
}

// rows writes rows [from, to), counted over all images, of the given runs; rows of dst lie ld apart.
func (g *gather) rows(dst []float32, ld, from, to int, runs []run) {
	oy, ox := from/g.outW%g.outH, from%g.outW
	image := g.src[from/(g.outH*g.outW)*g.h*g.w*g.c:]
	for r := 0; r < to-from; r++ {
		at := dst[r*ld:]
		for _, run := range runs {
			n := run.count * g.c
			y, x := oy*g.strideH+run.y, ox*g.strideW+run.x
			switch {
			case y < 0 || y >= g.h:
				clear(at[:n])
			case x >= 0 && x+run.count <= g.w:
				begin := (y*g.w + x) * g.c
				copy(at[:n], image[begin:begin+n])
			default:
				g.partly(at[:n], image, y, x, run.count)
			}
			at = at[n:]
		}
		if ox++; ox == g.outW {
			ox = 0
			if oy++; oy == g.outH {
				oy = 0
				image = image[min(g.h*g.w*g.c, len(image)):]
			}
		}
	}
}

// partly copies a run that reaches over the left or right border.
func (g *gather) partly(dst, image []float32, y, x, count int) {
	for i := range count {
		part := dst[i*g.c : (i+1)*g.c]
		if x+i < 0 || x+i >= g.w {
			clear(part)
			continue
		}
		begin := (y*g.w + x + i) * g.c
		copy(part, image[begin:begin+g.c])
	}
}
