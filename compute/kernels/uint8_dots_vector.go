//go:build amd64 || arm64

package kernels

import "unsafe"

// dotsVector and dotsVectorAt return how many elements of each row they have done. What they read comes from memory once,
// which AVX2 keeps waiting already, so that there is nothing wider.
func dotsVector(dst []int32, rows []uint8, v []int16) int {
	n := len(v) &^ 15
	if n == 0 || len(dst) == 0 || Active() == Portable {
		return 0
	}
	dotsUint8x16(unsafe.Pointer(&dst[0]), unsafe.Pointer(&rows[0]), unsafe.Pointer(&v[0]), len(dst), n, len(v))
	return n
}

func dotsVectorAt(dst []int32, rows []uint8, numbers []uint32, v []int16) int {
	n := len(v) &^ 15
	if n == 0 || len(dst) == 0 || Active() == Portable {
		return 0
	}
	dotsUint8x16At(unsafe.Pointer(&dst[0]), unsafe.Pointer(&rows[0]), unsafe.Pointer(&numbers[0]), unsafe.Pointer(&v[0]), len(dst), n, len(v))
	return n
}

//go:noescape
func dotsUint8x16(dst, rows, v unsafe.Pointer, count, n, pitch int)

//go:noescape
func dotsUint8x16At(dst, rows, numbers, v unsafe.Pointer, count, n, pitch int)
