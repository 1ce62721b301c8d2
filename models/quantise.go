package models

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// Calibration turns the convolutions of a network into int8: it watches what they read on a sample of
// photos, and chooses ranges by that (post-training static quantisation).
type Calibration struct {
	net     Net
	weights Weights               // of net, as far as they were asked for or given
	layers  map[string]*layer     // by name
	inputs  map[string]string     // of layers and residuals: the activation that they read
	watched map[string]*histogram // of activations, by the name of the first that reads them
	pixels  map[string]eightBits  // of activations that are the network's own input, where it is known how that was bytes
}

// layer is a convolution that can be quantised.
type layer struct {
	norm    string
	epsilon float64
}

// newCalibration begins with a frozen network in float32.
func newCalibration(net *Net) *Calibration {
	c := &Calibration{
		net: *net, weights: Weights{}, layers: map[string]*layer{}, inputs: map[string]string{},
		watched: map[string]*histogram{}, pixels: map[string]eightBits{},
	}
	c.weights.Merge("", net.weights)
	return c
}

// observed collects the layers of a graph while it is built.
type observed struct {
	calibration *Calibration
	made        Weights // those that were random
	first       map[*Node]string
	names       []string // of the activations, in the order of nodes
	nodes       []*Node
}

// observe notes that a part of the network reads x.
func (n *Net) observe(name string, x *Node) {
	o := n.observed
	if o == nil {
		return
	}
	full := n.prefix + name
	first, known := o.first[x]
	if !known {
		first = full
		o.first[x] = first
		o.names, o.nodes = append(o.names, full), append(o.nodes, x)
	}
	o.calibration.inputs[full] = first
}

// observeLayer is observe for a convolution.
func (n *Net) observeLayer(name, norm string, x *Node) {
	if n.observed != nil {
		n.observe(name, x)
		n.observed.calibration.layers[n.prefix+name] = &layer{norm: n.prefix + norm, epsilon: n.normEpsilon()}
	}
}

// Watch returns what runs a network in float32 on a batch and watches it. build is given a Net and the
// batch; several networks may share layers.
func (c *Calibration) Watch(backend backends.Backend, build func(net *Net, x *Node)) (func(x *tensors.Tensor) error, error) {
	return c.watch(backend, nil, build)
}

