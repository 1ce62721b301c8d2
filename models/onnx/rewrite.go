package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// rewrite brings the graph into what onnx-gomlx v0.3.4 reads rightly: operations that it lacks become several
// that it has, and forms that it refuses or misreads become ones that it takes.
func (g *graph) rewrite() error {
	w := &rewriter{graph: g, constants: map[string]protoreflect.Message{}}
	for _, n := range g.nodes {
		if n.domain != "" && n.domain != "ai.onnx" {
			return fmt.Errorf("onnx: operation %q is of the domain %q, not of ONNX itself: export with the standard operators", n.op, n.domain)
		}
		if err := w.node(n); err != nil {
			return fmt.Errorf("onnx: operation %s %q: %w", n.op, n.name, err)
		}
		if len(w.nodes) > mostOperations {
			return fmt.Errorf("onnx: it has %d operations, which take more than %d to write: that is no network for images", len(g.nodes), mostOperations)
		}
	}
	g.nodes = w.nodes
	return nil
}

// mostOperations that are written: large networks have thousands, of which each becomes some, and a reduction a hundred.
const mostOperations = 1 << 17

// rewriter writes the new nodes.
type rewriter struct {
	graph *graph
	nodes []node
	fresh int // names that were made up
	// constants are TensorProtos by their names, of the nodes so far.
	constants map[string]protoreflect.Message
}

// node writes what becomes of a node.
func (w *rewriter) node(n node) error {
	if len(n.inputs) == 0 && n.op != "Constant" {
		return errors.New("it has no input")
	}
	x, y := n.input(0), n.outputs[0] // those that give nothing are gone
	switch n.op {
	case "Dropout": // of inference
		w.add("Identity", y, x)
	case "Sigmoid":
		w.sigmoid(y, x)
	case "Swish":
		w.add("Mul", y, x, w.sigmoid("", w.times(x, attribute(n, "alpha", float32(1)))))
	case "HardSigmoid":
		w.hardSigmoid(y, x, attribute(n, "alpha", float32(0.2)), attribute(n, "beta", float32(0.5)))
	case "HardSwish":
		w.add("Mul", y, x, w.hardSigmoid("", x, 1.0/6, 0.5))
	case "Gelu":
		w.gelu(y, x, attribute(n, "approximate", "none"))
	case "LeakyRelu":
		w.add("Add", y, w.positive(x), w.times(w.negative(x), attribute(n, "alpha", float32(0.01))))
	case "PRelu":
		w.add("Add", y, w.positive(x), w.add("Mul", "", n.input(1), w.negative(x)))
	case "Elu":
		below := w.add("Sub", "", w.add("Exp", "", w.negative(x)), w.number(1))
		w.add("Add", y, w.positive(x), w.times(below, attribute(n, "alpha", float32(1))))
	case "Softplus":
		w.softplus(y, x)
	case "Mish":
		w.add("Mul", y, x, w.add("Tanh", "", w.softplus("", x)))
	case "Reciprocal":
		w.add("Div", y, w.number(1), x)
	case "Sum":
		sum := x
		for _, other := range n.inputs[1:] {
			sum = w.add("Add", "", sum, other)
		}
		w.add("Identity", y, sum)
	case "GlobalAveragePool": // of which onnx-gomlx drops the axes of size 1
		w.put(node{op: "ReduceMean", inputs: []string{x}, outputs: []string{y}, attributes: map[string]any{"axes": []int64{2, 3}, "keepdims": int64(1)}})
	case "Clip":
		w.clip(n, x, y)
	case "Constant":
		return w.constant(n)
	case "Gemm":
		// onnx-gomlx takes alpha for beta.
		if alpha, beta := attribute(n, "alpha", float32(1)), attribute(n, "beta", float32(1)); alpha != beta && n.input(2) != "" {
			n.inputs[2] = w.times(n.inputs[2], beta/alpha)
		}
		w.put(n)
	case "BatchNormalization":
		n.outputs = n.outputs[:1]
		delete(n.attributes, "momentum") // of training
		w.put(n)
	case "Conv":
		if err := noAutoPad(n); err != nil {
			return err
		}
		if n.attributes["kernel_shape"] == nil {
			kernel := w.graph.tensors[n.input(1)]
			if kernel == nil {
				return fmt.Errorf("the size of its kernel is not known")
			}
			dims := tensorDims(kernel)
			if len(dims) < 3 {
				return fmt.Errorf("its kernel has shape %v", dims)
			}
			var size []int64
			for _, d := range dims[2:] {
				size = append(size, int64(d))
			}
			n.attributes["kernel_shape"] = size
		}
		w.put(n)
	case "MaxPool", "AveragePool":
		return w.pool(n)
	case "Softmax":
		// Up to opset 12 it is over all axes from this one on.
		if axis := attribute(n, "axis", int64(1)); w.graph.opset < 13 && axis != -1 {
			return fmt.Errorf("in opset %d its axis %d may mean several: export with opset 13 or later", w.graph.opset, axis)
		}
		w.put(n)
	case "Split":
		if sizes := attribute[[]int64](n, "split", nil); sizes != nil {
			n.inputs = []string{x, w.integers(sizes)}
		}
		delete(n.attributes, "split")
		w.put(n)
	case "Pad":
		pads := attribute[[]int64](n, "pads", nil)
		if pads != nil {
			n.inputs = []string{x, w.integers(pads), w.number(attribute(n, "value", float32(0)))}
			delete(n.attributes, "pads")
			delete(n.attributes, "value")
		} else {
			pads, _ = w.known(n.input(1))
		}
		if len(pads) > 0 && !anyPad(pads) {
			w.add("Identity", y, x)
			return nil
		}
		if n.input(2) == "" { // zero, as exporters write it
			n.inputs = n.inputs[:2]
		}
		w.put(n)
	case "ReduceSum", "ReduceL2", "ReduceMax":
		return w.reduce(n)
	case "Mod":
		return w.mod(n)
	case "Slice":
		return w.slice(n)
	case "Gather", "GatherElements":
		w.gather(n)
	default:
		w.put(n)
	}
	return nil
}

