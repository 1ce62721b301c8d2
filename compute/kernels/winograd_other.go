//go:build !amd64

package kernels

func winogradOf(Level) *winogradTransforms { return &portableWinograd }
