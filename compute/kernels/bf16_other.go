//go:build !amd64

package kernels

func tilerBF16Of(Level) *narrowTiler { return &portableTilerBF16 }