func (n node) input(i int) string {
	if i < len(n.inputs) {
		return n.inputs[i]
	}
	return ""
}

// attribute of a node, or what it is where it is not there.
func attribute[T any](n node, name string, missing T) T {
	if v, ok := n.attributes[name].(T); ok {
		return v
	}
	return missing
}

func (w *rewriter) put(n node) { w.nodes = append(w.nodes, n) }

// name is y, or a new one.
func (w *rewriter) name(y string) string {
	if y == "" {
		w.fresh++
		y = fmt.Sprintf("kleid/%d", w.fresh)
	}
	return y
}

// add writes an operation and returns its output's name, which is y if that is not empty.
func (w *rewriter) add(op, y string, inputs ...string) string {
	y = w.name(y)
	w.put(node{op: op, inputs: inputs, outputs: []string{y}})
	return y
}

func (w *rewriter) value(values any, dims ...int) string {
	y := w.name("")
	w.put(node{op: "Constant", outputs: []string{y}, attributes: map[string]any{"value": w.graph.newTensorMessage(values, dims...)}})
	return y
}

func (w *rewriter) number(v float32) string   { return w.value([]float32{v}) }
func (w *rewriter) integers(v []int64) string { return w.value(v, len(v)) }
func (w *rewriter) positive(x string) string  { return w.add("Max", "", x, w.number(0)) }
func (w *rewriter) negative(x string) string  { return w.add("Min", "", x, w.number(0)) }

func (w *rewriter) times(x string, factor float32) string {
	if factor == 1 {
		return x
	}
	return w.add("Mul", "", x, w.number(factor))
}

// sigmoid is (1 + tanh(x/2)) / 2.
func (w *rewriter) sigmoid(y, x string) string {
	return w.add("Add", y, w.times(w.add("Tanh", "", w.times(x, 0.5)), 0.5), w.number(0.5))
}

func (w *rewriter) hardSigmoid(y, x string, alpha, beta float32) string {
	return w.add("Min", y, w.positive(w.add("Add", "", w.times(x, alpha), w.number(beta))), w.number(1))
}

