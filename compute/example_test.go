package compute_test

import (
	"fmt"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	_ "github.com/kleid-search/kleid/compute" // registers the backend "cpu"
)

// A convolution on the backend: the sum of each 2x2 window of a 3x3 image.
func Example() {
	backend, err := backends.NewWithConfig("cpu:threads=2")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Finalize()
	windows := graph.MustNewExec(backend, func(image *graph.Node) *graph.Node {
		filter := graph.Ones(image.Graph(), graph.Const(image.Graph(), make([]float32, 4)).Shape())
		return graph.Convolve(image, graph.Reshape(filter, 2, 2, 1, 1)).NoPadding().Done()
	})
	image := tensors.FromFlatDataAndDimensions([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 3, 3, 1)
	sums := windows.MustExec(image)[0]
	fmt.Println(sums.Value())
	// Output: [[[[12] [16]] [[24] [28]]]]
}
