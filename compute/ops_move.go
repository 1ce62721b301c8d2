package compute

import (
	"slices"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

func copyKernel(c *call) { copy(c.out[0], c.in[0]) }

// mover copies a block of elements from one strided layout to another.
type mover struct {
	size          int // bytes of an element
	dims          []int
	dst, src      []int // strides, in elements
	transposeLast bool  // the source is contiguous along the last axis but one
}

// newMover plans the copy of prod(dims) elements. Axes that can be walked as one become one.
func newMover(size int, dims, dst, src []int) *mover {
	m := &mover{size: size}
	for axis, dim := range dims {
		if dim == 1 {
			continue
		}
		if last := len(m.dims) - 1; last >= 0 && m.dst[last] == dst[axis]*dim && m.src[last] == src[axis]*dim {
			m.dims[last] *= dim
			m.dst[last], m.src[last] = dst[axis], src[axis]
			continue
		}
		m.dims = append(m.dims, dim)
		m.dst = append(m.dst, dst[axis])
		m.src = append(m.src, src[axis])
	}
	last := len(m.dims) - 1
	if last < 1 || m.src[last] == 1 || m.src[last] == 0 {
		return m
	}
	if near := slices.Index(m.src, 1); near >= 0 && near < last {
		for _, list := range [][]int{m.dims, m.dst, m.src} {
			v := list[near]
			copy(list[near:last-1], list[near+1:last])
			list[last-1] = v
		}
		m.transposeLast = true
	}
	return m
}

// contiguous is whether the block lies in one piece on both sides.
func (m *mover) contiguous() bool {
	return len(m.dims) == 0 || len(m.dims) == 1 && m.dst[0] == 1 && m.src[0] == 1
}

// run copies; the offsets are in elements.
func (m *mover) run(c *call, dst []byte, dstOffset int, src []byte, srcOffset int) {
	switch m.size {
	case 1:
		moveElements[uint8](m, c, dst, dstOffset, src, srcOffset)
	case 2:
		moveElements[uint16](m, c, dst, dstOffset, src, srcOffset)
	case 4:
		moveElements[uint32](m, c, dst, dstOffset, src, srcOffset)
	case 8:
		moveElements[uint64](m, c, dst, dstOffset, src, srcOffset)
	}
}

func moveElements[T any](m *mover, c *call, dst []byte, dstOffset int, src []byte, srcOffset int) {
	d, s := view[T](dst), view[T](src)
	if len(m.dims) == 0 {
		d[dstOffset] = s[srcOffset]
		return
	}
	outer := m.dims[0]
	inner := product(m.dims[1:])
	if inner == 0 {
		return
	}
	inChunks(c, outer, parallelSize/inner+1, func(from, to int) {
		dims := slices.Clone(m.dims)
		dims[0] = to - from
		moveBlock(m, dims, 0, d, dstOffset+from*m.dst[0], s, srcOffset+from*m.src[0])
	})
}

func moveBlock[T any](m *mover, dims []int, axis int, d []T, do int, s []T, so int) {
	n, ds, ss := dims[axis], m.dst[axis], m.src[axis]
	rest := len(dims) - axis
	if rest == 2 && m.transposeLast {
		moveTransposed(n, dims[axis+1], d, do, ds, m.dst[axis+1], s, so, ss, m.src[axis+1])
		return
	}
	if rest > 1 {
		for i := range n {
			moveBlock(m, dims, axis+1, d, do+i*ds, s, so+i*ss)
		}
		return
	}
	switch {
	case n == 0:
	case ds == 1 && ss == 1:
		copy(d[do:do+n], s[so:so+n])
	case ds == 1 && ss == 0:
		v := s[so]
		row := d[do : do+n]
		for i := range row {
			row[i] = v
		}
	case ds == 1:
		row := d[do : do+n]
		for i := range row {
			row[i] = s[so+i*ss]
		}
	default:
		for i := range n {
			d[do+i*ds] = s[so+i*ss]
		}
	}
}

// moveTransposed copies in tiles, so that both sides are read and written by cache lines.
func moveTransposed[T any](rows, columns int, d []T, do, dr, dc int, s []T, so, sr, sc int) {
	const tile = 16
	for r0 := 0; r0 < rows; r0 += tile {
		r1 := min(r0+tile, rows)
		for c0 := 0; c0 < columns; c0 += tile {
			c1 := min(c0+tile, columns)
			for r := r0; r < r1; r++ {
				di, si := do+r*dr+c0*dc, so+r*sr+c0*sc
				for range c1 - c0 {
					d[di] = s[si]
					di += dc
					si += sc
				}
			}
		}
	}
}

// movementKernel handles what only renames the elements' places.
func movementKernel(n *node) kernel {
	in, out := n.inputs[0].dims(), n.out().dims()
	own := rowMajor(in)
	src := make([]int, len(out))
	offset := 0
	switch attrs := n.attrs.(type) {
	case transposeAttrs:
		for i, axis := range attrs.Permutation {
			src[i] = own[axis]
		}
	case broadcastAttrs:
		for i, axis := range attrs.Axes {
			if in[i] > 1 {
				src[axis] = own[i]
			}
		}
	case sliceAttrs:
		for i := range out {
			src[i] = own[i] * attrs.Strides[i]
			offset += own[i] * attrs.Starts[i]
		}
	case reverseAttrs:
		copy(src, own)
		for _, axis := range attrs.Axes {
			src[axis] = -own[axis]
			offset += own[axis] * (in[axis] - 1)
		}
	}
	if n.out().shape.Size() == 0 {
		return func(*call) {}
	}
	m := newMover(n.out().dtype().Size(), out, rowMajor(out), src)
	return func(c *call) { m.run(c, c.out[0], 0, c.in[0], offset) }
}

// padKernel fills the output, then copies what is not cropped into its place.
func padKernel(n *node) kernel {
	axes := n.attrs.(padAttrs).Axes
	in, out := n.inputs[0].dims(), n.out().dims()
	srcOwn, dstOwn := rowMajor(in), rowMajor(out)
	dims, dst := make([]int, len(in)), make([]int, len(in))
	srcOffset, dstOffset := 0, 0
	for i, axis := range axes {
		step := axis.Interior + 1
		first := 0 // the first element that is not cropped
		if axis.Start < 0 {
			first = (-axis.Start + step - 1) / step
		}
		end := 0 // one after the last
		if room := out[i] - axis.Start; room > 0 {
			end = min(in[i], (room-1)/step+1)
		}
		dims[i] = max(end-first, 0)
		dst[i] = dstOwn[i] * step
		srcOffset += first * srcOwn[i]
		dstOffset += (axis.Start + first*step) * dstOwn[i]
	}
	size := n.out().dtype().Size()
	fill := newMover(size, []int{product(out)}, []int{1}, []int{0})
	m := newMover(size, dims, dst, srcOwn)
	empty := product(dims) == 0
	whole := product(dims) == product(out)
	return func(c *call) {
		if len(c.out[0]) == 0 {
			return
		}
		if !whole {
			fill.run(c, c.out[0], 0, c.in[1], 0)
		}
		if !empty {
			m.run(c, c.out[0], dstOffset, c.in[0], srcOffset)
		}
	}
}

func concatenateKernel(n *node) kernel {
	axis := n.attrs.(axisAttrs).Axis
	dst := rowMajor(n.out().dims())
	movers := make([]*mover, len(n.inputs))
	offsets := make([]int, len(n.inputs))
	at := 0
	for i, in := range n.inputs {
		movers[i] = newMover(in.dtype().Size(), in.dims(), dst, rowMajor(in.dims()))
		offsets[i] = at * dst[axis]
		at += in.dims()[axis]
	}
	return func(c *call) {
		for i, m := range movers {
			if len(c.in[i]) > 0 {
				m.run(c, c.out[0], offsets[i], c.in[i], 0)
			}
		}
	}
}

// index reads an integer tensor's element.
func readIndex(data []byte, dtype dtypes.DType, i int) int {
	switch dtype {
	case dtypes.Int8:
		return int(view[int8](data)[i])
	case dtypes.Int16:
		return int(view[int16](data)[i])
	case dtypes.Int32:
		return int(view[int32](data)[i])
	case dtypes.Int64:
		return int(view[int64](data)[i])
	case dtypes.Uint8:
		return int(view[uint8](data)[i])
	case dtypes.Uint16:
		return int(view[uint16](data)[i])
	case dtypes.Uint32:
		return int(view[uint32](data)[i])
	case dtypes.Uint64:
		return int(min(view[uint64](data)[i], 1<<62))
	}
	panic("compute: index of type " + dtype.String())
}

// dynamicOffset is the offset of the starts, moved so that the sizes lie within the dimensions.
func dynamicOffset(starts []*value, data [][]byte, dims, sizes, strides []int) int {
	offset := 0
	for i, start := range starts {
		at := readIndex(data[i], start.dtype(), 0)
		offset += max(0, min(at, dims[i]-sizes[i])) * strides[i]
	}
	return offset
}

func dynamicSliceKernel(n *node) kernel {
	sizes := n.attrs.(windowAttrs).Sizes
	in := n.inputs[0]
	src := rowMajor(in.dims())
	m := newMover(in.dtype().Size(), sizes, rowMajor(sizes), src)
	return func(c *call) {
		if len(c.out[0]) > 0 {
			m.run(c, c.out[0], 0, c.in[0], dynamicOffset(n.inputs[1:], c.in[1:], in.dims(), sizes, src))
		}
	}
}

func dynamicUpdateSliceKernel(n *node) kernel {
	in, sizes := n.inputs[0], n.inputs[1].dims()
	dst := rowMajor(in.dims())
	m := newMover(in.dtype().Size(), sizes, dst, rowMajor(sizes))
	return func(c *call) {
		copy(c.out[0], c.in[0])
		if len(c.in[1]) > 0 {
			m.run(c, c.out[0], dynamicOffset(n.inputs[2:], c.in[2:], in.dims(), sizes, dst), c.in[1], 0)
		}
	}
}

func iotaKernel(n *node) kernel {
	switch n.out().dtype() {
	case dtypes.Float32:
		return iotaOf[float32](n)
	case dtypes.Float64:
		return iotaOf[float64](n)
	case dtypes.Int8:
		return iotaOf[int8](n)
	case dtypes.Int16:
		return iotaOf[int16](n)
	case dtypes.Int32:
		return iotaOf[int32](n)
	case dtypes.Int64:
		return iotaOf[int64](n)
	case dtypes.Uint8:
		return iotaOf[uint8](n)
	case dtypes.Uint16:
		return iotaOf[uint16](n)
	case dtypes.Uint32:
		return iotaOf[uint32](n)
	case dtypes.Uint64:
		return iotaOf[uint64](n)
	}
	return nil
}

func iotaOf[T number](n *node) kernel {
	dims := n.out().dims()
	axis := n.attrs.(axisAttrs).Axis
	inner := product(dims[axis+1:])
	return func(c *call) {
		out := view[T](c.out[0])
		for i := range out {
			out[i] = T(i / inner % dims[axis])
		}
	}
}
