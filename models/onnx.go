package models

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/exceptions"
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kleid-search/kleid/storage"
)

// A trunk from elsewhere: any image network in the ONNX format, as far as a layer whose output has a place for
// each part of the image. onnx-gomlx turns its operations into GoMLX's. The model's file holds all of it: the
// weights among the trunk's, everything else in the configuration.

// onnxBackbone is the Config.Backbone of such models.
const onnxBackbone = "onnx"

// ONNXConfig is the trunk's part of a model's configuration.
type ONNXConfig struct {
	// SHA256 of the file that it came from, in hexadecimal.
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
	if o.Height < 0 || o.Width < 0 || (o.Height == 0) != (o.Width == 0) {
		return fmt.Errorf("onnx: the size is %d x %d, but needs a height and a width", o.Height, o.Width)
	}
	return nil
}

// ImportONNX reads an ONNX file as a trunk: its part of the configuration, and the weights of the bare trunk. The
// backend computes shapes, not the network.
func ImportONNX(backend backends.Backend, data []byte, options ONNXOptions) (c *ONNXConfig, weights Weights, err error) {
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
	for name := range weights { // those of later layers go
		if !g.reads(name) {
			delete(weights, name)
			delete(c.Weights, name)
		}
	}
	c.Graph, err = c.encode(g, c.Layer)
	return c, weights, err
}

// LoadONNX is ImportONNX of a file at a path, `https://` or `s3://` URL.
func LoadONNX(ctx context.Context, backend backends.Backend, url string, options ONNXOptions) (*ONNXConfig, Weights, error) {
	data, err := storage.Fetch(ctx, url, fetching)
	if err != nil {
		return nil, nil, fmt.Errorf("network %s: %w", storage.WithoutSecrets(url), err)
	}
	c, weights, err := ImportONNX(backend, data, options)
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
	inputs := map[string][]int{c.Input: {-1, -1, -1, -1}}
	for name, shape := range c.Weights {
		if g.reads(name) {
			inputs[name] = shape
		}
	}
	return g.encode(inputs, outputs...)
}

// onnxFeatures is a way to take a layer's output for features, see ONNXConfig.
type onnxFeatures struct {
	layout                   ONNXLayout
	prefix, stride, channels int
}

// findLayer finds out what the layer gives, or the last one that can serve where none is named, and whether the
// network takes any number of photos of any size.
func (c *ONNXConfig) findLayer(backend backends.Backend, g *onnxGraph) error {
	names := []string{c.Layer}
	if c.Layer == "" {
		names = g.computed()
	}
	data, err := c.encode(g, names...)
	if err != nil {
		return err
	}
	tries := [][][2]int{{{c.Height, c.Width}}}
	if c.Height == 0 {
		// One size does not tell a network's stride from its margins. One that says it takes any size may not.
		tries = [][][2]int{{{256, 192}, {448, 320}}, {{224, 224}}}
	}
	batches := []int{2, 1}
	if c.Batch > 0 {
		batches = []int{c.Batch}
	}
	var failed error
	for _, sizes := range tries {
		for _, batch := range batches {
			found, err := c.shapes(backend, data, batch, sizes, names)
			if err != nil {
				failed = cmp.Or(failed, err)
				continue
			}
			if c.Batch == 0 && batch == 1 {
				c.Batch = 1
			}
			if len(sizes) == 1 {
				c.Height, c.Width = sizes[0][0], sizes[0][1]
			}
			return c.chooseLayer(names, batch, sizes, found)
		}
	}
	return fmt.Errorf("onnx: the network cannot be built for photos of %d x %d: %w", tries[0][0][0], tries[0][0][1], failed)
}

