package embedded

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// littleEndian says whether this machine stores numbers as the files do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// numbers returns little-endian bytes as numbers: the same memory where the machine allows it, else a
// copy.
func numbers[T uint32 | uint64 | float32 | float64](data []byte) ([]T, error) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if len(data)%size != 0 {
		return nil, fmt.Errorf("%d bytes do not divide into numbers of %d", len(data), size)
	}
	n := len(data) / size
	if n == 0 {
		return nil, nil
	}
	first := unsafe.Pointer(unsafe.SliceData(data))
	if littleEndian && uintptr(first)%uintptr(size) == 0 {
		return unsafe.Slice((*T)(first), n), nil
	}
	out := make([]T, n)
	if _, err := binary.Decode(data, binary.LittleEndian, out); err != nil {
		return nil, err
	}
	return out, nil
}

// appendNumbers appends numbers as little-endian bytes.
func appendNumbers[T uint32 | uint64 | float32 | float64](dst []byte, values []T) []byte {
	if littleEndian && len(values) > 0 {
		var zero T
		return append(dst, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(zero)))...)
	}
	dst, _ = binary.Append(dst, binary.LittleEndian, values) // cannot fail for slices of numbers
	return dst
}
