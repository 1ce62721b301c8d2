package compute

import (
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

func convKernel(n *node) kernel {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		if fast := newConv2D(n); fast != nil {
			return fast.kernel(n)
		}
		return convOf[float32](n)
	case dtypes.Float64:
		return convOf[float64](n)
	case dtypes.Int8:
		return convOf[int8](n)
	case dtypes.Int16:
		return convOf[int16](n)
	case dtypes.Int32:
		return convOf[int32](n)
	case dtypes.Int64:
		return convOf[int64](n)
	case dtypes.Uint8:
		return convOf[uint8](n)
	}
	return nil
}

// convOf is a ConvGeneral of any number of spatial axes in any order, with strides, padding (also
// negative), dilations of input and kernel and groups of channels or of the batch: the definition,
// for what has no faster way (conv.go).
func convOf[T number](n *node) kernel {
	attrs := n.attrs.(convAttrs)
	axes := attrs.Axes
	input, filter, output := n.inputs[0].dims(), n.inputs[1].dims(), n.out().dims()
	is, ks, os := rowMajor(input), rowMajor(filter), rowMajor(output)
	spatial := len(axes.InputSpatial)

	batch, channels := output[axes.OutputBatch], output[axes.OutputChannels]
	depth := filter[axes.KernelInputChannels]
	groupChannels := channels / attrs.ChannelGroups // output channels that share input channels
	batchChannels := channels / attrs.BatchGroups   // output channels that share a part of the batch

	taps := 1 // positions in the kernel
	for _, axis := range axes.KernelSpatial {
		taps *= filter[axis]
	}
	places := 1 // positions in the output
	for _, axis := range axes.OutputSpatial {
		places *= output[axis]
	}
	in, ik := is[axes.InputChannels], ks[axes.KernelInputChannels]
	ok := ks[axes.KernelOutputChannels]

	// tap finds the offsets of one position of the kernel in the input and in the kernel.
	tap := func(place, k int) (at, kernelAt int, inside bool) {
		for i := spatial - 1; i >= 0; i-- {
			size := filter[axes.KernelSpatial[i]]
			kernelIndex := k % size
			k /= size
			width := output[axes.OutputSpatial[i]]
			x := place%width*attrs.Strides[i] - attrs.Paddings[i][0] + kernelIndex*attrs.Dilations[i]
			place /= width
			if x < 0 || x%attrs.InputDilations[i] != 0 {
				return 0, 0, false
			}
			x /= attrs.InputDilations[i]
			if x >= input[axes.InputSpatial[i]] {
				return 0, 0, false
			}
			at += x * is[axes.InputSpatial[i]]
			kernelAt += kernelIndex * ks[axes.KernelSpatial[i]]
		}
		return at, kernelAt, true
	}
	return func(c *call) {
		x, w, out := view[T](c.in[0]), view[T](c.in[1]), view[T](c.out[0])
		grain := parallelSize/max(taps*depth*channels, 1) + 1
		inChunks(c, batch*places, grain, func(from, to int) {
			acc := make([]T, channels)
			for p := from; p < to; p++ {
				image, place := p/places, p%places
				clear(acc)
				for k := range taps {
					at, kernelAt, inside := tap(place, k)
					if !inside {
						continue
					}
					for o0 := 0; o0 < channels; {
						o1 := min((o0/groupChannels+1)*groupChannels, (o0/batchChannels+1)*batchChannels)
						xi := at + (o0/batchChannels*batch+image)*is[axes.InputBatch] + o0/groupChannels*depth*in
						for d := range depth {
							v := x[xi+d*in]
							wi := kernelAt + d*ik + o0*ok
							for o := o0; o < o1; o++ {
								acc[o] += v * w[wi]
								wi += ok
							}
						}
						o0 = o1
					}
				}
				o := image * os[axes.OutputBatch]
				rest := place
				for i := spatial - 1; i >= 0; i-- {
					axis := axes.OutputSpatial[i]
					o += rest % output[axis] * os[axis]
					rest /= output[axis]
				}
				for _, v := range acc {
					out[o] = v
					o += os[axes.OutputChannels]
				}
			}
		})
	}
}
