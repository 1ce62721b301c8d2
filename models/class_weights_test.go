package models

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
)

func TestClassWeights(t *testing.T) {
	labels, counts := []string{"v-neck", "scoop", "boat"}, []int{90, 10, 0}
	for _, test := range []struct {
		weighting ClassWeighting
		want      []float64
	}{
		{ClassWeighting{}, []float64{1, 1, 1}},
		{ClassWeighting{Scheme: Unweighted}, []float64{1, 1, 1}},
		{ClassWeighting{Scheme: InverseFrequency}, []float64{100. / 180, 5, 1}},
		{ClassWeighting{Scheme: InverseFrequency, Given: map[string]float64{"boat": 3}}, []float64{100. / 180, 5, 3}},
	} {
		got, err := test.weighting.Weights(labels, counts)
		require.NoError(t, err)
		require.InDeltaSlice(t, test.want, got, 1e-9, "%+v", test.weighting)
	}
	got, err := ClassWeighting{Scheme: EffectiveNumber}.Weights(labels, counts)
	require.NoError(t, err)
	require.InDelta(t, 1, (90*got[0]+10*got[1])/100, 1e-9)
	require.InDelta(t, (1-math.Pow(effectiveBeta, 90))/(1-math.Pow(effectiveBeta, 10)), got[1]/got[0], 1e-9)
	for _, wrong := range []ClassWeighting{
		{Scheme: "rare"}, {Given: map[string]float64{"bout": 2}}, {Given: map[string]float64{"boat": 0}}, {Given: map[string]float64{"boat": math.NaN()}},
	} {
		_, err := wrong.Weights(labels, counts)
		require.ErrorContains(t, err, "class weights", "%+v", wrong)
	}
}

// TestFocalCrossEntropy compares with the paper's formula, in float64.
func TestFocalCrossEntropy(t *testing.T) {
	backend, err := compute.New("")
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	const rows, labels = 5, 3
	logits, targets := make([]float32, rows*labels), make([]float32, rows*labels)
	for i := range logits {
		logits[i] = float32(3 * rng.NormFloat64())
	}
	for r := range rows - 1 { // the last row's label is unknown
		targets[r*labels+rng.IntN(labels)] = float32(1 + r)
	}
	for _, gamma := range []float64{0, 0.5, 2} {
		want, weights := 0.0, 0.0
		for r := range rows {
			sum := 0.0
			for l := range labels {
				sum += math.Exp(float64(logits[r*labels+l]))
			}
			for l := range labels {
				p, w := math.Exp(float64(logits[r*labels+l]))/sum, float64(targets[r*labels+l])
				want -= w * math.Pow(1-p, gamma) * math.Log(p)
				weights += w
			}
		}
		loss := graph.MustExecOnce(backend, func(x, y *graph.Node) *graph.Node { return FocalCrossEntropy(x, y, gamma) },
			tensors.FromFlatDataAndDimensions(logits, rows, labels), tensors.FromFlatDataAndDimensions(targets, rows, labels))
		require.InDelta(t, want/weights, float64(tensors.ToScalar[float32](loss)), 1e-5, "gamma %v", gamma)
	}
}
