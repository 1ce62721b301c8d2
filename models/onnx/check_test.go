package onnx

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestDeclarations: outputs need no types and shapes, which the format leaves out where they are not known; what is
// not read says what it is.
func TestDeclarations(t *testing.T) {
	kind := func(m protoreflect.Message, of int32) {
		tensor := tensorType(m)
		tensor.Set(field(tensor, "elem_type"), protoreflect.ValueOfInt32(of))
	}
	for name, test := range map[string]struct {
		list   protoreflect.Name
		change func(m protoreflect.Message)
		want   string
	}{
		"output without a type":  {"output", func(m protoreflect.Message) { m.Clear(field(m, "type")) }, ""},
		"output without a shape": {"output", func(m protoreflect.Message) { tensor := tensorType(m); tensor.Clear(field(tensor, "shape")) }, ""},
		"output of float16":      {"output", func(m protoreflect.Message) { kind(m, 10) }, ""}, // which the layer before need not be
		"input without a type":   {"input", func(m protoreflect.Message) { m.Clear(field(m, "type")) }, `the input "x" is no tensor with a shape: export it as one`},
		"input of float16":       {"input", func(m protoreflect.Message) { kind(m, 10) }, `the input "x" is float16, and networks are read in float32: export it as float32`},
		"weights of bfloat16": {"initializer", func(m protoreflect.Message) { m.Set(field(m, "data_type"), protoreflect.ValueOfInt32(16)) },
			`the tensor "y.kernel" is bfloat16, and networks are read in float32`},
	} {
		file := small(t, []int{-1, 3, -1, -1}, func(g *graph) []node { return []node{conv(g, "x", "y", 3, 2, 2, 0)} })
		g, err := readGraph(file)
		require.NoError(t, err)
		for m := range messages(g.graphProto(), test.list) {
			test.change(m)
		}
		file, err = proto.Marshal(g.message.Interface())
		require.NoError(t, err)
		_, _, err = Read(testBackend(t), file, nil, plain)
		if test.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, test.want, name)
			require.NotContains(t, err.Error(), "cut off", name)
		}
	}
}
