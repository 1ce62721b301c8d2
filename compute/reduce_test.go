package compute_test

import (
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

func BenchmarkReduceSum(b *testing.B) {
	for _, c := range []struct {
		name       string
		dims, axes []int
	}{
		{"all", []int{16, 56, 56, 64}, []int{0, 1, 2, 3}},
		{"NHWC channels", []int{16, 56, 56, 64}, []int{0, 1, 2}},
		{"NCHW channels", []int{16, 64, 56, 56}, []int{0, 2, 3}},
		{"one channel", []int{64, 112, 112, 1}, []int{0, 1, 2}},
		{"rows before an axis of 1", []int{4096, 512, 1}, []int{1}},
	} {
		b.Run(c.name, func(b *testing.B) {
			exec, err := NewExec(newBackend(b, "threads=1"), func(x *Node) *Node { return ReduceSum(x, c.axes...) })
			require.NoError(b, err)
			x := tensors.FromShape(shapes.Make(dtypes.Float32, c.dims...))
			b.SetBytes(int64(4 * x.Shape().Size()))
			for b.Loop() {
				out, err := exec.Exec(x)
				require.NoError(b, err)
				out[0].MustFinalizeAll()
			}
		})
	}
}
