package models

import (
	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// window is a convolution's kernel, stride and padding of zeros, in pixels.
type window struct{ height, width, stride, padHeight, padWidth int }

// square is a kernel with torch's usual padding, (kernel-1)/2 on each side.
func square(kernel, stride int) window {
	pad := (kernel - 1) / 2
	return window{kernel, kernel, stride, pad, pad}
}

func (w window) convolve(x, kernel *Node) *Node {
	return Convolve(x, kernel).Strides(w.stride).
		PaddingPerDim([][2]int{{w.padHeight, w.padHeight}, {w.padWidth, w.padWidth}}).Done()
}
