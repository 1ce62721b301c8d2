package kernels

// Grouped convolutions. Where each group is one channel they are depthwise ones; else groups are put together
// into bundles that are wide enough for a tile, with zeros between the filters of different groups, and each
// bundle is a product of the windows' own channels and its filters.

func groupedForward(p Parallel, c Conv, dst, x, w []float32, e Epilogue) {
	if !c.depthwise() {
		memory := panelMemory.take()
		defer panelMemory.give(memory)
		packGrouped(c, w, memory).forward(p, c, dst, x, e)
		return
	}
	rows, columns := c.forwardAxes()
	depthwiseConvolve(p, c.N, c.C, c.KW, rows, columns, dst, x, w, e)
}

func groupedGradInput(p Parallel, c Conv, dx, dy, w []float32) {
	memory := panelMemory.take()
	defer panelMemory.give(memory)
	for _, rows := range backwardAxes(c.H, c.OH, c.KH, c.StrideH, c.DilationH, c.PadTop) {
		for _, columns := range backwardAxes(c.W, c.OW, c.KW, c.StrideW, c.DilationW, c.PadLeft) {
			if c.depthwise() {
				depthwiseConvolve(p, c.N, c.C, c.KW, rows, columns, dx, dy, w, Epilogue{})
				continue
			}
			f := newGroupedFilters(newBundling(c.Groups, c.O, c.C), taps(rows, columns, c.KW), memory, func(f *groupedFilters, tap, group, i, o int) float32 {
				return w[(tap*f.out+o)*c.O+group*f.in+i]
			})
			f.convolve(p, c.N, rows, columns, dx, dy, Epilogue{})
		}
	}
}

func groupedGradFilter(p Parallel, c Conv, dw, x, dy []float32) {
	if c.depthwise() {
		depthwiseGradFilter(p, c, dw, x, dy)
		return
	}
	bundles := newBundling(c.Groups, c.C, c.O)
	rows, columns := c.forwardAxes()
	t := activeTiler()
	sumParts(p, dw[:c.KH*c.KW*bundles.in*c.O], c.N*c.OH*c.OW, 1, func(part []float32, from, to int) {
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		grads, sums := partMemory.take(), partMemory.take()
		defer partMemory.give(grads)
		defer partMemory.give(sums)
		for bundle := range bundles.count {
			firstIn, in := bundles.inputs(bundle)
			firstOut, out := bundles.outputs(bundle)
			k := c.KH * c.KW * in
			if k == 0 || out == 0 {
				continue
			}
			ld := leading(k + t.rows)
			depth := max(min(cacheRows/ld, 256), 16)
			sum := grown(&sums.data, k*out)
			for at := from; at < to; at += depth {
				n := min(depth, to-at)
				gathered := grown(&w.rows, depth*ld)
				gatherTaps(gathered, ld, at, at+n, rows, columns, x, c.C, firstIn, in)
				grad := grown(&grads.data, depth*out)
				for r := range n {
					copy(grad[r*out:(r+1)*out], dy[(at+r)*c.O+firstOut:])
				}
				w.outer(sum, k, out, n, left{data: gathered, row: 1, column: ld, padded: true}, grad, t, at > from)
			}
			bundles.each(bundle, c.KH*c.KW, func(tap, group, i, o, row, column int) {
				part[(tap*bundles.in+i)*c.O+group*bundles.out+o] += sum[row*out+column]
			})
		}
	})
}

// bundling says how the groups of a convolution are put together.
type bundling struct {
	groups, in, out int // in and out are the channels of a group
	size, count     int // groups of a bundle, but for the last, and bundles
}

// bundleWidth is how many outputs a bundle has at least, where there are enough groups.
const bundleWidth = 16

func newBundling(groups, in, out int) bundling {
	b := bundling{groups: groups, in: in / groups, out: out / groups}
	b.size = min(max((bundleWidth+b.out-1)/max(b.out, 1), 1), groups)
	b.count = (groups + b.size - 1) / b.size
	return b
}

// inputs are the first input channel of a bundle, and how many it has.
func (b bundling) inputs(bundle int) (first, count int) {
	return bundle * b.size * b.in, (min((bundle+1)*b.size, b.groups) - bundle*b.size) * b.in
}

// outputs are the first output channel of a bundle, and how many it has.
func (b bundling) outputs(bundle int) (first, count int) {
	return bundle * b.size * b.out, (min((bundle+1)*b.size, b.groups) - bundle*b.size) * b.out
}

// each calls f for all filters of a bundle's groups: tap, group, input and output in the group, and row and
// column of the bundle's matrix [taps · inputs, outputs].
func (b bundling) each(bundle, taps int, f func(tap, group, i, o, row, column int)) {
	first := bundle * b.size
	last := min(first+b.size, b.groups)
	for tap := range taps {
		for group := first; group < last; group++ {
			for i := range b.in {
				row := (tap*(last-first)+group-first)*b.in + i
				for o := range b.out {
					f(tap, group, i, o, row, (group-first)*b.out+o)
				}
			}
		}
	}
}

// groupedFilters are the filters of all bundles, packed.
type groupedFilters struct {
	bundling
	bundles []*panels
}

