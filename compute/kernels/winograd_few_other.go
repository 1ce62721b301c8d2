//go:build !amd64

package kernels

func hasWinogradFew() bool { return false }

func winogradFewRow(int, *winogradFewWork) { panic("kernels: no such kernel on this CPU") }