func (w *rewriter) gelu(y, x, approximate string) string {
	var inner string
	if approximate == "tanh" {
		cubed := w.add("Mul", "", w.add("Mul", "", x, x), w.times(x, 0.044715))
		inner = w.add("Tanh", "", w.times(w.add("Add", "", x, cubed), float32(math.Sqrt(2/math.Pi))))
	} else {
		inner = w.add("Erf", "", w.times(x, float32(math.Sqrt2/2)))
	}
	return w.add("Mul", y, w.times(x, 0.5), w.add("Add", "", inner, w.number(1)))
}

// softplus is max(x, 0) + log(1 + exp(-|x|)), which does not overflow.
func (w *rewriter) softplus(y, x string) string {
	rest := w.add("Exp", "", w.add("Neg", "", w.add("Abs", "", x)))
	return w.add("Add", y, w.positive(x), w.add("Log", "", w.add("Add", "", rest, w.number(1))))
}

// clip has bounds as attributes up to opset 10, later as inputs, of which either may be missing.
func (w *rewriter) clip(n node, x, y string) {
	least, most := n.input(1), n.input(2)
	if v, ok := n.attributes["min"].(float32); ok {
		least = w.number(v)
	}
	if v, ok := n.attributes["max"].(float32); ok {
		most = w.number(v)
	}
	if least != "" {
		x = w.add("Max", "", x, least)
	}
	if most != "" {
		x = w.add("Min", "", x, most)
	}
	w.add("Identity", y, x)
}

// constant brings the value's other forms to the one that onnx-gomlx reads.
func (w *rewriter) constant(n node) error {
	var values any
	var dims []int
	switch v := cmp.Or(n.attributes["value_float"], n.attributes["value_int"], n.attributes["value_floats"], n.attributes["value_ints"]).(type) {
	case float32:
		values = []float32{v}
	case int64:
		values = []int64{v}
	case []float32:
		values, dims = v, []int{len(v)}
	case []int64:
		values, dims = v, []int{len(v)}
	case nil:
		if n.attributes["value"] == nil {
			return fmt.Errorf("its value is neither of numbers nor a dense tensor")
		}
	}
	if values != nil {
		n.attributes = map[string]any{"value": w.graph.newTensorMessage(values, dims...)}
	}
	if t, ok := n.attributes["value"].(protoreflect.Message); ok {
		w.constants[n.outputs[0]] = t
	}
	w.put(n)
	return nil
}

// noAutoPad takes away an auto_pad that says nothing.
func noAutoPad(n node) error {
	switch how := attribute(n, "auto_pad", "NOTSET"); how {
	case "NOTSET":
	case "VALID":
		delete(n.attributes, "pads")
	default:
		return fmt.Errorf("auto_pad %s is not supported: export with the padding written out", how)
	}
	delete(n.attributes, "auto_pad")
	return nil
}

// pool writes MaxPool and AveragePool.
func (w *rewriter) pool(n node) error {
	if err := noAutoPad(n); err != nil {
		return err
	}
	size := attribute[[]int64](n, "kernel_shape", nil)
	if slices.ContainsFunc(attribute[[]int64](n, "dilations", nil), func(d int64) bool { return d != 1 }) {
		return fmt.Errorf("dilations are not supported")
	}
	delete(n.attributes, "dilations")
	if n.attributes["strides"] == nil { // ONNX's default is 1, GoMLX's the kernel's size
		n.attributes["strides"] = slices.Repeat([]int64{1}, len(size))
	}
	if attribute(n, "ceil_mode", int64(0)) != 0 {
		return fmt.Errorf("ceil_mode is not supported")
	}
	pads := attribute[[]int64](n, "pads", nil)
	if attribute(n, "count_include_pad", int64(0)) != 0 && anyPad(pads) {
		// The zeros count: they are put around the image first.
		half := len(pads) / 2
		around := slices.Concat([]int64{0, 0}, pads[:half], []int64{0, 0}, pads[half:])
		n.inputs = []string{w.add("Pad", "", n.inputs[0], w.integers(around), w.number(0))}
		delete(n.attributes, "pads")
	}
	delete(n.attributes, "count_include_pad")
	w.put(n)
	return nil
}

// anyPad is whether there is anything to put around an image.
func anyPad(pads []int64) bool {
	return slices.ContainsFunc(pads, func(p int64) bool { return p != 0 })
}
