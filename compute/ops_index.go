package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// indexVectors walks the index vectors of a Gather or a Scatter.
type indexVectors struct {
	indices *value
	size    int // components of a vector
	inner   int // batch positions after the vector's axis; also the distance between components
	count   int // vectors
}

func newIndexVectors(indices *value, axis int) indexVectors {
	v := indexVectors{indices: indices, size: 1, inner: 1, count: indices.shape.Size()}
	if axis < indices.shape.Rank() {
		v.size = indices.dims()[axis]
		v.inner = product(indices.dims()[axis+1:])
		v.count = product(indices.dims()[:axis]) * v.inner
	}
	return v
}

// read puts the vector at a batch position into to.
func (v indexVectors) read(data []byte, position int, to []int) {
	at := position/v.inner*v.inner*v.size + position%v.inner
	for i := range v.size {
		to[i] = readIndex(data, v.indices.dtype(), at+i*v.inner)
	}
}

// positions walks the axes of a tensor that are not in the list, in row-major order, and gives the
// offset of position number i.
type positions struct{ dims, strides []int }

func newPositions(dims []int, without []int) positions {
	var p positions
	own := rowMajor(dims)
	for axis, dim := range dims {
		if !slices.Contains(without, axis) {
			p.dims = append(p.dims, dim)
			p.strides = append(p.strides, own[axis])
		}
	}
	return p
}

func (p positions) offset(i int) int {
	offset := 0
	for axis := len(p.dims) - 1; axis >= 0; axis-- {
		offset += i % p.dims[axis] * p.strides[axis]
		i /= p.dims[axis]
	}
	return offset
}

func gatherKernel(n *node) kernel {
	attrs := n.attrs.(gatherAttrs)
	in, out := n.inputs[0].dims(), n.out().dims()
	own, outOwn := rowMajor(in), rowMajor(out)
	vectors := newIndexVectors(n.inputs[1], attrs.VectorAxis)
	batch := newPositions(out, attrs.OffsetAxes)
	dst := make([]int, len(in))
	next := 0
	for axis := range in {
		if !slices.Contains(attrs.CollapsedAxes, axis) {
			dst[axis] = outOwn[attrs.OffsetAxes[next]]
			next++
		}
	}
	element := n.out().dtype().Size()
	m := newMover(element, attrs.SliceSizes, dst, own)
	slice := product(attrs.SliceSizes)
	bytes := slice * element // of a slice
	return func(c *call) {
		if len(c.out[0]) == 0 {
			return
		}
		inChunks(c, vectors.count, parallelSize/max(slice, 1)+1, func(from, to int) {
			start := make([]int, vectors.size)
			alone := &call{}
			for i := from; i < to; i++ {
				vectors.read(c.in[1], i, start)
				offset := 0
				for j, axis := range attrs.StartMap {
					offset += max(0, min(start[j], in[axis]-attrs.SliceSizes[axis])) * own[axis]
				}
				at := batch.offset(i)
				if m.contiguous() {
					// Such as a pixel's channels: so few bytes that all else would take longer than their copy.
					copy(c.out[0][at*element:][:bytes], c.in[0][offset*element:][:bytes])
				} else {
					m.run(alone, c.out[0], at, c.in[0], offset)
				}
			}
		})
	}
}

func scatterKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		return scatterOf[float32](n)
	case dtypes.Float64:
		return scatterOf[float64](n)
	case dtypes.Int8:
		return scatterOf[int8](n)
	case dtypes.Int16:
		return scatterOf[int16](n)
	case dtypes.Int32:
		return scatterOf[int32](n)
	case dtypes.Int64:
		return scatterOf[int64](n)
	case dtypes.Uint8:
		return scatterOf[uint8](n)
	case dtypes.Uint16:
		return scatterOf[uint16](n)
	case dtypes.Uint32:
		return scatterOf[uint32](n)
	case dtypes.Uint64:
		return scatterOf[uint64](n)
	}
	return nil
}

// scatterOf applies the updates one after the other, so that the result is always the same.
func scatterOf[T number](n *node) kernel {
	attrs := n.attrs.(scatterAttrs)
	in, updates := n.inputs[0].dims(), n.inputs[2].dims()
	own, updatesOwn := rowMajor(in), rowMajor(updates)
	vectors := newIndexVectors(n.inputs[1], attrs.VectorAxis)
	batch := newPositions(updates, attrs.WindowAxes)

	// The window of an update, with its strides in the operand and in the updates.
	window := make([]int, len(in))
	var dims, dst, src []int
	next := 0
	for axis := range in {
		window[axis] = 1
		if !slices.Contains(attrs.InsertedAxes, axis) {
			w := attrs.WindowAxes[next]
			next++
			window[axis] = updates[w]
			dims = append(dims, updates[w])
			dst = append(dst, own[axis])
			src = append(src, updatesOwn[w])
		}
	}
	var combine func(to, from []T, i, j int)
	switch n.op {
	case backends.OpTypeScatterSum:
		combine = func(to, from []T, i, j int) { to[i] += from[j] }
	case backends.OpTypeScatterMax:
		combine = func(to, from []T, i, j int) { to[i] = max(to[i], from[j]) }
	default:
		combine = func(to, from []T, i, j int) { to[i] = min(to[i], from[j]) }
	}
	size := product(dims)
	return func(c *call) {
		copy(c.out[0], c.in[0])
		out, from := view[T](c.out[0]), view[T](c.in[2])
		start := make([]int, vectors.size)
		for v := range vectors.count {
			vectors.read(c.in[1], v, start)
			offset := 0
			inside := true
			for j, axis := range attrs.ScatterToOperand {
				inside = inside && start[j] >= 0 && start[j] <= in[axis]-window[axis]
				offset += start[j] * own[axis]
			}
			if !inside {
				continue
			}
			base := batch.offset(v)
			for e := range size {
				i, j := offset, base
				rest := e
				for axis := len(dims) - 1; axis >= 0; axis-- {
					at := rest % dims[axis]
					rest /= dims[axis]
					i += at * dst[axis]
					j += at * src[axis]
				}
				combine(out, from, i, j)
			}
		}
	}
}
