//go:build !amd64

package kernels

// winogradInt8Of returns nil where products of bytes are fast enough, or nobody has written it.
func winogradInt8Of(Level) *winogradInt8Code { return nil }
