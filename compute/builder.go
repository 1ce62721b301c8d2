package compute

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/notimplemented"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"
)

// Builder implements backends.Builder. What it does not override fails with the operation's name.
type Builder struct {
	notimplemented.Builder

	backend    *Backend
	name       string
	compiled   bool
	values     int              // how many were made, for their ids
	nodes      []*node          // in topological order
	known      map[string]*node // by what they compute: the same thing is computed once
	parameters []*value
	names      []string // of the parameters
}

var _ backends.Builder = (*Builder)(nil)

// Name implements backends.Builder.
func (b *Builder) Name() string { return b.name }

// check returns the values behind GoMLX's operands.
func (b *Builder) check(op backends.OpType, operands ...backends.Op) ([]*value, error) {
	if b.compiled {
		return nil, errors.Errorf("backend %q: operation %s added to graph %q, which is compiled already", Name, op, b.name)
	}
	values := make([]*value, len(operands))
	for i, operand := range operands {
		v, ok := operand.(*value)
		if !ok || v == nil {
			return nil, errors.Errorf("backend %q: operation %s: operand %d (%T) is not of this backend", Name, op, i, operand)
		}
		if v.builder != b {
			return nil, errors.Errorf("backend %q: operation %s: operand %d belongs to graph %q, not to %q",
				Name, op, i, v.builder.name, b.name)
		}
		values[i] = v
	}
	return values, nil
}

// OpShape implements backends.Builder.
func (b *Builder) OpShape(op backends.Op) (shapes.Shape, error) {
	v, ok := op.(*value)
	if !ok || v == nil || v.builder != b {
		return shapes.Invalid(), errors.Errorf("backend %q: OpShape: %T is not an operation of graph %q", Name, op, b.name)
	}
	return v.shape, nil
}

// Parameter implements backends.Builder.
func (b *Builder) Parameter(name string, shape shapes.Shape, sharding *backends.ShardingSpec) (backends.Op, error) {
	if _, err := b.check(backends.OpTypeParameter); err != nil {
		return nil, err
	}
	if sharding != nil {
		return nil, errors.Wrapf(notimplemented.NotImplementedError, "backend %q does not implement sharding (parameter %q)", Name, name)
	}
	if !supportedDType(shape.DType) {
		return nil, errors.Errorf("backend %q: parameter %q: data type %s is not supported", Name, name, shape.DType)
	}
	v := b.newValue(shape.Clone(), nil, len(b.parameters))
	b.parameters = append(b.parameters, v)
	b.names = append(b.names, name)
	return v, nil
}

// Constant implements backends.Builder. Constants with the same content share their memory, over
// all the graphs of the backend.
func (b *Builder) Constant(flat any, dims ...int) (backends.Op, error) {
	if _, err := b.check(backends.OpTypeConstant); err != nil {
		return nil, err
	}
	data, dtype, n, err := bytesOf(flat)
	if err != nil {
		return nil, errors.WithMessagef(err, "backend %q: Constant", Name)
	}
	shape := shapes.Make(dtype, dims...)
	if shape.Size() != n {
		return nil, errors.Errorf("backend %q: Constant: %d values do not make a tensor of shape %s", Name, n, shape)
	}
	if !supportedDType(dtype) {
		return nil, errors.Errorf("backend %q: Constant: data type %s is not supported", Name, dtype)
	}
	return b.constantValue(shape, b.backend.constants.intern(dtype, data, false)), nil
}

// constantValue is the value of this shape with the constant's content.
func (b *Builder) constantValue(shape shapes.Shape, c *constant) *value {
	key := string(c.hash[:]) + shape.String()
	if n, ok := b.known[key]; ok {
		return n.out()
	}
	v := b.newValue(shape, nil, 0)
	v.constant = c
	b.known[key] = &node{outputs: []*value{v}}
	return v
}

// Identity implements backends.Builder.
func (b *Builder) Identity(x backends.Op) (backends.Op, error) {
	v, err := b.check(backends.OpTypeIdentity, x)
	if err != nil {
		return nil, err
	}
	return v[0], nil
}

// Compile implements backends.Builder.
func (b *Builder) Compile(outputs []backends.Op, shardings []*backends.ShardingSpec) (backends.Executable, error) {
	for _, s := range shardings {
		if s != nil {
			return nil, errors.Wrapf(notimplemented.NotImplementedError, "backend %q does not implement sharding (graph %q)", Name, b.name)
		}
	}
	values, err := b.check(backends.OpTypeIdentity, outputs...)
	if err != nil {
		return nil, err
	}
	b.compiled = true
	exec, err := compile(b, values)
	b.nodes, b.known = nil, nil
	return exec, err
}

// DistributedSPMD implements backends.Builder: one device is all there is.
func (b *Builder) DistributedSPMD(numDevices int) error {
	if numDevices == 1 {
		return nil
	}
	return errors.Wrapf(notimplemented.NotImplementedError, "backend %q has one device, %d asked for", Name, numDevices)
}

// DeviceAssignment implements backends.Builder.
func (b *Builder) DeviceAssignment(devices ...backends.DeviceNum) error {
	if len(devices) == 1 && devices[0] == 0 {
		return nil
	}
	return errors.Wrapf(notimplemented.NotImplementedError, "backend %q has one device, 0, %v asked for", Name, devices)
}

// withDType is the shape with another data type.
func withDType(shape shapes.Shape, dtype dtypes.DType) shapes.Shape {
	return shapes.Shape{DType: dtype, Dimensions: slices.Clone(shape.Dimensions)}
}
