package models

import (
	"encoding/binary"
	"errors"
	"math"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// gather counts indices below 0 from the axis's end, as ONNX does; onnx-gomlx takes them for the first place.
func (w *onnxRewriter) gather(n onnxNode) {
	indices, dims := w.known(n.input(1))
	backwards := make([]int64, len(indices)) // 1 where the axis's length is to be added
	any := false
	for i, v := range indices {
		if v < 0 {
			backwards[i], any = 1, true
		}
	}
	if any {
		axis := attribute(n, "axis", int64(0))
		end := axis + 1
		if end == 0 {
			end = math.MaxInt64
		}
		length := w.add("Slice", "", w.add("Shape", "", n.inputs[0]), w.integers([]int64{axis}), w.integers([]int64{end}))
		length = w.add("Squeeze", "", length, w.integers([]int64{0})) // a number, so that the indices keep their shape
		n.inputs[1] = w.add("Add", "", w.value(indices, dims...), w.add("Mul", "", w.value(backwards, dims...), length))
	}
	w.put(n)
}

// slice has its places as attributes up to opset 9. onnx-gomlx makes nothing of steps backwards.
func (w *onnxRewriter) slice(n onnxNode) error {
	if starts := attribute[[]int64](n, "starts", nil); starts != nil {
		n.inputs = []string{n.inputs[0], w.integers(starts), w.integers(attribute[[]int64](n, "ends", nil))}
		if axes := attribute[[]int64](n, "axes", nil); axes != nil {
			n.inputs = append(n.inputs, w.integers(axes))
		}
		n.attributes = nil
	}
	steps, _ := w.known(n.input(4))
	for _, s := range steps {
		if s < 0 {
			return errors.New("steps backwards are not supported: export with indices (Gather) instead")
		}
	}
	w.put(n)
	return nil
}

// known are the numbers and the shape of a constant tensor of integers; nil of any other.
func (w *onnxRewriter) known(name string) (values []int64, dims []int) {
	t := w.graph.tensors[name]
	if t == nil {
		t = w.constants[name]
	}
	if t == nil {
		return nil, nil
	}
	return integers(t), tensorDims(t)
}

// integers returns the numbers of an int32 or int64 tensor, nil of any other.
func integers(t protoreflect.Message) []int64 {
	var width int
	var list protoreflect.List
	switch get(t, "data_type").Int() {
	case onnxInt32:
		width, list = 4, get(t, "int32_data").List()
	case onnxInt64:
		width, list = 8, get(t, "int64_data").List()
	default:
		return nil
	}
	var values []int64
	for i := range list.Len() {
		values = append(values, list.Get(i).Int())
	}
	for raw := get(t, "raw_data").Bytes(); len(raw) >= width; raw = raw[width:] {
		if width == 4 {
			values = append(values, int64(int32(binary.LittleEndian.Uint32(raw))))
		} else {
			values = append(values, int64(binary.LittleEndian.Uint64(raw)))
		}
	}
	return values
}