// watch is Watch of a network whose input was made of bytes, if it is known how.
func (c *Calibration) watch(backend backends.Backend, pixels *eightBits, build func(net *Net, x *Node)) (func(x *tensors.Tensor) error, error) {
	var names []string
	exec, err := NewExec(backend, func(x *Node) []*Node {
		o := &observed{calibration: c, made: Weights{}, first: map[*Node]string{}}
		net := c.net
		net.observed = o
		build(&net, x)
		if len(o.nodes) == 0 {
			panic(fmt.Errorf("the network has no convolution with batch normalisation to quantise"))
		}
		c.weights.Merge("", o.made)
		names = o.names
		if name, read := o.first[x]; read && pixels != nil {
			c.pixels[name] = *pixels
		}
		return o.nodes
	})
	if err != nil {
		return nil, err
	}
	return func(x *tensors.Tensor) error {
		outputs, err := exec.Exec(x)
		if err != nil {
			return err
		}
		for i, out := range outputs {
			h := c.watched[names[i]]
			if h == nil {
				h = &histogram{}
				c.watched[names[i]] = h
			}
			var wrong error
			if err := tensors.ConstFlatData(out, func(values []float32) { wrong = h.add(values, out.Shape().Dimensions[out.Rank()-1]) }); err != nil {
				return err
			}
			if wrong != nil {
				return fmt.Errorf("what %q reads: %w", names[i], wrong)
			}
			if err := out.FinalizeAll(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// QuantiseOptions say how.
type QuantiseOptions struct {
	Clipping Clipping
	// Float are the layers that stay float32, such as "trunk.stem.conv".
	Float []string
	// FloatResiduals leaves shortcuts as they are, instead of rounding those that no layer reads.
	FloatResiduals bool
}

// Layers are the names of the convolutions that were watched.
func (c *Calibration) Layers() []string { return slices.Sorted(maps.Keys(c.layers)) }

// Weights returns the network with its convolutions in int8.
func (c *Calibration) Weights(o QuantiseOptions) (Weights, error) {
	stay := map[string]bool{}
	for _, name := range o.Float {
		if c.layers[name] == nil {
			return nil, fmt.Errorf("there is no layer %q that could stay float32; there are %v", name, c.Layers())
		}
		stay[name] = true
	}
	quantised := Weights{}
	quantised.Merge("", c.weights)
	read := map[string]bool{} // the activations that are eight bits anyway
	for name, l := range c.layers {
		if stay[name] {
			continue
		}
		read[c.inputs[name]] = true
		input := c.inputs[name]
		quantised.Merge(name+".", quantiseLayer(c.weights, name, l, c.eightBits(input, o), c.watched[input].means()))
		for _, part := range []string{"weight", "bias", "running_mean", "running_var"} {
			delete(quantised, l.norm+"."+part)
		}
	}
	for name, input := range c.inputs {
		if c.layers[name] == nil && (read[input] || !o.FloatResiduals) {
			quantised[name+".input"] = c.eightBits(input, o).tensor()
		}
	}
	return quantised, nil
}

// eightBits of an activation.
func (c *Calibration) eightBits(name string, o QuantiseOptions) eightBits {
	if exact, ok := c.pixels[name]; ok {
		return exact
	}
	return c.watched[name].eightBits(o.Clipping)
}

// quantiseLayer folds batch normalisation into a convolution and rounds its weights, each output channel by
// its own scale. What that does to the mean of a channel, given the means of the inputs, the bias takes
// back (https://arxiv.org/abs/1906.04721, section 4.2).
func quantiseLayer(weights Weights, name string, l *layer, input eightBits, means []float64) Weights {
	shape := weights[name+".weight"].Shape
	out, area := shape[0], shape[2]*shape[3]
	size := shape[1] * area
	folded, bias := (&Net{weights: weights, epsilon: l.epsilon}).folded(name, l.norm, out, shape[1], window{height: shape[2], width: shape[3]})
	w := fromGraph(folded)
	t := &Tensor{Shape: shape, Int8: make([]int8, len(w.Data))}
	scales := NewTensor(out)
	for channel := range out {
		row, rounded := w.Data[channel*size:(channel+1)*size], t.Int8[channel*size:(channel+1)*size]
		scale := channelScale(row)
		scales.Data[channel] = scale
		var correction float64
		for i, v := range row {
			q := max(-127, min(math.RoundToEven(float64(v)/float64(scale)), 127))
			rounded[i] = int8(q)
			correction += (float64(v)-q*float64(scale))*means[i/area] - q*float64(scale)*float64(input.shift)
		}
		bias[channel] += float32(correction)
	}
	return Weights{"weight": t, "weight_scale": scales, "bias": &Tensor{Shape: []int{out}, Data: bias}, "input": input.tensor()}
}

// channelScale maps the largest weight to 127.
func channelScale(row []float32) float32 {
	var largest float32
	for _, v := range row {
		largest = max(largest, v, -v)
	}
	if largest == 0 {
		return 1
	}
	return largest / 127
}

// Quantise returns the net of a backbone in int8, calibrated on x [n, height, width, 3] alone, with the least
// squared error. It takes one image after the other, since what all layers read is in memory at once.
func (b Backbone) Quantise(backend backends.Backend, net *Net, x *tensors.Tensor) (*Net, error) {
	c := newCalibration(net)
	watch, err := c.Watch(backend, func(net *Net, x *Node) { b.Features(net, x) })
	if err != nil {
		return nil, err
	}
	pixels, err := tensors.CopyFlatData[float32](x)
	if err != nil {
		return nil, err
	}
	dims := x.Shape().Dimensions
	each := len(pixels) / max(dims[0], 1)
	for i := range dims[0] {
		image := tensors.FromFlatDataAndDimensions(pixels[i*each:(i+1)*each], 1, dims[1], dims[2], dims[3])
		if err := watch(image); err != nil {
			return nil, err
		}
	}
	weights, err := c.Weights(QuantiseOptions{Clipping: ClipMSE})
	if err != nil {
		return nil, err
	}
	return NewFrozenNet(weights), nil
}
