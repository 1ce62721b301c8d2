package onnx

import (
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/stretchr/testify/require"
)

// TestStatisticsAreNotTrained: means and variances of batch normalisation are fixed.
func TestStatisticsAreNotTrained(t *testing.T) {
	file := small(t, []int{-1, 3, -1, -1}, func(g *graph) []node {
		kernel := madeUpTensor(g, "kernel", 16, 3, 2, 2)
		norm := func(x, y, variance string) node {
			return node{op: "BatchNormalization", inputs: []string{x, madeUpTensor(g, y+".scale", 16), madeUpTensor(g, y+".bias", 16), madeUpTensor(g, y+".mean", 16), variance}, outputs: []string{y}}
		}
		return []node{
			{op: "Identity", inputs: []string{madeUpTensor(g, "variance", 16)}, outputs: []string{"shared"}},
			{op: "Conv", inputs: []string{"x", kernel}, outputs: []string{"c"}, attributes: map[string]any{"strides": []int64{2, 2}}},
			norm("c", "n", "variance"), norm("n", "y", "shared"),
		}
	})
	n, weights, err := Read(testBackend(t), file, nil, plain)
	require.NoError(t, err)
	fixed := map[string]bool{}
	g := NewGraph(testBackend(t), "network")
	defer g.Finalize()
	n.Build(Parameter(g, "photos", shapes.Make(dtypes.Float32, 2, 8, 8, 3)), func(name string, shape []int, constant bool) *Node {
		require.Equal(t, weights[name].Shape, shape)
		fixed[name] = constant
		return Parameter(g, name, shapes.Make(dtypes.Float32, shape...))
	})
	require.Equal(t, map[string]bool{
		"kernel": false, "variance": true,
		"n.scale": false, "n.bias": false, "n.mean": true,
		"y.scale": false, "y.bias": false, "y.mean": true,
	}, fixed)
}
