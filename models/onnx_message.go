package models

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// The messages of the ONNX format, by reflection: tensors, attributes and fields.

// Values of the format's enumerations.
const (
	onnxFloat32 = 1 // TensorProto.DataType
	onnxInt32   = 6
	onnxInt64   = 7

	onnxAttributeFloat  = 1 // AttributeProto.AttributeType
	onnxAttributeInt    = 2
	onnxAttributeString = 3
	onnxAttributeTensor = 4
	onnxAttributeFloats = 6
	onnxAttributeInts   = 7
)

// floats returns the numbers of a float32 tensor, nil if it is none.
func floats(t protoreflect.Message) (*Tensor, error) {
	if get(t, "data_type").Int() != onnxFloat32 {
		return nil, nil
	}
	w := NewTensor(tensorDims(t)...)
	raw, list := get(t, "raw_data").Bytes(), get(t, "float_data").List()
	switch {
	case len(raw) == 4*len(w.Data):
		for i := range w.Data {
			w.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case list.Len() == len(w.Data):
		for i := range w.Data {
			w.Data[i] = float32(list.Get(i).Float())
		}
	default:
		return nil, fmt.Errorf("onnx: tensor %q of shape %v has %d bytes and %d numbers", get(t, "name").String(), w.Shape, len(raw), list.Len())
	}
	return w, nil
}

func tensorDims(t protoreflect.Message) []int {
	dims := []int{}
	list := get(t, "dims").List()
	for i := range list.Len() {
		dims = append(dims, int(list.Get(i).Int()))
	}
	return dims
}

// newTensorMessage is a tensor of float32 or int64 numbers; without dims it is a scalar.
func (g *onnxGraph) newTensorMessage(values any, dims ...int) protoreflect.Message {
	graph := g.graph()
	t := graph.NewField(field(graph, "initializer")).List().NewElement().Message()
	var raw []byte
	kind := int32(onnxInt64)
	switch v := values.(type) {
	case []float32:
		kind = onnxFloat32
		for _, f := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
		}
	case []int64:
		for _, i := range v {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(i))
		}
	}
	t.Set(field(t, "data_type"), protoreflect.ValueOfInt32(kind))
	t.Set(field(t, "raw_data"), protoreflect.ValueOfBytes(raw))
	list := t.Mutable(field(t, "dims")).List()
	for _, d := range dims {
		list.Append(protoreflect.ValueOfInt64(int64(d)))
	}
	return t
}

func attributeValue(a protoreflect.Message) any {
	switch get(a, "type").Enum() {
	case onnxAttributeFloat:
		return float32(get(a, "f").Float())
	case onnxAttributeInt:
		return get(a, "i").Int()
	case onnxAttributeString:
		return string(get(a, "s").Bytes())
	case onnxAttributeInts:
		list := get(a, "ints").List()
		ints := make([]int64, list.Len())
		for i := range ints {
			ints[i] = list.Get(i).Int()
		}
		return ints
	case onnxAttributeFloats:
		list := get(a, "floats").List()
		values := make([]float32, list.Len())
		for i := range values {
			values[i] = float32(list.Get(i).Float())
		}
		return values
	case onnxAttributeTensor:
		return get(a, "t").Message()
	}
	return a
}

func setAttribute(node protoreflect.Message, name string, value any) {
	list := node.Mutable(field(node, "attribute")).List()
	a := list.NewElement().Message()
	kind := func(k protoreflect.EnumNumber) { a.Set(field(a, "type"), protoreflect.ValueOfEnum(k)) }
	setText(a, "name", name)
	switch v := value.(type) {
	case float32:
		kind(onnxAttributeFloat)
		a.Set(field(a, "f"), protoreflect.ValueOfFloat32(v))
	case int64:
		kind(onnxAttributeInt)
		a.Set(field(a, "i"), protoreflect.ValueOfInt64(v))
	case string:
		kind(onnxAttributeString)
		a.Set(field(a, "s"), protoreflect.ValueOfBytes([]byte(v)))
	case []int64:
		kind(onnxAttributeInts)
		ints := a.Mutable(field(a, "ints")).List()
		for _, i := range v {
			ints.Append(protoreflect.ValueOfInt64(i))
		}
	case []float32:
		kind(onnxAttributeFloats)
		values := a.Mutable(field(a, "floats")).List()
		for _, f := range v {
			values.Append(protoreflect.ValueOfFloat32(f))
		}
	case protoreflect.Message:
		if v.Descriptor().Name() == "TensorProto" {
			kind(onnxAttributeTensor)
			a.Set(field(a, "t"), protoreflect.ValueOfMessage(v))
			break
		}
		a = v // as it was
	}
	list.Append(protoreflect.ValueOfMessage(a))
}

func field(m protoreflect.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(name)
}

func get(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
	return m.Get(field(m, name))
}

func setText(m protoreflect.Message, name protoreflect.Name, text string) {
	m.Set(field(m, name), protoreflect.ValueOfString(text))
}

func texts(m protoreflect.Message, name protoreflect.Name) []string {
	list := get(m, name).List()
	all := make([]string, list.Len())
	for i := range all {
		all[i] = list.Get(i).String()
	}
	return all
}

func setTexts(m protoreflect.Message, name protoreflect.Name, all []string) {
	list := m.Mutable(field(m, name)).List()
	for _, text := range all {
		list.Append(protoreflect.ValueOfString(text))
	}
}

// messages of a repeated field.
func messages(m protoreflect.Message, name protoreflect.Name) func(yield func(protoreflect.Message) bool) {
	return func(yield func(protoreflect.Message) bool) {
		list := get(m, name).List()
		for i := range list.Len() {
			if !yield(list.Get(i).Message()) {
				return
			}
		}
	}
}

// appended is a new message at the end of a repeated field.
func appended(m protoreflect.Message, name protoreflect.Name) protoreflect.Message {
	return m.Mutable(field(m, name)).List().AppendMutable().Message()
}
