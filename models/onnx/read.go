package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gomlx/gomlx/backends"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Options say what a file does not.
type Options struct {
	// Layer is the name of an output of a node; "" takes the last one that has a place for each part of the image.
	Layer string
	// Mean and Deviation of the pixels, in shares of 255.
	Mean, Deviation [3]float32
	// Height and Width in pixels of what the network reads, where the file says neither and not all sizes
	// will do; 0 takes what the file says.
	Height, Width int
}

// Check says what cannot be.
func (o Options) Check() error {
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

// Read reads an ONNX file: the network, and its large weights by name, in the file's layout and in float32. beside gives the
// content of a file beside it, in which its weights may be, by a name that leads to no folder above it, or fs.ErrNotExist; with
// nil a file that has weights elsewhere is refused. backend computes shapes, not the network. An error says what is wrong with
// the file, or what of it cannot be built.
func Read(backend backends.Backend, data []byte, beside func(file string) ([]byte, error), options Options) (*Network, map[string]Tensor, error) {
	if beside != nil {
		var err error
		if data, err = inline(data, beside); err != nil {
			return nil, nil, err
		}
	}
	return readWhole(backend, data, options)
}

// readWhole is Read of a file with its weights inside.
func readWhole(backend backends.Backend, data []byte, options Options) (n *Network, weights map[string]Tensor, err error) {
	defer func() {
		if r := recover(); r != nil { // graphs are built with panics, and files may say anything
			n, weights, err = nil, nil, fmt.Errorf("onnx: the network cannot be read: %v", r)
		}
	}()
	if err := options.Check(); err != nil {
		return nil, nil, err
	}
	g, err := readGraph(data)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(data)
	n = &Network{SHA256: hex.EncodeToString(sum[:]), Mean: options.Mean, Deviation: options.Deviation, Weights: map[string][]int{}}
	if err := n.readInput(g, options); err != nil {
		return nil, nil, err
	}
	wanted := g.outputs()
	if options.Layer != "" {
		if n.Layer, err = g.layer(options.Layer); err != nil {
			return nil, nil, err
		}
		wanted = []string{n.Layer}
	}
	if err := g.only(wanted...); err != nil {
		return nil, nil, err
	}
	if err := g.rewrite(); err != nil {
		return nil, nil, err
	}
	if weights, err = n.takeWeights(g); err != nil {
		return nil, nil, err
	}
	if err := n.findLayer(backend, g); err != nil {
		return nil, nil, err
	}
	if err := g.only(n.Layer); err != nil {
		return nil, nil, err
	}
	read := g.read()
	for name := range weights { // those of later layers go
		if !read[name] {
			delete(weights, name)
			delete(n.Weights, name)
		}
	}
	n.Graph, err = n.encode(g, n.Layer)
	return n, weights, err
}

// readInput learns what the network reads.
func (n *Network) readInput(g *graph, options Options) error {
	name, shape, err := g.input()
	if err != nil {
		return err
	}
	n.Input = name
	size := func(axis int) int { return max(shape[axis], 0) }
	switch {
	case len(shape) == 4 && shape[1] == 3:
		n.ChannelsFirst, n.Batch, n.Height, n.Width = true, size(0), size(2), size(3)
	case len(shape) == 4 && shape[3] == 3:
		n.Batch, n.Height, n.Width = size(0), size(1), size(2)
	default:
		return fmt.Errorf("onnx: the input %q has shape %v (-1 is any), but a photo's is [batch, 3, height, width] or [batch, height, width, 3]", name, shape)
	}
	if options.Height > 0 {
		if n.Height > 0 && n.Height != options.Height || n.Width > 0 && n.Width != options.Width {
			return fmt.Errorf("onnx: the network reads %d x %d, not %d x %d", n.Height, n.Width, options.Height, options.Width)
		}
		n.Height, n.Width = options.Height, options.Width
	}
	if (n.Height == 0) != (n.Width == 0) {
		return fmt.Errorf("onnx: the network's input has one fixed side: say what it reads by a size")
	}
	return nil
}

// largeWeights is from how many numbers on a tensor is among the weights, where it may be kept in half precision and be
// trained. Smaller ones, such as the epsilon of a normalisation, stay in the graph.
const largeWeights = 16

// takeWeights takes the large tensors out of the graph, and makes constants of the others.
func (n *Network) takeWeights(g *graph) (map[string]Tensor, error) {
	weights := map[string]Tensor{}
	take := func(name string, t protoreflect.Message) (bool, error) {
		w, err := floats(t)
		if err != nil || len(w.Data) < largeWeights {
			return false, err
		}
		weights[name], n.Weights[name] = w, w.Shape
		return true, nil
	}
	var nodes []node
	for _, name := range slices.Sorted(maps.Keys(g.tensors)) {
		taken, err := take(name, g.tensors[name])
		if err != nil {
			return nil, err
		}
		if !taken {
			nodes = append(nodes, node{op: "Constant", outputs: []string{name}, attributes: map[string]any{"value": g.tensors[name]}})
		}
	}
	for _, operation := range g.nodes {
		if t, ok := operation.attributes["value"].(protoreflect.Message); ok && operation.op == "Constant" {
			taken, err := take(operation.outputs[0], t)
			if err != nil {
				return nil, err
			}
			if taken {
				continue
			}
		}
		nodes = append(nodes, operation)
	}
	g.nodes, g.tensors = nodes, map[string]protoreflect.Message{}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if err := weights[name].checkFinite(); err != nil {
			return nil, fmt.Errorf("onnx: %q %w", name, err)
		}
	}
	return weights, nil
}

// encode writes the graph with the given outputs.
func (n *Network) encode(g *graph, outputs ...string) ([]byte, error) {
	inputs, read := map[string][]int{n.Input: {-1, -1, -1, -1}}, g.read()
	for name, shape := range n.Weights {
		if read[name] {
			inputs[name] = shape
		}
	}
	return g.encode(inputs, outputs...)
}
