package compute

import (
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	gomlx "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/stretchr/testify/require"
)

// TestGroupedGradientsAreJoined holds that the gradients of grouped convolutions are one step each. That
// they are right is checked with those of all others (TestConvolutionAgainstDefinition).
func TestGroupedGradientsAreJoined(t *testing.T) {
	for _, groups := range []int{2, 6, 24} {
		p := &planned{Backend: NewWithOptions(Options{Threads: 1})}
		g := gomlx.NewGraph(p, "gradients")
		x := gomlx.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 9, 8, 24))
		w := gomlx.Parameter(g, "w", shapes.Make(dtypes.Float32, 3, 3, 24/groups, 48))
		dy := gomlx.Parameter(g, "dy", shapes.Make(dtypes.Float32, 2, 5, 4, 48))
		y := gomlx.Convolve(x, w).ChannelGroupCount(groups).Strides(2).PadSame().Done()
		gradients := gomlx.Gradient(gomlx.ReduceAllSum(gomlx.Mul(y, dy)), x, w)
		g.Compile(gradients...)
		require.ElementsMatch(t, []string{"Elementwise Float32", opName(opConvGradInput) + " Float32", opName(opConvGradFilter) + " Float32"}, p.steps, "%d groups", groups)
		g.Finalize()
	}
}
