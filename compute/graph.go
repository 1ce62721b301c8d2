package compute

import (
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"

	"github.com/kleid-search/kleid/compute/kernels"
)

// value is one tensor of the graph: what GoMLX sees as a backends.Op. It is the output of a node, a
// parameter, or a constant.
type value struct {
	builder  *Builder
	id       int
	shape    shapes.Shape
	node     *node     // nil for parameters and constants
	index    int       // among the outputs of node, or among the parameters
	constant *constant // nil but for constants
}

func (v *value) dtype() dtypes.DType { return v.shape.DType }

func (v *value) dims() []int { return v.shape.Dimensions }

// node is one operation. Its id grows in topological order.
type node struct {
	id      int
	op      backends.OpType
	inputs  []*value
	outputs []*value
	attrs   any // what the operation needs beside its inputs; plain data, so that it prints as a key
	kernel  kernel
	prepare func() // packs constant operands, when the graph is compiled; nil for none
}

func (n *node) out() *value { return n.outputs[0] }

// Operations that GoMLX does not have: the optimiser puts them in the place of others.
const (
	opConvGradInput  backends.OpType = backends.OpTypeLast + 1 + iota // inputs: gradient of the output, kernel
	opConvGradFilter                                                  // inputs: input, gradient of the output
	opConvFused                                                       // inputs: input, kernel, then bias and residual where there are
	opConvsJoined                                                     // inputs and outputs: those of several opConvFused, one after the other
	opElementwise                                                     // a fused chain of element-wise operations
	opNotNegative                                                     // 1 where x >= 0, 0 where x < 0: the derivative of ReLU
)

func opName(op backends.OpType) string {
	switch op {
	case opConvGradInput:
		return "ConvGradInput"
	case opConvGradFilter:
		return "ConvGradFilter"
	case opConvFused:
		return "ConvFused"
	case opConvsJoined:
		return "ConvsJoined"
	case opElementwise:
		return "Elementwise"
	case opNotNegative:
		return "NotNegative"
	}
	if name, ok := narrowNames[op]; ok {
		return name
	}
	return op.String()
}

func (n *node) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "#%d %s(", n.id, opName(n.op))
	for i, in := range n.inputs {
		if i > 0 {
			s.WriteString(", ")
		}
		switch {
		case in.constant != nil:
			s.WriteString("const")
		case in.node == nil:
			fmt.Fprintf(&s, "param%d", in.index)
		default:
			fmt.Fprintf(&s, "#%d", in.node.id)
		}
		s.WriteString(in.shape.String())
	}
	s.WriteString(") ->")
	for _, out := range n.outputs {
		s.WriteString(" " + out.shape.String())
	}
	return s.String()
}

// kernel computes a node's outputs from its inputs. The outputs' memory is undefined before.
// An output may share the memory of an input only where the node says so (see inPlace).
type kernel func(c *call)

// call is one run of a kernel.
type call struct {
	in, out  [][]byte
	parallel kernels.Parallel
}

// workers are what the kernels share work with.
func (c *call) workers() kernels.Parallel {
	if c.parallel == nil {
		return kernels.Serial{}
	}
	return c.parallel
}

// add makes a node with the given outputs, or returns the same node that was made before. It fails
// if there is no kernel for its data types.
func (b *Builder) add(op backends.OpType, outputs []shapes.Shape, attrs any, inputs ...*value) (*node, error) {
	var key strings.Builder
	fmt.Fprintf(&key, "%d %+v", op, attrs)
	for _, in := range inputs {
		fmt.Fprintf(&key, " %d", in.id)
	}
	for _, shape := range outputs {
		key.WriteString(shape.String())
	}
	if n, ok := b.known[key.String()]; ok {
		return n, nil
	}
	n := &node{op: op, inputs: inputs, attrs: attrs}
	for i, shape := range outputs {
		if !supportedDType(shape.DType) {
			return nil, errors.Errorf("backend %q: operation %s: data type %s is not supported", Name, op, shape.DType)
		}
		if !fits(shape) {
			return nil, errors.Errorf("backend %q: operation %s: a tensor of shape %s takes more memory than there is", Name, op, shape)
		}
		n.outputs = append(n.outputs, b.newValue(shape.Clone(), n, i))
	}
	var err error
	if n.kernel, err = kernelFor(n); err != nil {
		return nil, err
	}
	n.id = len(b.nodes)
	b.nodes = append(b.nodes, n)
	b.known[key.String()] = n
	return n, nil
}

// one is add for a node with a single output.
func (b *Builder) one(op backends.OpType, output shapes.Shape, attrs any, inputs ...*value) (backends.Op, error) {
	n, err := b.add(op, []shapes.Shape{output}, attrs, inputs...)
	if err != nil {
		return nil, err
	}
	return n.out(), nil
}

func (b *Builder) newValue(shape shapes.Shape, n *node, index int) *value {
	b.values++
	return &value{builder: b, id: b.values, shape: shape, node: n, index: index}
}

// unsupported is the error for an operation on data types that it has no kernel for.
func unsupported(n *node) error {
	types := make([]string, len(n.inputs))
	for i, in := range n.inputs {
		types[i] = in.dtype().String()
	}
	return errors.Errorf("backend %q does not implement operation %s for data types (%s)",
		Name, opName(n.op), strings.Join(types, ", "))
}

// supportedDType is whether the backend stores and moves values of the type.
func supportedDType(dtype dtypes.DType) bool {
	switch dtype {
	case dtypes.Bool, dtypes.Int8, dtypes.Int16, dtypes.Int32, dtypes.Int64,
		dtypes.Uint8, dtypes.Uint16, dtypes.Uint32, dtypes.Uint64,
		dtypes.Float16, dtypes.BFloat16, dtypes.Float32, dtypes.Float64:
		return true
	}
	return false
}

func isHalf(dtype dtypes.DType) bool { return dtype == dtypes.Float16 || dtype == dtypes.BFloat16 }
