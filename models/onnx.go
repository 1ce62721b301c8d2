package models

import (
	"fmt"
	"slices"
)

// A trunk from elsewhere: any image network in the ONNX format, as far as a layer whose output has a place for
// each part of the image. onnx-gomlx turns its operations into GoMLX's. The model's file holds all of it: the
// weights among the trunk's, everything else in the configuration, which is here.

// onnxBackbone is the Config.Backbone of such models.
const onnxBackbone = "onnx"

// ONNXConfig is the trunk's part of a model's configuration.
type ONNXConfig struct {
	// SHA256 of the file that it came from, with its weights inside, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Graph is an ONNX file of the operations as far as Layer. Its inputs are Input and the large weights.
	Graph []byte `json:"graph"`
	// Weights are the shapes of the large weights, by name; behind "trunk." they are among the model's.
	Weights map[string][]int `json:"weights"`
	// Input is the image's name. Batch, Height and Width are its sizes, 0 where any will do.
	Input  string `json:"input"`
	Batch  int    `json:"batch,omitempty"`
	Height int    `json:"height,omitempty"`
	Width  int    `json:"width,omitempty"`
	// ChannelsFirst is whether it is [batch, 3, height, width], not [batch, height, width, 3].
	ChannelsFirst bool `json:"channels_first"`
	// Mean and Deviation normalise the pixels: (value/255 - Mean) / Deviation.
	Mean      [3]float32 `json:"mean"`
	Deviation [3]float32 `json:"deviation"`
	// Layer is the name of the output that is the features, and Layout what it is.
	Layer  string     `json:"layer"`
	Layout ONNXLayout `json:"layout"`
	// Prefix is how many tokens stand before those of places, such as a class token.
	Prefix int `json:"prefix,omitempty"`
	// Stride and Channels are Backbone's.
	Stride   int `json:"stride"`
	Channels int `json:"channels"`
}

// ONNXLayout is the order of a layer's axes.
type ONNXLayout string

// The layouts that features may have.
const (
	ONNXChannelsFirst ONNXLayout = "nchw"
	ONNXChannelsLast  ONNXLayout = "nhwc"
	ONNXTokens        ONNXLayout = "tokens" // [batch, tokens, channels]
)

// String tells one from another, for those who tell options apart by how they are printed.
func (c *ONNXConfig) String() string {
	if c == nil {
		return "none"
	}
	return fmt.Sprintf("%s,%s,%s,%d,%v,%v,%dx%d", c.SHA256, c.Layer, c.Layout, c.Prefix, c.Mean, c.Deviation, c.Height, c.Width)
}

// ConfigForONNX is DefaultConfig with such a trunk. A network of fixed size reads crops of its size, and whole
// photos in sizes up to it.
func ConfigForONNX(o *ONNXConfig) (Config, error) {
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
