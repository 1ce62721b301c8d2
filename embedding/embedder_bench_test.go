package embedding

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
)

// BenchmarkEmbed measures a photo's whole way through the shipped model, by itself and in batches of it.
func BenchmarkEmbed(b *testing.B) {
	model, err := models.Default()
	require.NoError(b, err)
	e := newEmbedder(b, 0, model)
	for n := 1; n <= maxBatch; n *= 2 {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			inputs := slices.Repeat(photos(1), n)
			embed(b, e, inputs)
			for b.Loop() {
				embed(b, e, inputs)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(n*b.N), "ms/photo")
		})
	}
}
