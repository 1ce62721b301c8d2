package onnx

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/exceptions"
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
)

// features is a way to take a layer's output for features, see Network.
type features struct {
	layout                   Layout
	prefix, stride, channels int
}

// findLayer finds out what the layer gives, or the last one that can serve where none is named, and whether the
// network takes any number of photos of any size.
func (n *Network) findLayer(backend backends.Backend, g *graph) error {
	names := []string{n.Layer}
	if n.Layer == "" {
		names = g.computed()
	}
	data, err := n.encode(g, names...)
	if err != nil {
		return err
	}
	tries := [][][2]int{{{n.Height, n.Width}}}
	if n.Height == 0 {
		// One size does not tell a network's stride from its margins. One that says it takes any size may not.
		tries = [][][2]int{{{256, 192}, {448, 320}}, {{224, 224}}}
	}
	batches := []int{2, 1}
	if n.Batch > 0 {
		batches = []int{n.Batch}
	}
	var failed error
	for _, sizes := range tries {
		for _, batch := range batches {
			found, err := n.shapes(backend, data, batch, sizes, names)
			if err != nil {
				failed = cmp.Or(failed, err)
				continue
			}
			if n.Batch == 0 && batch == 1 {
				n.Batch = 1
			}
			if len(sizes) == 1 {
				n.Height, n.Width = sizes[0][0], sizes[0][1]
			}
			return n.chooseLayer(names, batch, sizes, found)
		}
	}
	return fmt.Errorf("onnx: the network cannot be built for photos of %d x %d: %w", tries[0][0][0], tries[0][0][1], failed)
}

// chooseLayer takes the last layer that gives features for photos of all sizes. found is what the layers give, by sizes.
func (n *Network) chooseLayer(names []string, batch int, sizes [][2]int, found [][]shapes.Shape) error {
	for j, name := range slices.Backward(names) {
		ways := n.layouts(found[0][j], batch, sizes[0])
		for i, size := range sizes[1:] {
			others := n.layouts(found[i+1][j], batch, size)
			ways = slices.DeleteFunc(ways, func(f features) bool { return !slices.Contains(others, f) })
		}
		if len(ways) > 0 {
			f := ways[0]
			n.Layer, n.Layout, n.Prefix, n.Stride, n.Channels = name, f.layout, f.prefix, f.stride, f.channels
			return nil
		}
	}
	var gives []string
	for i, size := range sizes {
		text := fmt.Sprintf("photos of %d x %d", size[0], size[1])
		if n.Layer != "" {
			text = fmt.Sprintf("%v for %s", found[i][0].Dimensions, text)
		}
		gives = append(gives, text)
	}
	const advice = "in even steps of whole pixels: name another layer by --onnx-layer or, where the file leaves it open, a size that the steps divide by --onnx-size"
	if n.Layer == "" {
		return fmt.Errorf("onnx: no layer has a place for each part of %s, %s", strings.Join(gives, " and "), advice)
	}
	return fmt.Errorf("onnx: layer %q gives %s, but features have a place for each part of a photo, [batch, channels, rows, columns], [batch, rows, columns, channels] or [batch, tokens, channels], %s", n.Layer, strings.Join(gives, " and "), advice)
}

// shapes of outputs for photos of each size.
func (n *Network) shapes(backend backends.Backend, data []byte, batch int, sizes [][2]int, names []string) (found [][]shapes.Shape, err error) {
	for _, size := range sizes {
		model, err := parse(data)
		if err != nil {
			return nil, err
		}
		var of []shapes.Shape
		err = exceptions.TryCatch[error](func() {
			g := NewGraph(backend, "onnx")
			defer g.Finalize()
			inputs := map[string]*Node{n.Input: n.arranged(Parameter(g, "pixels", shapes.Make(dtypes.Float32, batch, size[0], size[1], 3)))}
			for _, name := range model.InputsNames {
				if shape, ok := n.Weights[name]; ok {
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
func (n *Network) layouts(shape shapes.Shape, batch int, size [2]int) (ways []features) {
	d := shape.Dimensions
	if shape.DType != dtypes.Float32 || len(d) < 3 || len(d) > 4 || d[0] != batch || slices.Contains(d, 0) {
		return nil
	}
	if len(d) == 4 {
		first, last := strideOf(size, d[2], d[3]), strideOf(size, d[1], d[2])
		if first > 0 {
			ways = append(ways, features{ChannelsFirst, 0, first, d[1]})
		}
		if last > 0 {
			ways = append(ways, features{ChannelsLast, 0, last, d[3]})
		}
		if !n.ChannelsFirst {
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
				ways = append(ways, features{Tokens, prefix, stride, d[2]})
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
