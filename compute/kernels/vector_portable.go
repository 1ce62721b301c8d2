//go:build !amd64 && !arm64

package kernels

func addFast(_, _, _ []float32) bool { return false }
func subFast(_, _, _ []float32) bool { return false }
func mulFast(_, _, _ []float32) bool { return false }
func divFast(_, _, _ []float32) bool { return false }
func maxFast(_, _, _ []float32) bool { return false }
func minFast(_, _, _ []float32) bool { return false }
