//go:build !linux || !amd64

package kernels

// amxAllowed is false where nothing asks for the permission.
func amxAllowed() bool { return false }
