package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gomlx/gomlx/backends"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kleid-search/kleid/storage"
)

// ONNXOptions say what a file does not.
type ONNXOptions struct {
	// Layer is the name of an output of a node; "" takes the last one that has a place for each part of the image.
	Layer string
	// Mean and Deviation of the pixels, in shares of 255.
	Mean, Deviation [3]float32
	// Height and Width in pixels of what the network reads, where the file says neither and not all sizes
	// will do; 0 takes what the file says.
	Height, Width int
}

// DefaultONNXOptions normalise pixels as most networks that were trained on ImageNet want them.
func DefaultONNXOptions() ONNXOptions {
	return ONNXOptions{Mean: imageNetMean, Deviation: imageNetDeviation}
}

// Check says what cannot be.
func (o ONNXOptions) Check() error {
	for i := range 3 {
		if !(o.Deviation[i] > 0) || math.IsInf(float64(o.Deviation[i]), 0) || math.IsNaN(float64(o.Mean[i])) || math.IsInf(float64(o.Mean[i]), 0) {
			return fmt.Errorf("onnx: pixels are normalised by mean %v and deviation %v, but need three numbers each, and deviations above zero", o.Mean, o.Deviation)
		}
	}
	for i := range 3 {
		if o.Mean[i] > 1 || o.Deviation[i] > 1 {
			return fmt.Errorf("onnx: mean %v and deviation %v are not of pixels in 0..1: divide those of 0..255 by 255", o.Mean, o.Deviation)
		}
	}
	if o.Height < 0 || o.Width < 0 || (o.Height == 0) != (o.Width == 0) {
		return fmt.Errorf("onnx: the size is %d x %d, but needs a height and a width", o.Height, o.Width)
	}
	return nil
}

// importONNX reads an ONNX file as a trunk: its part of the configuration, and the weights of the bare trunk. The
// backend computes shapes, not the network.
func importONNX(backend backends.Backend, data []byte, options ONNXOptions) (c *ONNXConfig, weights Weights, err error) {
	defer func() {
		if r := recover(); r != nil { // graphs are built with panics, and files may say anything
			c, weights, err = nil, nil, fmt.Errorf("onnx: the network cannot be read: %v", r)
		}
	}()
	if err := options.Check(); err != nil {
		return nil, nil, err
	}
	g, err := readONNX(data)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(data)
	c = &ONNXConfig{SHA256: hex.EncodeToString(sum[:]), Mean: options.Mean, Deviation: options.Deviation, Weights: map[string][]int{}}
	if err := c.readInput(g, options); err != nil {
		return nil, nil, err
	}
	wanted := g.outputs()
	if options.Layer != "" {
		if c.Layer, err = g.layer(options.Layer); err != nil {
			return nil, nil, err
		}
		wanted = []string{c.Layer}
	}
	if err := g.only(wanted...); err != nil {
		return nil, nil, err
	}
	if err := g.rewrite(); err != nil {
		return nil, nil, err
	}
	if weights, err = c.takeWeights(g); err != nil {
		return nil, nil, err
	}
	if err := c.findLayer(backend, g); err != nil {
		return nil, nil, err
	}
	if err := g.only(c.Layer); err != nil {
		return nil, nil, err
	}
	read := g.read()
	for name := range weights { // those of later layers go
		if !read[name] {
			delete(weights, name)
			delete(c.Weights, name)
		}
	}
	c.Graph, err = c.encode(g, c.Layer)
	return c, weights, err
}

// LoadONNX is importONNX of a file at a path, `https://` or `s3://` URL, with weights that lie in files beside it.
func LoadONNX(ctx context.Context, backend backends.Backend, url string, options ONNXOptions) (*ONNXConfig, Weights, error) {
	data, err := storage.Fetch(ctx, url, fetching)
	if err != nil {
		return nil, nil, fmt.Errorf("network %s: %w", storage.WithoutSecrets(url), err)
	}
	rest := fetching // the network and what lies beside it have no more together
	less := func(read []byte) { rest.Limit = max(rest.Limit-int64(len(read)), 1) }
	less(data)
	data, err = inlineONNX(data, func(file string) ([]byte, error) {
		content, err := storage.Fetch(ctx, beside(url, file), rest)
		less(content)
		return content, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("network %s: %w", storage.WithoutSecrets(url), err)
	}
	c, weights, err := importONNX(backend, data, options)
	if err != nil {
		return nil, nil, fmt.Errorf("network %s: %w", storage.WithoutSecrets(url), err)
	}
	return c, weights, nil
}

// readInput learns what the network reads.
func (c *ONNXConfig) readInput(g *onnxGraph, options ONNXOptions) error {
	name, shape, err := g.input()
	if err != nil {
		return err
	}
	c.Input = name
	size := func(axis int) int { return max(shape[axis], 0) }
	switch {
	case len(shape) == 4 && shape[1] == 3:
		c.ChannelsFirst, c.Batch, c.Height, c.Width = true, size(0), size(2), size(3)
	case len(shape) == 4 && shape[3] == 3:
		c.Batch, c.Height, c.Width = size(0), size(1), size(2)
	default:
		return fmt.Errorf("onnx: the input %q has shape %v (-1 is any), but a photo's is [batch, 3, height, width] or [batch, height, width, 3]", name, shape)
	}
	if options.Height > 0 {
		if c.Height > 0 && c.Height != options.Height || c.Width > 0 && c.Width != options.Width {
			return fmt.Errorf("onnx: the network reads %d x %d, not %d x %d", c.Height, c.Width, options.Height, options.Width)
		}
		c.Height, c.Width = options.Height, options.Width
	}
	if (c.Height == 0) != (c.Width == 0) {
		return fmt.Errorf("onnx: the network's input has one fixed side: say what it reads by a size")
	}
	return nil
}

// largeWeights is from how many numbers on a tensor is among the model's weights, where it may be kept in half
// precision and be trained. Smaller ones, such as the epsilon of a normalisation, stay in the graph.
const largeWeights = 16

// takeWeights takes the large tensors out of the graph, and makes constants of the others.
func (c *ONNXConfig) takeWeights(g *onnxGraph) (Weights, error) {
	weights := Weights{}
	take := func(name string, t protoreflect.Message) (bool, error) {
		w, err := floats(t)
		if err != nil || w == nil || len(w.Data) < largeWeights {
			return false, err
		}
		weights[name], c.Weights[name] = w, w.Shape
		return true, nil
	}
	var nodes []onnxNode
	for _, name := range slices.Sorted(maps.Keys(g.tensors)) {
		taken, err := take(name, g.tensors[name])
		if err != nil {
			return nil, err
		}
		if !taken {
			nodes = append(nodes, onnxNode{op: "Constant", outputs: []string{name}, attributes: map[string]any{"value": g.tensors[name]}})
		}
	}
	for _, n := range g.nodes {
		if t, ok := n.attributes["value"].(protoreflect.Message); ok && n.op == "Constant" {
			taken, err := take(n.outputs[0], t)
			if err != nil {
				return nil, err
			}
			if taken {
				continue
			}
		}
		nodes = append(nodes, n)
	}
	g.nodes, g.tensors = nodes, map[string]protoreflect.Message{}
	if err := weights.CheckFinite(); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	return weights, nil
}

// encode writes the graph with the given outputs.
func (c *ONNXConfig) encode(g *onnxGraph, outputs ...string) ([]byte, error) {
	inputs, read := map[string][]int{c.Input: {-1, -1, -1, -1}}, g.read()
	for name, shape := range c.Weights {
		if read[name] {
			inputs[name] = shape
		}
	}
	return g.encode(inputs, outputs...)
}
