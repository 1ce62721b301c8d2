package kernels

import "unsafe"

//go:noescape
func add256(dst, a, b unsafe.Pointer, n int)

//go:noescape
func sub256(dst, a, b unsafe.Pointer, n int)

//go:noescape
func mul256(dst, a, b unsafe.Pointer, n int)

//go:noescape
func div256(dst, a, b unsafe.Pointer, n int)

//go:noescape
func max256(dst, a, b unsafe.Pointer, n int)

//go:noescape
func min256(dst, a, b unsafe.Pointer, n int)

//go:noescape
func atMost256(dst, a unsafe.Pointer, n int, most float32)

// finish256 is finish512 for n a multiple of 8.
//
//go:noescape
func finish256(dst, bias, residual unsafe.Pointer, n int, relu bool)
