//go:build !amd64

package kernels

import "unsafe"

// writeWindows is for tiles that no other architecture has.
func writeWindows(unsafe.Pointer, unsafe.Pointer, []int, []int, int, int) {
	panic("kernels: no tile of this architecture reads a matrix")
}
