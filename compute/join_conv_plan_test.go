package compute

import (
	"strings"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	gomlx "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/stretchr/testify/require"
)

// TestConvolutionsAreJoined holds that images of two sizes go through a network layer by layer, with one step for the
// filters of each, and that convolutions that wait for each other are steps of their own.
func TestConvolutionsAreJoined(t *testing.T) {
	const channels = 32
	convolve := func(x *gomlx.Node, filters float32) *gomlx.Node {
		values := make([]float32, 3*3*channels*channels)
		values[0] = filters
		w := gomlx.Reshape(gomlx.Const(x.Graph(), values), 3, 3, channels, channels)
		return gomlx.Convolve(x, w).PadSame().Done()
	}
	relu := func(x *gomlx.Node) *gomlx.Node { return gomlx.Max(x, gomlx.ScalarZero(x.Graph(), dtypes.Float32)) }
	for name, test := range map[string]struct {
		network func(a, b *gomlx.Node) []*gomlx.Node
		want    []string
	}{
		"layer by layer": {func(a, b *gomlx.Node) []*gomlx.Node {
			layers := func(x *gomlx.Node) *gomlx.Node {
				return gomlx.ReduceSum(convolve(gomlx.Sqrt(relu(convolve(x, 1))), 2), 1, 2)
			}
			return []*gomlx.Node{layers(a), layers(b)}
		}, []string{"ConvsJoined", "ConvsJoined"}},
		"other filters": {func(a, b *gomlx.Node) []*gomlx.Node {
			return []*gomlx.Node{convolve(a, 1), convolve(b, 2)}
		}, []string{"ConvFused", "ConvFused"}},
		"one after the other": {func(a, _ *gomlx.Node) []*gomlx.Node {
			return []*gomlx.Node{convolve(convolve(a, 1), 1)}
		}, []string{"ConvFused", "ConvFused"}},
		"crossed": {func(a, b *gomlx.Node) []*gomlx.Node {
			return []*gomlx.Node{convolve(convolve(a, 1), 2), convolve(convolve(b, 2), 1)}
		}, []string{"ConvFused", "ConvsJoined", "ConvFused"}},
	} {
		p := &planned{Backend: NewWithOptions(Options{Threads: 1})}
		g := gomlx.NewGraph(p, "sizes")
		a := gomlx.Parameter(g, "a", shapes.Make(dtypes.Float32, 1, 12, 9, channels))
		b := gomlx.Parameter(g, "b", shapes.Make(dtypes.Float32, 1, 8, 8, channels))
		g.Compile(test.network(a, b)...)
		var steps []string
		for _, s := range p.steps {
			if step, _, _ := strings.Cut(s, " "); strings.HasPrefix(step, "Conv") {
				steps = append(steps, step)
			}
		}
		require.Equal(t, test.want, steps, name)
	}
}
