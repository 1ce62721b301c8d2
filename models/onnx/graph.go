package onnx

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	onnxgomlx "github.com/gomlx/onnx-gomlx/onnx"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// graph is a network in the ONNX format (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as far as
// it is to be changed before onnx-gomlx reads it. That library's types for the format are internal to it, so the
// messages are read and written by reflection.
type graph struct {
	message protoreflect.Message // ModelProto, whose graph is this one
	opset   int
	nodes   []node
	tensors map[string]protoreflect.Message // initialisers, TensorProto
}

// node is an operation.
type node struct {
	op, name, domain string
	inputs, outputs  []string // "" for an optional one that is not there
	// attributes are float32, int64, string, []int64, []float32, and otherwise the AttributeProto.
	attributes map[string]any
}

// readGraph parses a file's content.
func readGraph(data []byte) (g *graph, err error) {
	if data, err = withDeclarations(data); err != nil {
		return nil, err
	}
	model, err := parse(data)
	if err != nil {
		return nil, err
	}
	if model.Proto.Graph == nil || len(model.Proto.Graph.Node) == 0 {
		return nil, errors.New("onnx: there is no graph in it: not an ONNX file, or cut off")
	}
	if len(model.Proto.Functions) > 0 {
		return nil, errors.New("onnx: it defines functions of its own: export with the standard operators, or inline them")
	}
	g = &graph{message: model.Proto.ProtoReflect(), tensors: map[string]protoreflect.Message{}}
	for o := range messages(g.message, "opset_import") {
		if domain := get(o, "domain").String(); domain == "" || domain == "ai.onnx" {
			g.opset = int(get(o, "version").Int())
		}
	}
	for n := range messages(g.graphProto(), "node") {
		operation := node{
			op: get(n, "op_type").String(), name: get(n, "name").String(), domain: get(n, "domain").String(),
			inputs: texts(n, "input"), outputs: texts(n, "output"), attributes: map[string]any{},
		}
		for a := range messages(n, "attribute") {
			operation.attributes[get(a, "name").String()] = attributeValue(a)
		}
		g.nodes = append(g.nodes, operation)
	}
	for t := range messages(g.graphProto(), "initializer") {
		g.tensors[get(t, "name").String()] = t
	}
	return g, nil
}

// parse is onnx-gomlx's, which panics on some files that are none and believes others.
func parse(data []byte) (model *onnxgomlx.Model, err error) {
	defer func() {
		if r := recover(); r != nil {
			model, err = nil, fmt.Errorf("onnx: not an ONNX file, or cut off: %v", r)
		}
	}()
	model, err = onnxgomlx.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("onnx: not an ONNX file, or cut off: %w", err)
	}
	if err := eachTensor(model.Proto.ProtoReflect(), checkTensor); err != nil {
		return nil, err
	}
	return model, checkOrder(model.Proto.Graph.ProtoReflect())
}

// graphProto is the message of the graph, which encode brings up to date.
func (g *graph) graphProto() protoreflect.Message { return get(g.message, "graph").Message() }

