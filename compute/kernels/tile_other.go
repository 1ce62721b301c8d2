//go:build !amd64

package kernels

const hasAssembly = false

func tilerOf(Level) *tiler { return &portableTiler }

func finishRows(dst, bias, residual []float32, relu bool, _ Level) {
	finishPortable(dst, bias, residual, relu)
}
