package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// The messages of the ONNX format, by reflection: tensors, attributes and fields.

// Values of the format's enumerations.
const (
	typeFloat = 1 // TensorProto.DataType
	typeInt32 = 6
	typeInt64 = 7

	attributeFloat  = 1 // AttributeProto.AttributeType
	attributeInt    = 2
	attributeString = 3
	attributeTensor = 4
	attributeFloats = 6
	attributeInts   = 7
)

// floats returns the numbers of a float32 tensor; of any other there are none.
func floats(t protoreflect.Message) (Tensor, error) {
	if get(t, "data_type").Int() != typeFloat {
		return Tensor{}, nil
	}
	w := newTensor(tensorDims(t))
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
		return Tensor{}, fmt.Errorf("onnx: tensor %q of shape %v has %d bytes and %d numbers", get(t, "name").String(), w.Shape, len(raw), list.Len())
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
func (g *graph) newTensorMessage(values any, dims ...int) protoreflect.Message {
	body := g.graphProto()
	t := body.NewField(field(body, "initializer")).List().NewElement().Message()
	var raw []byte
	kind := int32(typeInt64)
	switch v := values.(type) {
	case []float32:
		kind = typeFloat
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
	case attributeFloat:
		return float32(get(a, "f").Float())
	case attributeInt:
		return get(a, "i").Int()
	case attributeString:
		return string(get(a, "s").Bytes())
	case attributeInts:
		list := get(a, "ints").List()
		ints := make([]int64, list.Len())
		for i := range ints {
			ints[i] = list.Get(i).Int()
		}
		return ints
	case attributeFloats:
		list := get(a, "floats").List()
		values := make([]float32, list.Len())
		for i := range values {
			values[i] = float32(list.Get(i).Float())
		}
		return values
	case attributeTensor:
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
		kind(attributeFloat)
		a.Set(field(a, "f"), protoreflect.ValueOfFloat32(v))
	case int64:
		kind(attributeInt)
		a.Set(field(a, "i"), protoreflect.ValueOfInt64(v))
	case string:
		kind(attributeString)
		a.Set(field(a, "s"), protoreflect.ValueOfBytes([]byte(v)))
	case []int64:
		kind(attributeInts)
		ints := a.Mutable(field(a, "ints")).List()
		for _, i := range v {
			ints.Append(protoreflect.ValueOfInt64(i))
		}
	case []float32:
		kind(attributeFloats)
		values := a.Mutable(field(a, "floats")).List()
		for _, f := range v {
			values.Append(protoreflect.ValueOfFloat32(f))
		}
	case protoreflect.Message:
		if v.Descriptor().Name() == "TensorProto" {
			kind(attributeTensor)
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
