//go:build !amd64 && !arm64

package kernels

func tilerOf(Level) *tiler { return &portableTiler }
