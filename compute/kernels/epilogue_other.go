//go:build !amd64 && !arm64

package kernels

func finishRows(dst, bias, residual []float32, relu bool, _ Level) {
	finishPortable(dst, bias, residual, relu)
}
