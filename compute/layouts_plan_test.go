package compute

import (
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	gomlx "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// TestFusionInAnyLayout holds that a convolution with bias and ReLU is one step in ONNX's layout of filters
// too, of images with channels last and first.
func TestFusionInAnyLayout(t *testing.T) {
	const in, out = 32, 48
	for _, channels := range []int{1, 3} {
		for _, kernel := range []int{1, 3} {
			t.Run(fmt.Sprintf("channels at %d, %dx%d", channels, kernel, kernel), func(t *testing.T) {
				spatial := []int{1, 2}
				if channels == 1 {
					spatial = []int{2, 3}
				}
				image, bias := []int{2, 9, 9, 9}, []int{1, 1, 1, 1}
				image[channels], bias[channels] = in, out
				axes := backends.ConvolveAxesConfig{
					InputBatch: 0, InputChannels: channels, InputSpatial: spatial,
					KernelInputChannels: 1, KernelOutputChannels: 0, KernelSpatial: []int{2, 3},
					OutputBatch: 0, OutputChannels: channels, OutputSpatial: spatial,
				}
				p := &planned{Backend: NewWithOptions(Options{Threads: 1})}
				g := gomlx.NewGraph(p, "layout")
				x := gomlx.Parameter(g, "x", shapes.Make(dtypes.Float32, image...))
				w := gomlx.ConstTensor(g, tensors.FromShape(shapes.Make(dtypes.Float32, out, in, kernel, kernel)))
				y := gomlx.ConvGeneral(x, w, axes, nil, nil, nil, nil, 1, 1)
				y = gomlx.Add(y, gomlx.ConstTensor(g, tensors.FromShape(shapes.Make(dtypes.Float32, bias...))))
				g.Compile(gomlx.Max(y, gomlx.ScalarZero(g, dtypes.Float32)))
				require.Equal(t, []string{"ConvFused Float32"}, p.steps)
			})
		}
	}
}
