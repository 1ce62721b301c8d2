package models

import (
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/stretchr/testify/require"
)

// torchvisionParameters is the state dict of torchvision 0.29's network, "name [shape]" a line, without the
// classifier and the counters of batches.
func torchvisionParameters(t *testing.T, network string) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + network + ".txt")
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func TestParametersAreTorchvisions(t *testing.T) {
	for network, count := range map[string]int{"resnet18": 100, "resnet34": 180, "resnet50": 265, "inception_v3": 470} {
		backbone, err := BackboneByName(network)
		require.NoError(t, err)
		ctx := context.New()
		exec := context.MustNewExec(testBackend(t), ctx, func(ctx *context.Context, x *Node) *Node {
			return ReduceAllMean(backbone.Build(NewTrainingNet(ctx, nil, 1, false), x))
		})
		exec.MustExec1(randomPixels(1, 1, 32, 32, 3))
		weights, err := TrainedWeights(ctx)
		require.NoError(t, err)
		var got []string
		for _, name := range weights.Names() {
			got = append(got, fmt.Sprintf("%s [%s]", name, strings.ReplaceAll(strings.Trim(fmt.Sprint(weights[name].Shape), "[]"), " ", ", ")))
		}
		want := torchvisionParameters(t, network)
		slices.Sort(got)
		slices.Sort(want)
		require.Len(t, want, count)
		require.Equal(t, want, got, network)
	}
}

// madeUp are numbers in [-0.5, 0.5) that any language makes alike: a hash of the name and the index.
func madeUp(name string, n int) []float64 {
	values := make([]float64, n)
	of := crc32.ChecksumIEEE([]byte(name))
	for i := range values {
		h := uint32(i)*2654435761 + of
		h ^= h >> 15
		h *= 2246822519
		h ^= h >> 13
		values[i] = float64(h)/(1<<32) - 0.5
	}
	return values
}

// madeUpNetworks are madeUpWeights by the network, since several tests read the same ones.
var madeUpNetworks = map[string]Weights{}

// madeUpWeights fills torchvision's parameters: convolutions with He's deviation, batch normalisation with
// factors and variances in 0.5..1.5, offsets and means in -0.2..0.2. Tests share them and do not write to them.
func madeUpWeights(t *testing.T, network string) Weights {
	if weights := madeUpNetworks[network]; weights != nil {
		return weights
	}
	weights := Weights{}
	for _, line := range torchvisionParameters(t, network) {
		name, list, _ := strings.Cut(line, " ")
		var shape []int
		for _, size := range strings.Split(strings.Trim(list, "[]"), ", ") {
			var n int
			_, err := fmt.Sscan(size, &n)
			require.NoError(t, err)
			shape = append(shape, n)
		}
		w := NewTensor(shape...)
		for i, v := range madeUp(name, len(w.Data)) {
			switch {
			case len(shape) == 4:
				v *= math.Sqrt(24 / float64(shape[1]*shape[2]*shape[3]))
			case strings.HasSuffix(name, "running_var"), strings.HasSuffix(name, ".weight"):
				v++
			default:
				v *= 0.4
			}
			w.Data[i] = float32(v)
		}
		weights[name] = w
	}
	madeUpNetworks[network] = weights
	return weights
}

// TestAgainstTorchvision compares features with those of torchvision 0.29 in float64, computed once
// with the same made-up weights and picture, [1, 3, height, width]: mean, deviation, and element 7919·k modulo
// the size in torch's order [channels, rows, columns].
func TestAgainstTorchvision(t *testing.T) {
	for network, want := range map[string]struct {
		height, width   int // of the picture
		rows, columns   int // of the features
		mean, deviation float64
		features        []float64
	}{
		"resnet18": {64, 96, 2, 3, 47.1591046176919, 60.4143063672093, []float64{
			92.96162, 271.9965, 128.2426, 104.2363, 0, 135.1407, 154.0378, 4.523723, 16.20231, 9.161552, 0, 0}},
		"resnet34": {64, 96, 2, 3, 1456.1775061287574, 1643.5899081028108, []float64{
			1025.757, 3230.765, 5125.689, 1059.265, 348.4907, 4103.768, 1959.47, 0, 0, 0, 2338.399, 0}},
		"resnet50": {64, 96, 2, 3, 9889.625287628087, 12245.426163311047, []float64{
			0, 36957.48, 54912.63, 6391.438, 6480.267, 9882.03, 21271.95, 0, 0, 0, 0, 14091.4}},
		"inception_v3": {96, 139, 1, 3, 2.0212922480496274, 3.6161891593940667, []float64{
			2.208007, 0.01881133, 0, 0, 0, 0, 0, 0.2267319, 3.832505, 1.607469, 0, 0.6957227}},
	} {
		t.Run(network, func(t *testing.T) {
			backbone, err := BackboneByName(network)
			require.NoError(t, err)
			weights := madeUpWeights(t, network)
			build := backbone.Build
			if backbone.Published != nil {
				build = backbone.Published
			}
			area := want.height * want.width
			pixels := make([]float32, 3*area)
			for i, v := range madeUp("input", len(pixels)) { // [3, area] to [area, 3]
				pixels[i%area*3+i/area] = 4 * float32(v)
			}
			got := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(x *Node) *Node {
				return TransposeAllAxes(build(NewFrozenNet(weights), x), 0, 3, 1, 2)
			}).MustExec1(tensors.FromFlatDataAndDimensions(pixels, 1, want.height, want.width, 3)))
			require.Len(t, got, backbone.Channels*want.rows*want.columns)
			var sum, squares float64
			for _, v := range got {
				sum += float64(v)
			}
			mean := sum / float64(len(got))
			for _, v := range got {
				squares += (float64(v) - mean) * (float64(v) - mean)
			}
			require.InEpsilon(t, want.mean, mean, 1e-5)
			// torch's deviation divides by one less than the count.
			require.InEpsilon(t, want.deviation, math.Sqrt(squares/float64(len(got)-1)), 1e-5)
			for k, v := range want.features {
				require.InDelta(t, v, got[k*7919%len(got)], 1e-4*want.deviation, "feature %d", k)
			}
		})
	}
}
