// Package onnx reads image networks from files in the ONNX format (https://github.com/onnx/onnx/blob/main/docs/IR.md), as
// far as a layer whose output has a place for each part of the image, and builds them in GoMLX's graphs. onnx-gomlx turns
// the format's operations into GoMLX's; what it lacks or misreads is rewritten before it sees it. Files may be of anybody:
// what they claim is checked.
package onnx

import "fmt"

// Network is what Read makes of a file, without its large weights. As JSON it is part of a model's configuration.
type Network struct {
	// SHA256 of the file that it came from, with its weights inside, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Graph is an ONNX file of the operations as far as Layer. Its inputs are Input and the large weights.
	Graph []byte `json:"graph"`
	// Weights are the shapes of the large weights, by name.
	Weights map[string][]int `json:"weights"`
	// Input is the image's name. Batch, Height and Width are its sizes, 0 where any will do.
	Input  string `json:"input"`
	Batch  int    `json:"batch,omitempty"`
	Height int    `json:"height,omitempty"`
	Width  int    `json:"width,omitempty"`
	// ChannelsFirst is whether it is [batch, 3, height, width], not [batch, height, width, 3].
	ChannelsFirst bool `json:"channels_first"`
	// Mean and Deviation normalise the pixels: (value/255 - Mean) / Deviation, which is done before Build.
	Mean      [3]float32 `json:"mean"`
	Deviation [3]float32 `json:"deviation"`
	// Layer is the name of the output that is the features, and Layout what it is.
	Layer  string `json:"layer"`
	Layout Layout `json:"layout"`
	// Prefix is how many tokens stand before those of places, such as a class token.
	Prefix int `json:"prefix,omitempty"`
	// Stride is how many pixels of the image one place of the features covers, and Channels how many numbers it has.
	Stride   int `json:"stride"`
	Channels int `json:"channels"`
}

// Layout is the order of a layer's axes.
type Layout string

// The layouts that features may have.
const (
	ChannelsFirst Layout = "nchw"   // [batch, channels, rows, columns]
	ChannelsLast  Layout = "nhwc"   // [batch, rows, columns, channels]
	Tokens        Layout = "tokens" // [batch, tokens, channels]
)

// String tells one from another, for those who tell options apart by how they are printed.
func (n *Network) String() string {
	if n == nil {
		return "none"
	}
	return fmt.Sprintf("%s,%s,%s,%d,%v,%v,%dx%d", n.SHA256, n.Layer, n.Layout, n.Prefix, n.Mean, n.Deviation, n.Height, n.Width)
}
