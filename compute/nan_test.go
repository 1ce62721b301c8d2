package compute_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// TestNaNsAreKept holds that a NaN of either sign comes out of what is fused, or has a kernel of its own.
func TestNaNsAreKept(t *testing.T) {
	maxPool := func(dtype dtypes.DType) func(x *Node) *Node {
		return func(x *Node) *Node {
			pooled := MaxPool(Reshape(ConvertDType(x, dtype), 1, 2, 2, 1)).Window(2).Done()
			return ConvertDType(pooled, dtypes.Float32)
		}
	}
	for name, fn := range map[string]func(x *Node) *Node{
		"max pool":             maxPool(dtypes.Float32),
		"max pool of bfloat16": maxPool(dtypes.BFloat16),
		"max pool of float16":  maxPool(dtypes.Float16),
		"gradient of ReLU": func(x *Node) *Node {
			return Gradient(ReduceAllSum(Max(x, ScalarZero(x.Graph(), dtypes.Float32))), x)[0]
		},
	} {
		for _, bits := range []uint32{0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff} {
			for _, config := range []string{"", "unfused"} {
				x := tensors.FromValue([]float32{math.Float32frombits(bits), -1, 2, float32(math.Inf(-1))})
				got := values(t, run(t, newBackend(t, config), each(fn), x)[0])
				require.True(t, math.IsNaN(got[0]), "%s %q of %#x: %v", name, config, bits, got)
				for _, v := range got[1:] {
					require.False(t, math.IsNaN(v), "%s %q: %v", name, config, got)
				}
			}
		}
	}
}
