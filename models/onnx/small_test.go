package onnx

import (
	"hash/crc32"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
)

// oneBackend is shared: a tensor belongs to one backend.
var oneBackend = sync.OnceValues(func() (backends.Backend, error) { return compute.New("") })

func testBackend(t testing.TB) backends.Backend {
	backend, err := oneBackend()
	require.NoError(t, err)
	return backend
}

// plain takes pixels as they are.
var plain = Options{Deviation: [3]float32{1, 1, 1}}

// madeUp are numbers in [-0.5, 0.5) that any language makes alike: a hash of the name and the index.
func madeUp(name string, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		h := uint32(i)*2654435761 + crc32.ChecksumIEEE([]byte(name))
		h ^= h >> 15
		h *= 2246822519
		h ^= h >> 13
		values[i] = float64(h)/(1<<32) - 0.5
	}
	return values
}

// madeUpPicture is the goldens' picture.
func madeUpPicture(batch, height, width int) *tensors.Tensor {
	pixels := make([]float32, batch*height*width*3)
	for i, v := range madeUp("input", len(pixels)) {
		pixels[i] = 4 * float32(v)
	}
	return tensors.FromFlatDataAndDimensions(pixels, batch, height, width, 3)
}

// featuresOf are those that a network has of photos.
func featuresOf(t testing.TB, n *Network, weights map[string]Tensor, photos *tensors.Tensor) *tensors.Tensor {
	t.Helper()
	return MustNewExec(testBackend(t), func(x *Node) *Node {
		return n.Build(x, func(name string, shape []int, _ bool) *Node {
			return ConstTensor(x.Graph(), tensors.FromFlatDataAndDimensions(weights[name].Data, shape...))
		})
	}).MustExec1(photos)
}

// small is the file of a network that reads "x" of a shape, -1 for any size; it gives what its last node gives.
func small(t testing.TB, shape []int, build func(g *graph) []node) []byte {
	t.Helper()
	file, _ := readGolden(t, "convnext")
	g, err := readGraph(file)
	require.NoError(t, err)
	clear(g.tensors)
	g.nodes = build(g)
	data, err := g.encode(map[string][]int{"x": shape}, "y")
	require.NoError(t, err)
	return data
}

// madeUpTensor adds a tensor of numbers between 0.5 and 1.5 to a graph and returns its name.
func madeUpTensor(g *graph, name string, dims ...int) string {
	w := newTensor(dims)
	for i, v := range madeUp(name, len(w.Data)) {
		w.Data[i] = 1 + float32(v)
	}
	g.tensors[name] = g.newTensorMessage(w.Data, dims...)
	setText(g.tensors[name], "name", name)
	return name
}

// conv is a convolution of x with a square kernel from 3 channels or 16 to 16.
func conv(g *graph, x, y string, in, kernel, stride, pad int) node {
	s, p := int64(stride), int64(pad)
	return node{
		op: "Conv", inputs: []string{x, madeUpTensor(g, y+".kernel", 16, in, kernel, kernel)}, outputs: []string{y},
		attributes: map[string]any{"strides": []int64{s, s}, "pads": []int64{p, p, p, p}},
	}
}

func maxPool(x, y string) node {
	return node{op: "MaxPool", inputs: []string{x}, outputs: []string{y}, attributes: map[string]any{"kernel_shape": []int64{3, 3}, "strides": []int64{2, 2}}}
}
