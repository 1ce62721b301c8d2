package onnx

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// gather counts indices below 0 from the axis's end, as ONNX does; onnx-gomlx takes them for the first place.
func (w *rewriter) gather(n node) {
	indices, dims := w.known(n.input(1))
	backwards := make([]int64, len(indices)) // 1 where the axis's length is to be added
	any := false
	for i, v := range indices {
		if v < 0 {
			backwards[i], any = 1, true
		}
	}
	if any {
		length := w.length(n.inputs[0], attribute(n, "axis", int64(0)))
		n.inputs[1] = w.add("Add", "", w.value(indices, dims...), w.add("Mul", "", w.value(backwards, dims...), length))
	}
	w.put(n)
}

// length of an axis, a number without axes, so that what is computed with it keeps its own.
func (w *rewriter) length(x string, axis int64) string {
	end := axis + 1
	if end == 0 {
		end = math.MaxInt64
	}
	length := w.add("Slice", "", w.add("Shape", "", x), w.integers([]int64{axis}), w.integers([]int64{end}))
	return w.add("Squeeze", "", length, w.integers([]int64{0}))
}

// slice has its places as attributes up to opset 9. onnx-gomlx makes nothing of steps backwards, by which torch's older
// exporter turns the order of paddings.
func (w *rewriter) slice(n node) error {
	if starts := attribute[[]int64](n, "starts", nil); starts != nil {
		n.inputs = []string{n.inputs[0], w.integers(starts), w.integers(attribute[[]int64](n, "ends", nil))}
		if axes := attribute[[]int64](n, "axes", nil); axes != nil {
			n.inputs = append(n.inputs, w.integers(axes))
		}
		n.attributes = nil
	}
	steps, _ := w.known(n.input(4))
	starts, _ := w.known(n.input(1))
	ends, _ := w.known(n.input(2))
	axes, _ := w.known(n.input(3))
	if len(axes) == 1 && slices.Equal(steps, []int64{-1}) && slices.Equal(starts, []int64{-1}) && len(ends) == 1 && ends[0] <= math.MinInt32 {
		last := w.add("Sub", "", w.length(n.inputs[0], axes[0]), w.value([]int64{1}))
		backwards := w.add("Range", "", last, w.value([]int64{-1}), w.value([]int64{-1}))
		w.put(node{op: "Gather", inputs: []string{n.inputs[0], backwards}, outputs: n.outputs, attributes: map[string]any{"axis": axes[0]}})
		return nil
	}
	for _, s := range steps {
		if s < 0 {
			return errors.New("steps backwards are not supported: export with constants folded, as torch.onnx.export does by dynamo=True")
		}
	}
	w.put(n)
	return nil
}

// mod is of integers, as of sizes, and has the divisor's sign. Div leaves out what is behind the point.
func (w *rewriter) mod(n node) error {
	if attribute(n, "fmod", int64(0)) != 0 {
		return errors.New("fmod is not supported")
	}
	rest, divisor := n.inputs[0], n.input(1)
	remainder := func(y string) string {
		return w.add("Sub", y, rest, w.add("Mul", "", w.add("Div", "", rest, divisor), divisor))
	}
	rest = w.add("Add", "", remainder(""), divisor)
	remainder(n.outputs[0])
	return nil
}

// known are the numbers and the shape of a constant tensor of integers; nil of any other.
func (w *rewriter) known(name string) (values []int64, dims []int) {
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
	case typeInt32:
		width, list = 4, get(t, "int32_data").List()
	case typeInt64:
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
