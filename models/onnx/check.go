package onnx

import (
	"fmt"
	"math"

	onnxgomlx "github.com/gomlx/onnx-gomlx/onnx"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A file may say what its bytes do not hold, or what no network does: that is found before anything is made of it.

// Numbers of half a length, by TensorProto.DataType, which onnx-gomlx does not read.
var halves = map[int64]string{10: "float16", 16: "bfloat16"}

// withDeclarations is a file whose outputs have types and shapes, which onnx-gomlx wants and nothing here needs. Files are
// valid without. It refuses inputs that lack theirs, and networks of float16.
func withDeclarations(data []byte) ([]byte, error) {
	var file onnxgomlx.Model
	if err := proto.Unmarshal(data, &file.Proto); err != nil {
		return nil, fmt.Errorf("onnx: not an ONNX file, or cut off: %w", err)
	}
	g := &graph{message: file.Proto.ProtoReflect()}
	refuse := func(what string, m protoreflect.Message, kind int64) error {
		if half := halves[kind]; half != "" {
			return fmt.Errorf("onnx: the %s %q is %s, and networks are read in float32: export it as float32", what, get(m, "name").String(), half)
		}
		return nil
	}
	for m := range messages(g.graphProto(), "input") {
		tensor := tensorType(m)
		if !tensor.Has(field(tensor, "shape")) {
			return nil, fmt.Errorf("onnx: the input %q is no tensor with a shape: export it as one, [batch, 3, rows, columns]", get(m, "name").String())
		}
		if err := refuse("input", m, get(tensor, "elem_type").Int()); err != nil {
			return nil, err
		}
	}
	for m := range messages(g.graphProto(), "initializer") {
		if err := refuse("tensor", m, get(m, "data_type").Int()); err != nil {
			return nil, err
		}
	}
	var outputs []string
	declared := true
	for m := range messages(g.graphProto(), "output") {
		tensor := tensorType(m)
		outputs = append(outputs, get(m, "name").String())
		declared = declared && tensor.Has(field(tensor, "shape")) && numberBytes[get(tensor, "elem_type").Int()] > 0
	}
	if declared {
		return data, nil
	}
	g.graphProto().Clear(field(g.graphProto(), "output"))
	for _, name := range outputs {
		g.declare("output", name, nil)
	}
	return proto.Marshal(g.message.Interface())
}

// tensorType is what an input or output says of its tensor.
func tensorType(m protoreflect.Message) protoreflect.Message {
	return get(get(m, "type").Message(), "tensor_type").Message()
}

// numberBytes is the length of a number, by TensorProto.DataType, of the types that onnx-gomlx reads.
var numberBytes = map[int64]int{1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 11: 8, 12: 4, 13: 8, 14: 8, 15: 16}

// eachTensor visits the tensors of a message, wherever they are in it, until there is an error.
func eachTensor(m protoreflect.Message, visit func(t protoreflect.Message) error) (err error) {
	if m.Descriptor().Name() == "TensorProto" {
		return visit(m)
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := 0; i < v.List().Len() && err == nil; i++ {
				err = eachTensor(v.List().Get(i).Message(), visit)
			}
		default:
			err = eachTensor(v.Message(), visit)
		}
		return err == nil
	})
	return err
}

// checkTensor refuses a tensor that holds another number of values than its shape says.
func checkTensor(t protoreflect.Message) error {
	name, dims, size := get(t, "name").String(), tensorDims(t), 1
	for _, d := range dims {
		if d < 0 || d > 0 && size > math.MaxInt/d {
			return fmt.Errorf("onnx: tensor %q of shape %v: that is no shape", name, dims)
		}
		size *= d
	}
	bytes, known := numberBytes[get(t, "data_type").Int()]
	if !known { // refused where it is read, if it is
		return nil
	}
	raw, numbers := len(get(t, "raw_data").Bytes()), 0
	for _, list := range []protoreflect.Name{"float_data", "int32_data", "int64_data", "double_data", "uint64_data"} {
		numbers += get(t, list).List().Len()
	}
	if raw > 0 && (raw%bytes != 0 || raw/bytes != size) || raw == 0 && numbers != size {
		return fmt.Errorf("onnx: tensor %q of shape %v has %d bytes and %d numbers", name, dims, raw, numbers)
	}
	return nil
}

// checkOrder refuses graphs in which something is read before it is given, or given twice: onnx-gomlx would go round in
// circles. above are the names of the graphs around it.
func checkOrder(body protoreflect.Message, above ...map[string]bool) error {
	own := map[string]bool{}
	scopes := append(above[:len(above):len(above)], own)
	known := func(name string) bool {
		for _, scope := range scopes {
			if scope[name] {
				return true
			}
		}
		return name == ""
	}
	for _, list := range []protoreflect.Name{"initializer", "input"} {
		for m := range messages(body, list) {
			own[get(m, "name").String()] = true
		}
	}
	for n := range messages(body, "node") {
		what := fmt.Sprintf("operation %s %q", get(n, "op_type").String(), get(n, "name").String())
		for _, name := range texts(n, "input") {
			if !known(name) {
				return fmt.Errorf("onnx: %s reads %q, which nothing before it gives", what, name)
			}
		}
		for a := range messages(n, "attribute") {
			if a.Has(field(a, "g")) {
				if err := checkOrder(get(a, "g").Message(), scopes...); err != nil {
					return err
				}
			}
		}
		for _, name := range texts(n, "output") {
			if name != "" && known(name) {
				return fmt.Errorf("onnx: %s gives %q, which is given before", what, name)
			}
			own[name] = true
		}
	}
	return nil
}