// encode writes the network with the graph's nodes and tensors, and with the given inputs, by name with their
// shapes (-1 for any size), and outputs, whose shapes are not told.
func (g *graph) encode(inputs map[string][]int, outputs ...string) ([]byte, error) {
	body := g.graphProto()
	for _, list := range []protoreflect.Name{"node", "initializer", "input", "output", "value_info"} {
		body.Clear(field(body, list))
	}
	body.Clear(field(body, "doc_string"))
	for _, n := range g.nodes {
		m := appended(body, "node")
		setText(m, "op_type", n.op)
		setText(m, "name", n.name)
		setText(m, "domain", n.domain)
		setTexts(m, "input", n.inputs)
		setTexts(m, "output", n.outputs)
		for _, name := range slices.Sorted(maps.Keys(n.attributes)) {
			setAttribute(m, name, n.attributes[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.tensors)) {
		list := body.Mutable(field(body, "initializer")).List()
		list.Append(protoreflect.ValueOfMessage(g.tensors[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		g.declare("input", name, inputs[name])
	}
	for _, name := range outputs {
		g.declare("output", name, nil)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(g.message.Interface())
}

// declare names a float32 input or output.
func (g *graph) declare(list protoreflect.Name, name string, shape []int) {
	m := appended(g.graphProto(), list)
	setText(m, "name", name)
	kind := m.Mutable(field(m, "type")).Message()
	tensor := kind.Mutable(field(kind, "tensor_type")).Message()
	tensor.Set(field(tensor, "elem_type"), protoreflect.ValueOfInt32(typeFloat))
	dims := tensor.Mutable(field(tensor, "shape")).Message()
	for axis, d := range shape {
		dim := appended(dims, "dim")
		if d >= 0 {
			dim.Set(field(dim, "dim_value"), protoreflect.ValueOfInt64(int64(d)))
		} else { // onnx-gomlx takes axes without a name for equally long
			setText(dim, "dim_param", fmt.Sprintf("%s/%d", name, axis))
		}
	}
}

// input returns the shape of the network's only input, -1 where any size will do.
func (g *graph) input() (name string, shape []int, err error) {
	var names []string
	for m := range messages(g.graphProto(), "input") {
		if own := get(m, "name").String(); g.tensors[own] == nil { // older files list the weights, too
			names = append(names, own)
			tensor := tensorType(m)
			if kind := get(tensor, "elem_type").Int(); kind != typeFloat {
				return "", nil, fmt.Errorf("onnx: the input %q is of ONNX's data type %d, but must be float32", own, kind)
			}
			shape = nil
			for d := range messages(get(tensor, "shape").Message(), "dim") {
				size := -1
				if v := get(d, "dim_value").Int(); v > 0 {
					size = int(v)
				}
				shape = append(shape, size)
			}
		}
	}
	if len(names) != 1 {
		return "", nil, fmt.Errorf("onnx: the network has %d inputs %q, but an image network has one", len(names), names)
	}
	return names[0], shape, nil
}

// outputs names what the network gives.
func (g *graph) outputs() []string {
	var names []string
	for m := range messages(g.graphProto(), "output") {
		names = append(names, get(m, "name").String())
	}
	return names
}

// computed names what operations give, in their order.
func (g *graph) computed() []string {
	var names []string
	for _, n := range g.nodes {
		if n.op != "Constant" {
			names = append(names, slices.DeleteFunc(slices.Clone(n.outputs), func(name string) bool { return name == "" })...)
		}
	}
	return names
}

// layer is the name of the output that is meant by its own name or by its operation's.
func (g *graph) layer(name string) (string, error) {
	computed := g.computed()
	if slices.Contains(computed, name) {
		return name, nil
	}
	for _, n := range g.nodes {
		if n.name == name && len(n.outputs) > 0 {
			return n.outputs[0], nil
		}
	}
	return "", fmt.Errorf("onnx: the network has no layer %q; %s", name, layersLike(computed, name))
}

// namedLayers is how many layers an error names.
const namedLayers = 8

// layersLike names the last layers whose names have the given one in them, or else the last of all.
func layersLike(layers []string, name string) string {
	what, like := "its last ones are", slices.DeleteFunc(slices.Clone(layers), func(layer string) bool {
		return !strings.Contains(strings.ToLower(layer), strings.ToLower(name))
	})
	if len(like) > 0 {
		what, layers = "there are", like
	}
	return fmt.Sprintf("%s %q", what, layers[max(len(layers)-namedLayers, 0):])
}

// read are the names of what operations read.
func (g *graph) read() map[string]bool {
	names := map[string]bool{}
	for _, n := range g.nodes {
		for _, name := range n.inputs {
			names[name] = true
		}
	}
	return names
}

// only drops all that none of the named outputs depends on.
func (g *graph) only(outputs ...string) error {
	wanted := map[string]bool{}
	for _, name := range outputs {
		wanted[name] = true
	}
	var nodes []node
	for _, n := range slices.Backward(g.nodes) { // the format has them in an order in which they can be computed
		if !slices.ContainsFunc(n.outputs, func(o string) bool { return wanted[o] }) {
			continue
		}
		for _, i := range n.inputs {
			wanted[i] = true
		}
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return fmt.Errorf("onnx: no operation of the network gives %q", outputs)
	}
	slices.Reverse(nodes)
	g.nodes = nodes
	maps.DeleteFunc(g.tensors, func(name string, _ protoreflect.Message) bool { return !wanted[name] })
	return nil
}
