package compute

import (
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

func BenchmarkConvert(b *testing.B) {
	const n = 1 << 16
	for _, to := range []dtypes.DType{dtypes.Float16, dtypes.BFloat16} {
		for _, from := range []dtypes.DType{dtypes.Float32, dtypes.Float64, dtypes.Int8, dtypes.Int32, dtypes.Int64} {
			b.Run(from.String()+" "+to.String(), func(b *testing.B) {
				src, dst := newBlock(n*from.Size()), newBlock(n*to.Size())
				b.SetBytes(int64(n * from.Size()))
				for b.Loop() {
					convert(dst, to, src, from)
				}
			})
		}
	}
}
