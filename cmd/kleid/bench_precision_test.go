package main

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/bench"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/models"
)

// TestBenchPrecisions compares the features of an image file in each precision with those in float32.
func TestBenchPrecisions(t *testing.T) {
	weights := writeTensors(t, "w.safetensors", kleidSWeights(t))
	images := writeTensors(t, "x.safetensors", models.Weights{"x": filled(1, 1, 11, 3, 48, 48)})
	features := func(precision string) []float32 {
		output := filepath.Join(t.TempDir(), "y.safetensors")
		r := kleid(t, "bench", "embed", "--batch", "4", "--seconds", "1e-12", "--json", "--precision", precision,
			"--weights", weights, "--input", images, "--output", output)
		require.Equal(t, exit.Done, r.code, r.stderr)
		require.Empty(t, r.stderr)
		require.Equal(t, precision, decodeLine[bench.NetworkFigures](t, r).Precision)
		return readTensor(t, output, "y").Data
	}
	want := features("f32")
	for precision, least := range map[string]float64{"int8": 0.999, "bf16": 0.9999} {
		got := features(precision)
		require.Len(t, got, len(want))
		require.NotEqual(t, want, got)
		var dot, a, b float64
		for i, v := range want {
			dot, a, b = dot+float64(v)*float64(got[i]), a+float64(v)*float64(v), b+float64(got[i])*float64(got[i])
		}
		require.Greater(t, dot/math.Sqrt(a*b), least, precision)
	}
}
