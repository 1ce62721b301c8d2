//go:build !amd64

package kernels

const hasAssembly = false

func tilerOf(Level) *tiler { return &portableTiler }
