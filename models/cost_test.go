package models

import (
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// flop counts the floating-point operations of a graph's convolutions and products, a multiply-add as
// two. What is left out (biases, ReLU) is below one per cent.
func flop(t *testing.T, build func(x *Node), dims ...int) float64 {
	t.Helper()
	g := NewGraph(testBackend(t), t.Name())
	defer g.Finalize()
	build(Parameter(g, "pixels", shapes.Make(dtypes.Float32, dims...)))
	sum, found := 0.0, 0
	for _, n := range g.Nodes() {
		out := float64(n.Shape().Size())
		switch n.Type() {
		case NodeTypeConvGeneral: // the filter is [height, width, in, out]
			filter := n.Inputs()[1].Shape()
			sum += 2 * out * float64(filter.Size()/filter.Dimensions[3])
			found++
		case NodeTypeDotGeneral, NodeTypeDot: // [batch, in] by [in, out]
			sum += 2 * out * float64(n.Inputs()[0].Shape().Dimensions[1])
			found++
		}
	}
	require.Positive(t, found)
	return sum
}

// untrained is a model of the shipped shape with made-up weights.
func untrained() *Model {
	config := DefaultConfig()
	for _, facet := range []catalog.Facet{{Name: "neckline", Labels: make([]string, 15)}, {Name: "rest", Labels: make([]string, 32)}} {
		config.Facets = append(config.Facets, FacetConfig{Facet: facet, Temperature: 1})
	}
	return &Model{Config: config}
}

// TestCost holds the budget of kleid-s: at most 1 GFLOP for one pass over a crop, and at most 3 GFLOP a
// photo with location over all scales.
func TestCost(t *testing.T) {
	config := untrained().Config
	backbone, err := BackboneByName(config.Backbone)
	require.NoError(t, err)
	net := NewRandomNet(1)
	crop := flop(t, func(x *Node) {
		cells := config.Cells(backbone.Build(net.In("trunk"), x))
		DeepRankHead(net, config.UnsupervisedHead(net, cells, config.CropTexture(x, nil)))
		for _, f := range config.Facets {
			FacetHead(net, f.Name, cells, len(f.Labels))
		}
	}, 1, config.CropHeight, config.CropWidth, 3)
	total := crop
	for _, size := range config.Scales {
		total += flop(t, func(x *Node) {
			features := backbone.Build(net.In("trunk"), x)
			BackgroundHead(net, features)
			LocationHead(net, features)
		}, 1, size[0], size[1], 3)
	}
	t.Logf("%.3f GFLOP a crop, %.3f GFLOP a photo", crop/1e9, total/1e9)
	require.Less(t, crop, 1e9)
	require.Less(t, total, 3e9)

	// The count itself, against torchvision's published 1.814 G multiply-adds of ResNet-18 with its
	// classifier of 512 x 1000.
	resnet, err := BackboneByName("resnet18")
	require.NoError(t, err)
	known := flop(t, func(x *Node) { resnet.Build(net, x) }, 1, 224, 224, 3)
	require.InEpsilon(t, 2*1.814e9, known+2*512*1000, 1e-3)
}
