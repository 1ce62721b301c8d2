//go:build !amd64 && !arm64

package kernels

func winogradOf(Level) *winogradTransforms { return &portableWinograd }