// packGrouped packs the filters of the convolution into the memory, or into new memory where it is nil.
func packGrouped(c Conv, w []float32, memory *memory) *groupedFilters {
	rows, columns := c.forwardAxes()
	return newGroupedFilters(newBundling(c.Groups, c.C, c.O), taps(rows, columns, c.KW), memory, func(f *groupedFilters, tap, group, i, o int) float32 {
		return w[(tap*f.in+i)*c.O+group*f.out+o]
	})
}

// taps are the numbers of the filter's taps in the order of the axes.
func taps(rows, columns axis, filterWidth int) []int {
	var numbers []int
	for r := range rows.taps {
		for c := range columns.taps {
			numbers = append(numbers, (rows.tap+r*rows.tapStep)*filterWidth+columns.tap+c*columns.tapStep)
		}
	}
	return numbers
}

func newGroupedFilters(b bundling, taps []int, into *memory, filter func(f *groupedFilters, tap, group, i, o int) float32) *groupedFilters {
	f := &groupedFilters{bundling: b}
	tile := activeTiler()
	size, largest := 0, 0
	for bundle := range b.count {
		_, in := b.inputs(bundle)
		_, out := b.outputs(bundle)
		one := &panels{tile: tile, k: len(taps) * in, n: out}
		size += one.size()
		largest = max(largest, one.k*out)
		f.bundles = append(f.bundles, one)
	}
	if into == nil {
		into = new(memory)
	}
	data := grown(&into.data, size)
	scratch := partMemory.take()
	defer partMemory.give(scratch)
	for bundle, one := range f.bundles {
		one.data, data = data[:one.size()], data[one.size():]
		matrix := grown(&scratch.data, largest)[:one.k*one.n]
		clear(matrix)
		b.each(bundle, len(taps), func(tap, group, i, o, row, column int) {
			matrix[row*one.n+column] = filter(f, taps[tap], group, i, o)
		})
		one.fill(0, one.k, matrix, one.n, 1)
	}
	return f
}

// forward computes the convolution that the filters were packed for.
func (f *groupedFilters) forward(p Parallel, c Conv, dst, x []float32, e Epilogue) {
	rows, columns := c.forwardAxes()
	f.convolve(p, c.N, rows, columns, dst, x, e)
}

// convolve computes the outputs that the axes say of n images.
func (f *groupedFilters) convolve(p Parallel, n int, rows, columns axis, dst, x []float32, e Epilogue) {
	m, in, out := n*rows.outputs*columns.outputs, f.groups*f.in, f.groups*f.out
	if m == 0 || out == 0 {
		return
	}
	level, tile := Active(), f.bundles[0].tile
	inPlace := rows.step == 1 && columns.step == 1
	ld := leading(f.bundles[0].k)
	block, blocks, _ := split(m, min(cacheRows/max(ld, 1), 336), tile.rows, p.Workers(), 1)
	p.For(blocks*f.count, func(i int) {
		from, bundle := i/f.count*block, i%f.count
		to := min(from+block, m)
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		panels := f.bundles[bundle]
		firstIn, ins := f.inputs(bundle)
		first, outs := f.outputs(bundle)
		var result []float32
		width := out
		if inPlace {
			result = dst[from*out+first:]
		} else {
			result, width = grown(&w.out, block*outs), outs
		}
		if panels.k == 0 {
			for r := range to - from {
				clear(result[r*width : r*width+outs])
			}
		} else {
			gathered := grown(&w.rows, (block+tile.rows)*ld)
			gatherTaps(gathered, ld, from, to, rows, columns, x, in, firstIn, ins)
			w.multiply(result, width, to-from, left{data: gathered, row: ld, column: 1, padded: true}, panels, 0, panels.k, 0, panels.count(), false)
		}
		if inPlace {
			e.apply(dst, from, to, out, first, first+outs, level)
			return
		}
		for r := from; r < to; r++ {
			copy(dst[at(r, rows, columns)*out+first:][:outs], result[(r-from)*outs:])
		}
	})
}

// at is the position in the destination of output r, counted over all images.
func at(r int, rows, columns axis) int {
	image, row, column := r/(rows.outputs*columns.outputs), r/columns.outputs%rows.outputs, r%columns.outputs
	return (image*rows.length+rows.first+row*rows.step)*columns.length + columns.first + column*columns.step
}

// gatherTaps writes the windows of outputs [from, to), counted over all images, of the count channels from
// the first on, tap by tap, zeros outside the image; rows of dst lie ld apart.
func gatherTaps(dst []float32, ld, from, to int, rows, columns axis, x []float32, channels, first, count int) {
	for r := from; r < to; r++ {
		image, row, column := r/(rows.outputs*columns.outputs), r/columns.outputs%rows.outputs, r%columns.outputs
		window := dst[(r-from)*ld:]
		for tapRow := range rows.taps {
			y := row*rows.stride + rows.offset + tapRow*rows.reach
			for tapColumn := range columns.taps {
				part := window[:count]
				window = window[count:]
				at := column*columns.stride + columns.offset + tapColumn*columns.reach
				if uint(y) >= uint(rows.inputs) || uint(at) >= uint(columns.inputs) {
					clear(part)
					continue
				}
				begin := ((image*rows.inputs+y)*columns.inputs+at)*channels + first
				if count == bundleWidth { // a few moves instead of a call
					*(*[bundleWidth]float32)(part) = *(*[bundleWidth]float32)(x[begin:])
					continue
				}
				copy(part, x[begin:begin+count])
			}
		}
	}
}

func multiplyAdd(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}
