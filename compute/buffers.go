package compute

import (
	"reflect"
	"unsafe"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/pkg/errors"
)

// Buffer is a tensor's memory as GoMLX holds it between executions.
type Buffer struct {
	shape shapes.Shape
	data  []byte // nil once finalized or donated
}

// view gives bytes the type T; the memory is shared.
func view[T any](data []byte) []T {
	var t T
	n := len(data) / int(unsafe.Sizeof(t))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(data))), n)
}

// bytesOf is the memory of a slice as bytes.
func bytesOf(flat any) ([]byte, dtypes.DType, int, error) {
	v := reflect.ValueOf(flat)
	if v.Kind() != reflect.Slice {
		return nil, dtypes.InvalidDType, 0, errors.Errorf("flat data must be a slice, got %T", flat)
	}
	dtype := dtypes.FromGoType(v.Type().Elem())
	if dtype == dtypes.InvalidDType {
		return nil, dtype, 0, errors.Errorf("flat data of type %T has no GoMLX data type", flat)
	}
	size := v.Len() * int(v.Type().Elem().Size())
	if size == 0 {
		return nil, dtype, 0, nil
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), size), dtype, v.Len(), nil
}

// flatOf is the memory as a slice of the Go type of dtype.
func flatOf(data []byte, dtype dtypes.DType) any {
	goType := dtype.GoType()
	n := len(data) / int(goType.Size())
	if n == 0 {
		return reflect.MakeSlice(reflect.SliceOf(goType), 0, 0).Interface()
	}
	return reflect.SliceAt(goType, unsafe.Pointer(unsafe.SliceData(data)), n).Interface()
}

// byteSize is the memory that a tensor of the shape takes.
func byteSize(shape shapes.Shape) int { return shape.Size() * shape.DType.Size() }

func (b *Backend) buffer(buffer backends.Buffer) (*Buffer, error) {
	buf, ok := buffer.(*Buffer)
	switch {
	case !ok || buf == nil:
		return nil, errors.Errorf("backend %q: %T is not one of its buffers", Name, buffer)
	case b.IsFinalized():
		return nil, errors.Errorf("backend %q is finalized", Name)
	case buf.data == nil:
		return nil, errors.Errorf("backend %q: buffer of shape %s was finalized or donated", Name, buf.shape)
	}
	return buf, nil
}

func (b *Backend) newBuffer(device backends.DeviceNum, shape shapes.Shape) (*Buffer, error) {
	switch {
	case b.IsFinalized():
		return nil, errors.Errorf("backend %q is finalized", Name)
	case device != 0:
		return nil, errors.Errorf("backend %q has one device, 0, got %d", Name, device)
	case !supportedDType(shape.DType):
		return nil, errors.Errorf("backend %q does not support data type %s", Name, shape.DType)
	}
	return &Buffer{shape: shape.Clone(), data: b.memory.get(byteSize(shape))}, nil
}

// BufferFinalize implements backends.DataInterface. The memory is kept for the next buffers.
func (b *Backend) BufferFinalize(buffer backends.Buffer) error {
	buf, err := b.buffer(buffer)
	if err != nil {
		return err
	}
	b.memory.put(buf.data)
	buf.data = nil
	return nil
}

// BufferShape implements backends.DataInterface.
func (b *Backend) BufferShape(buffer backends.Buffer) (shapes.Shape, error) {
	buf, err := b.buffer(buffer)
	if err != nil {
		return shapes.Invalid(), err
	}
	return buf.shape, nil
}

// BufferDeviceNum implements backends.DataInterface.
func (b *Backend) BufferDeviceNum(buffer backends.Buffer) (backends.DeviceNum, error) {
	_, err := b.buffer(buffer)
	return 0, err
}

// BufferToFlatData implements backends.DataInterface.
func (b *Backend) BufferToFlatData(buffer backends.Buffer, flat any) error {
	buf, err := b.buffer(buffer)
	if err != nil {
		return err
	}
	dst, dtype, n, err := bytesOf(flat)
	if err != nil {
		return err
	}
	if dtype != buf.shape.DType || n != buf.shape.Size() {
		return errors.Errorf("backend %q: cannot copy a buffer of shape %s to %d values of %s", Name, buf.shape, n, dtype)
	}
	copy(dst, buf.data)
	return nil
}

// BufferFromFlatData implements backends.DataInterface.
func (b *Backend) BufferFromFlatData(device backends.DeviceNum, flat any, shape shapes.Shape) (backends.Buffer, error) {
	src, dtype, n, err := bytesOf(flat)
	if err != nil {
		return nil, err
	}
	if dtype != shape.DType || n != shape.Size() {
		return nil, errors.Errorf("backend %q: %d values of %s do not make a tensor of shape %s", Name, n, dtype, shape)
	}
	buf, err := b.newBuffer(device, shape)
	if err != nil {
		return nil, err
	}
	copy(buf.data, src)
	return buf, nil
}

// HasSharedBuffers implements backends.DataInterface: a buffer is the program's own memory.
func (b *Backend) HasSharedBuffers() bool { return true }

// NewSharedBuffer implements backends.DataInterface. The values are undefined until they are set.
func (b *Backend) NewSharedBuffer(device backends.DeviceNum, shape shapes.Shape) (backends.Buffer, any, error) {
	buf, err := b.newBuffer(device, shape)
	if err != nil {
		return nil, nil, err
	}
	return buf, flatOf(buf.data, shape.DType), nil
}

// BufferData implements backends.DataInterface.
func (b *Backend) BufferData(buffer backends.Buffer) (any, error) {
	buf, err := b.buffer(buffer)
	if err != nil {
		return nil, err
	}
	return flatOf(buf.data, buf.shape.DType), nil
}

// BufferCopyToDevice implements backends.DataInterface: there is no other device to copy to.
func (b *Backend) BufferCopyToDevice(backends.Buffer, backends.DeviceNum) (backends.Buffer, error) {
	return nil, errors.Errorf("backend %q has only one device, there is no other to copy a buffer to", Name)
}
