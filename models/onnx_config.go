package models

import (
	"fmt"
	"slices"

	"github.com/kleid-search/kleid/models/onnx"
)

// onnxBackbone is the Config.Backbone of models whose trunk is a network from elsewhere (package onnx). The model's file
// holds all of it: the weights among the trunk's, everything else in the configuration.
const onnxBackbone = "onnx"

// DefaultONNXOptions normalise pixels as most networks that were trained on ImageNet want them.
func DefaultONNXOptions() onnx.Options {
	return onnx.Options{Mean: imageNetMean, Deviation: imageNetDeviation}
}

// ConfigForONNX is DefaultConfig with such a trunk. A network of fixed size reads crops of its size, and whole
// photos in sizes up to it.
func ConfigForONNX(o *onnx.Network) (Config, error) {
	c := DefaultConfig()
	c.Backbone, c.ONNX = onnxBackbone, o
	c.CropHeight, c.CropWidth, c.PatchHeight, c.PatchWidth = c.PatchHeight, c.PatchWidth, 0, 0
	if o.Height%o.Stride != 0 || o.Width%o.Stride != 0 {
		return Config{}, fmt.Errorf("onnx: the network reads %d x %d, which is not a multiple of its stride, %d", o.Height, o.Width, o.Stride)
	}
	largest := c.Scales[0]
	for i, size := range c.Scales {
		for axis, v := range size {
			most := []int{o.Height, o.Width}[axis]
			if most > 0 {
				v = min(most, v*o.Height/largest[0])
			}
			c.Scales[i][axis] = max((v+o.Stride-1)/o.Stride, 2) * o.Stride
		}
		if o.Height > 0 {
			c.Scales[i] = [2]int{min(c.Scales[i][0], o.Height), min(c.Scales[i][1], o.Width)}
		}
	}
	c.Scales = slices.Compact(c.Scales)
	if o.Height > 0 {
		c.CropHeight, c.CropWidth = o.Height, o.Width
	}
	c.CropHeight, c.CropWidth = RoundUp(c.CropHeight, o.Stride), RoundUp(c.CropWidth, o.Stride)
	c.CellRows = divisor(c.CropHeight/o.Stride, 7)
	c.CellColumns = divisor(c.CropWidth/o.Stride, 3)
	return c, nil
}

// divisor is the largest of n up to most.
func divisor(n, most int) int {
	d := min(n, most)
	for n%d != 0 {
		d--
	}
	return d
}