// chooseLayer takes the last layer that gives features for photos of all sizes. found is what the layers give, by sizes.
func (c *ONNXConfig) chooseLayer(names []string, batch int, sizes [][2]int, found [][]shapes.Shape) error {
	for j, name := range slices.Backward(names) {
		ways := c.layouts(found[0][j], batch, sizes[0])
		for i, size := range sizes[1:] {
			others := c.layouts(found[i+1][j], batch, size)
			ways = slices.DeleteFunc(ways, func(f onnxFeatures) bool { return !slices.Contains(others, f) })
		}
		if len(ways) > 0 {
			f := ways[0]
			c.Layer, c.Layout, c.Prefix, c.Stride, c.Channels = name, f.layout, f.prefix, f.stride, f.channels
			return nil
		}
	}
	var gives []string
	for i, size := range sizes {
		text := fmt.Sprintf("photos of %d x %d", size[0], size[1])
		if c.Layer != "" {
			text = fmt.Sprintf("%v for %s", found[i][0].Dimensions, text)
		}
		gives = append(gives, text)
	}
	const advice = "in even steps of whole pixels: name another layer by --onnx-layer or, where the file leaves it open, a size that the steps divide by --onnx-size"
	if c.Layer == "" {
		return fmt.Errorf("onnx: no layer has a place for each part of %s, %s", strings.Join(gives, " and "), advice)
	}
	return fmt.Errorf("onnx: layer %q gives %s, but features have a place for each part of a photo, [batch, channels, rows, columns], [batch, rows, columns, channels] or [batch, tokens, channels], %s", c.Layer, strings.Join(gives, " and "), advice)
}

// shapes of outputs for photos of each size.
func (c *ONNXConfig) shapes(backend backends.Backend, data []byte, batch int, sizes [][2]int, names []string) (found [][]shapes.Shape, err error) {
	for _, size := range sizes {
		model, err := parseONNX(data)
		if err != nil {
			return nil, err
		}
		var of []shapes.Shape
		err = exceptions.TryCatch[error](func() {
			g := NewGraph(backend, "onnx")
			defer g.Finalize()
			inputs := map[string]*Node{c.Input: c.arranged(Parameter(g, "pixels", shapes.Make(dtypes.Float32, batch, size[0], size[1], 3)))}
			for name, shape := range c.Weights {
				if slices.Contains(model.InputsNames, name) {
					inputs[name] = Parameter(g, "weight "+name, shapes.Make(dtypes.Float32, shape...))
				}
			}
			for _, node := range model.CallGraph(nil, g, inputs, names...) {
				of = append(of, node.Shape())
			}
		})
		if err != nil {
			return nil, err
		}
		found = append(found, of)
	}
	return found, nil
}

// layouts lists the ways to take a layer's output for features of photos of a size, the likeliest first.
func (c *ONNXConfig) layouts(shape shapes.Shape, batch int, size [2]int) (ways []onnxFeatures) {
	d := shape.Dimensions
	if shape.DType != dtypes.Float32 || len(d) < 3 || len(d) > 4 || d[0] != batch || slices.Contains(d, 0) {
		return nil
	}
	if len(d) == 4 {
		first, last := strideOf(size, d[2], d[3]), strideOf(size, d[1], d[2])
		if first > 0 {
			ways = append(ways, onnxFeatures{ONNXChannelsFirst, 0, first, d[1]})
		}
		if last > 0 {
			ways = append(ways, onnxFeatures{ONNXChannelsLast, 0, last, d[3]})
		}
		if !c.ChannelsFirst {
			slices.Reverse(ways)
		}
		return ways
	}
	const (
		mostPrefix = 8    // a class token, a distillation token, registers
		mostStride = 1024 // a file may say that it reads photos of any size
	)
	for prefix := range mostPrefix + 1 {
		for stride := 2; stride <= min(size[0], size[1], mostStride); stride++ {
			if size[0]%stride == 0 && size[1]%stride == 0 && size[0]/stride*(size[1]/stride)+prefix == d[1] && d[1] > prefix+1 {
				ways = append(ways, onnxFeatures{ONNXTokens, prefix, stride, d[2]})
			}
		}
	}
	return ways
}

// strideOf is how many pixels a cell covers where there are so many, 0 where they do not lie evenly.
func strideOf(size [2]int, rows, columns int) int {
	if rows < 1 || rows*columns == 1 {
		return 0
	}
	if stride := size[0] / rows; stride > 1 && stride*rows == size[0] && stride*columns == size[1] {
		return stride
	}
	return 0
}

// arranged brings photos [batch, height, width, 3] into the order that the network reads.
func (c *ONNXConfig) arranged(x *Node) *Node {
	if c.ChannelsFirst {
		return TransposeAllAxes(x, 0, 3, 1, 2)
	}
	return x
}

