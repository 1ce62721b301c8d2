package onnx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestHostileFiles: a few bytes that no exporter writes are an error, not the end of the program.
func TestHostileFiles(t *testing.T) {
	for want, file := range hostileFiles(t) {
		t.Run(want, func(t *testing.T) {
			_, _, err := Read(testBackend(t), file, nil, plain)
			require.ErrorContains(t, err, want)
		})
	}
}

// hostileFiles are such files, by what is said of them.
func hostileFiles(t testing.TB) map[string][]byte {
	files := map[string][]byte{}
	hostile := func(want string, build func(g *graph) []node) {
		files[want] = small(t, []int{-1, 3, -1, -1}, build)
	}
	// a tensor that says it has other dimensions than its 16 numbers have
	claims := func(g *graph, name string, values any, dims ...int) string {
		g.tensors[name] = g.newTensorMessage(values, dims...)
		setText(g.tensors[name], "name", name)
		return name
	}
	for _, dims := range [][]int{{1 << 40}, {-1}, {1 << 31, 1 << 32}, {1 << 32, 1 << 32}, {-4, -4}, {17}} {
		hostile(fmt.Sprintf("tensor %q of shape %v", "w", dims), func(g *graph) []node {
			return []node{{op: "Add", inputs: []string{"x", claims(g, "w", make([]float32, 16), dims...)}, outputs: []string{"y"}}}
		})
		hostile(fmt.Sprintf("tensor %q of shape %v", "of an operation", dims), func(g *graph) []node {
			value := g.newTensorMessage(make([]int64, 16), dims...)
			setText(value, "name", "of an operation")
			return []node{
				{op: "Constant", outputs: []string{"c"}, attributes: map[string]any{"value": value}},
				{op: "Reshape", inputs: []string{"x", "c"}, outputs: []string{"y"}},
			}
		})
	}
	for _, dims := range [][]int{{}, {16}, {4, 4}} {
		hostile(fmt.Sprintf("its kernel has shape %v", dims), func(g *graph) []node {
			return []node{{op: "Conv", inputs: []string{"x", madeUpTensor(g, "w", dims...)}, outputs: []string{"y"}}}
		})
	}
	for _, op := range []string{"Sum", "MaxPool", "AveragePool", "Relu", "BatchNormalization"} {
		hostile("operation "+op+` "": it has no input`, func(*graph) []node { return []node{{op: op, outputs: []string{"y"}}} })
	}
	hostile("operation AveragePool \"counted\": it has no input", func(*graph) []node {
		return []node{{op: "AveragePool", name: "counted", outputs: []string{"y"}, attributes: map[string]any{"count_include_pad": int64(1), "pads": []int64{1, 1, 1, 1}}}}
	})
	hostile("steps backwards are not supported", func(g *graph) []node {
		at := func(name string, v int64) string { return claims(g, name, []int64{v}, 1) }
		return []node{{op: "Slice", inputs: []string{"x", at("from", -1), at("to", -1<<62), at("axis", 1), at("step", -2)}, outputs: []string{"y"}}}
	})
	hostile("it goes over 100000 axes, more than a tensor has", func(*graph) []node {
		return []node{{op: "ReduceMax", inputs: []string{"x"}, outputs: []string{"y"}, attributes: map[string]any{"axes": make([]int64, 100_000)}}}
	})
	hostile("it has 250 operations, which take more than 131072 to write", func(*graph) (nodes []node) {
		for i := range 250 {
			x, y := fmt.Sprint("m", i-1), fmt.Sprint("m", i)
			switch i {
			case 0:
				x = "x"
			case 249:
				y = "y"
			}
			nodes = append(nodes, node{op: "ReduceMax", inputs: []string{x}, outputs: []string{y}, attributes: map[string]any{"axes": make([]int64, mostAxes)}})
		}
		return nodes
	})
	hostile("takes more memory than there is", func(g *graph) []node { // for numbers that a shape is read from
		return []node{
			{op: "Expand", inputs: []string{claims(g, "one", []int64{1}, 1), claims(g, "times", []int64{1 << 45}, 1)}, outputs: []string{"many"}},
			{op: "Reshape", inputs: []string{"x", "many"}, outputs: []string{"y"}},
		}
	})
	hostile("the axes that it goes over are not known", func(*graph) []node {
		return []node{{op: "ReduceL2", inputs: []string{"x"}, outputs: []string{"y"}}}
	})
	hostile(`reads "y", which nothing before it gives`, func(*graph) []node {
		return []node{{op: "Add", inputs: []string{"x", "y"}, outputs: []string{"z"}}, {op: "Relu", inputs: []string{"z"}, outputs: []string{"y"}}}
	})
	hostile("the network cannot be read", func(g *graph) []node { // an attribute without its tensor
		m := g.graphProto().NewField(field(g.graphProto(), "node")).List().NewElement().Message()
		value := m.NewField(field(m, "attribute")).List().NewElement().Message()
		setText(value, "name", "value")
		value.Set(field(value, "type"), protoreflect.ValueOfEnum(attributeTensor))
		return []node{{op: "Constant", outputs: []string{"c"}, attributes: map[string]any{"value": value}}, {op: "Add", inputs: []string{"x", "c"}, outputs: []string{"y"}}}
	})
	hostile(`gives "a", which is given before`, func(g *graph) []node {
		return []node{{op: "Relu", inputs: []string{"x"}, outputs: []string{"a"}}, {op: "Relu", inputs: []string{"a"}, outputs: []string{"y"}}, aBranch(g, "a", "y", "b")}
	})
	hostile(`reads "b", which nothing before it gives`, func(g *graph) []node {
		return []node{aBranch(g, "a", "b", "y"), {op: "Relu", inputs: []string{"x"}, outputs: []string{"z"}}}
	})
	return files
}

// aBranch is an If with a graph in it that reads one name and gives another.
func aBranch(g *graph, inner, reads, y string) node {
	m := g.graphProto().NewField(field(g.graphProto(), "node")).List().NewElement().Message()
	branch := m.NewField(field(m, "attribute")).List().NewElement().Message()
	setText(branch, "name", "then_branch")
	const kind = 5 // GRAPH
	branch.Set(field(branch, "type"), protoreflect.ValueOfEnum(kind))
	inside := appended(branch.Mutable(field(branch, "g")).Message(), "node")
	setText(inside, "op_type", "Relu")
	setTexts(inside, "input", []string{reads})
	setTexts(inside, "output", []string{inner})
	return node{op: "If", inputs: []string{"x"}, outputs: []string{y}, attributes: map[string]any{"then_branch": branch}}
}