// backbone is the trunk. Photos smaller than a network of fixed size reads get zeros to the right and below, and
// cells of those are cut off, so that the locator's sizes are there for it too; larger ones are refused.
func (c *ONNXConfig) backbone() Backbone {
	return Backbone{
		Name: onnxBackbone, Mean: c.Mean, Deviation: c.Deviation, Stride: c.Stride, Channels: c.Channels, Stages: 1,
		Build: func(net *Net, x *Node) *Node {
			dims := x.Shape().Dimensions
			photos := ConvertDType(x, dtypes.Float32)
			x = c.padded(photos)
			padded, parts := x != photos, []*Node{x}
			if c.Batch > 0 && dims[0] != c.Batch {
				if dims[0]%c.Batch != 0 {
					panic(fmt.Errorf("onnx: the network reads %d photos at once, not %d", c.Batch, dims[0]))
				}
				parts = nil
				for at := 0; at < dims[0]; at += c.Batch {
					parts = append(parts, Slice(x, AxisRange(at, at+c.Batch)))
				}
			}
			for i, part := range parts {
				parts[i] = c.call(net, part)
			}
			x = Concatenate(parts, 0)
			rows, columns := (dims[1]+c.Stride-1)/c.Stride, (dims[2]+c.Stride-1)/c.Stride
			if padded {
				x = Slice(x, AxisRange(), AxisRange(0, rows), AxisRange(0, columns))
			}
			x.AssertDims(dims[0], rows, columns, c.Channels)
			return net.Stage(1, x)
		},
	}
}

// padded brings photos to the size that the network reads.
func (c *ONNXConfig) padded(x *Node) *Node {
	dims := x.Shape().Dimensions
	if c.Height == 0 || dims[1] == c.Height && dims[2] == c.Width {
		return x
	}
	if dims[1] > c.Height || dims[2] > c.Width {
		panic(fmt.Errorf("onnx: the network reads photos of %d x %d, not of %d x %d", c.Height, c.Width, dims[1], dims[2]))
	}
	return Pad(x, ScalarZero(x.Graph(), x.DType()), PadAxis{}, PadAxis{End: c.Height - dims[1]}, PadAxis{End: c.Width - dims[2]}, PadAxis{})
}

// call builds the network on photos [batch, height, width, 3]; it returns features [batch, rows, columns,
// channels].
func (c *ONNXConfig) call(net *Net, x *Node) *Node {
	// A parsed model keeps tables while it is called, so each graph has its own; it is small without weights.
	model, err := parseONNX(c.Graph)
	if err != nil {
		panic(err)
	}
	g := x.Graph()
	height, width := x.Shape().Dimensions[1], x.Shape().Dimensions[2]
	inputs, fixed := map[string]*Node{c.Input: c.arranged(x)}, runningStatistics(model)
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		inputs[name] = net.raw(g, name, fixed[name], c.Weights[name]...)
	}
	y := model.CallGraph(nil, g, inputs, c.Layer)[0]
	switch c.Layout {
	case ONNXChannelsFirst:
		y = TransposeAllAxes(y, 0, 2, 3, 1)
	case ONNXTokens:
		y = Slice(y, AxisRange(), AxisRange(c.Prefix), AxisRange())
		y = Reshape(y, y.Shape().Dimensions[0], height/c.Stride, width/c.Stride, c.Channels)
	}
	return y
}

// raw returns a weight in the layout that its shape tells, which is the file's, not a torch layer's. One that is fixed
// is not trained.
func (n *Net) raw(g *Graph, name string, fixed bool, shape ...int) *Node {
	init := heNormal(shape[len(shape)-1])
	if n.Frozen() {
		t := n.value(name, init, shape...)
		return ConstTensor(g, tensors.FromFlatDataAndDimensions(t.Data, t.Shape...))
	}
	v := n.variable(g, name, init, shape...)
	if fixed { // a checkpoint's variables do not know
		v.SetTrainable(false)
	}
	w := v.ValueGraph(g)
	switch len(shape) { // as toGraph left it
	case 2:
		w = Transpose(w, 0, 1)
	case 4:
		w = TransposeAllAxes(w, 3, 2, 0, 1)
	}
	return w
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
