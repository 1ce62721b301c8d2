package main

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/bench"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/models"
)

func TestBench(t *testing.T) {
	for _, what := range []string{"embed", "train"} {
		r := kleid(t, "bench", what, "--network", "kleid-s", "--size", "32", "--batch", "2", "--seconds", "1e-12", "--json")
		require.Equal(t, exit.Done, r.code, r.stderr)
		f := decodeLine[bench.NetworkFigures](t, r)
		require.Equal(t, bench.NetworkFigures{Network: "kleid-s", Precision: "f32", Batch: 2, Size: 32, ImagesPerSecond: f.ImagesPerSecond, LatencyP50: f.LatencyP50, LatencyP99: f.LatencyP99, PeakRSS: f.PeakRSS}, f)
		require.Positive(t, f.ImagesPerSecond)
		require.LessOrEqual(t, f.LatencyP50, f.LatencyP99)
		require.Greater(t, f.PeakRSS, 1.)
	}
}

// writeTensors writes a safetensors file and returns its path.
func writeTensors(t *testing.T, name string, w models.Weights) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, models.EncodeSafetensors(&b, w, nil, models.Float32))
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

// filled returns a tensor of normally distributed numbers.
func filled(seed uint64, deviation float64, shape ...int) *models.Tensor {
	rng := rand.New(rand.NewPCG(seed, 0))
	x := models.NewTensor(shape...)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64() * deviation)
	}
	return x
}

// kleidSWeights are weights for kleid-s, as a trainer begins with.
func kleidSWeights(t *testing.T) models.Weights {
	t.Helper()
	backend, err := compute.New("")
	require.NoError(t, err)
	backbone, err := models.BackboneByName("kleid-s")
	require.NoError(t, err)
	trainer, err := models.NewTrainer(backend, func(net *models.Net, inputs []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.ReduceAllMean(backbone.Build(net, inputs[0]))}
	}, models.TrainerOptions{Seed: 5})
	require.NoError(t, err)
	_, err = trainer.Step(0, tensors.FromFlatDataAndDimensions(filled(6, 1, 32*32*3).Data, 1, 32, 32, 3))
	require.NoError(t, err)
	weights, err := trainer.Weights()
	require.NoError(t, err)
	return weights
}

// TestBenchFeatures runs a file of images in batches that it does not fill, and compares with the network
// run here on all at once.
func TestBenchFeatures(t *testing.T) {
	const count, size = 5, 32
	weights, x := kleidSWeights(t), filled(1, 1, count, 3, size, size)
	output := filepath.Join(t.TempDir(), "y.safetensors")
	r := kleid(t, "bench", "embed", "--batch", "3", "--seconds", "1e-12", "--json",
		"--weights", writeTensors(t, "w.safetensors", weights), "--input", writeTensors(t, "x.safetensors", models.Weights{"x": x}), "--output", output)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Empty(t, r.stderr)
	require.Equal(t, size, decodeLine[bench.NetworkFigures](t, r).Size)
	data, err := os.ReadFile(output)
	require.NoError(t, err)
	file, _, err := models.DecodeSafetensors(data)
	require.NoError(t, err)
	require.Equal(t, []string{"y"}, file.Names())

	backend, err := compute.New("")
	require.NoError(t, err)
	backbone, err := models.BackboneByName("kleid-s")
	require.NoError(t, err)
	want := tensors.MustCopyFlatData[float32](graph.MustNewExec(backend, func(x *graph.Node) *graph.Node {
		return models.GlobalAveragePool(backbone.Build(models.NewFrozenNet(weights), graph.TransposeAllAxes(x, 0, 2, 3, 1)))
	}).MustExec1(tensors.FromFlatDataAndDimensions(x.Data, x.Shape...)))
	require.Equal(t, []int{count, backbone.Channels}, file["y"].Shape)
	require.Equal(t, want, file["y"].Data)
	require.Greater(t, deviation(want), 0.01, "the features tell something")
}

func deviation(values []float32) float64 {
	var sum, squares float64
	for _, v := range values {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(values))
	return math.Sqrt(squares/n - sum/n*(sum/n))
}

// TestBenchWeightsOfAModel takes the trunk out of a model of Kleid.
func TestBenchWeightsOfAModel(t *testing.T) {
	model := models.Weights{"facets.fit.weight": filled(2, 1, 3, 4)}
	model.Merge("trunk.", kleidSWeights(t))
	r := kleid(t, "bench", "embed", "--size", "32", "--batch", "1", "--seconds", "1e-12", "--weights", writeTensors(t, "w.safetensors", model))
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "images/s")
}

// TestBenchKeepsWhatItReads writes features to none of the files that they come from.
func TestBenchKeepsWhatItReads(t *testing.T) {
	weights, input := writeTensors(t, "w.safetensors", models.Weights{"w": filled(2, 1, 3)}), writeTensors(t, "x.safetensors", models.Weights{"x": filled(1, 1, 1, 3, 32, 32)})
	for _, output := range []string{weights, input} {
		before, err := os.ReadFile(output)
		require.NoError(t, err)
		r := kleid(t, "bench", "embed", "--weights", weights, "--input", input, "--output", output)
		require.Equal(t, exit.Usage, r.code)
		require.Contains(t, r.stderr, "--output is "+output+", which is read")
		after, err := os.ReadFile(output)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
}

// TestBenchInterrupted ends as any command does that is interrupted.
func TestBenchInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, what := range []string{"embed", "train"} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exit.Interrupted, run(ctx, []string{"kleid", "bench", what, "--size", "32", "--batch", "1"}, strings.NewReader(""), &stdout, &stderr), what)
		require.Equal(t, "kleid: interrupted\n", stderr.String())
	}
}

func TestBenchWrongFiles(t *testing.T) {
	weights := kleidSWeights(t)
	names := weights.Names()
	lacking, misshapen, more := weights.Clone(), weights.Clone(), weights.Clone()
	delete(lacking, names[0])
	misshapen[names[0]] = models.NewTensor(7)
	more["layer9.weight"] = models.NewTensor(1)
	image := models.Weights{"x": filled(1, 1, 1, 3, 32, 32)}
	for _, test := range []struct {
		name           string
		weights, input models.Weights
		code           int
		says           string
	}{
		{"a weight is missing", lacking, image, exit.Failed, `the weights lack "` + names[0] + `"`},
		{"a weight has another shape", misshapen, image, exit.Failed, `weight "` + names[0] + `" has shape [7]`},
		{"more weights than needed", more, image, exit.Done, `kleid-s has no use for 1 of the weights, such as "layer9.weight"`},
		{"no x", weights, models.Weights{"images": image["x"]}, exit.Failed, `no tensor "x" of floating-point numbers; there are: images`},
		{"x is not of images", weights, models.Weights{"x": models.NewTensor(4, 4)}, exit.Failed, `shape [4 4], but must be [n, 3, size, size]`},
		{"x has its channels last", weights, models.Weights{"x": models.NewTensor(1, 32, 32, 3)}, exit.Failed, `shape [1 32 32 3]`},
		{"x is not square", weights, models.Weights{"x": models.NewTensor(1, 3, 32, 64)}, exit.Failed, `shape [1 3 32 64]`},
		{"x is empty", weights, models.Weights{"x": models.NewTensor(0, 3, 32, 32)}, exit.Failed, `shape [0 3 32 32]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := kleid(t, "bench", "embed", "--seconds", "1e-12", "--batch", "1", "--output", filepath.Join(t.TempDir(), "y"),
				"--weights", writeTensors(t, "w.safetensors", test.weights), "--input", writeTensors(t, "x.safetensors", test.input))
			require.Equal(t, test.code, r.code, r.stderr)
			require.Contains(t, r.stderr, test.says)
		})
	}
}

func TestVersion(t *testing.T) {
	r := kleid(t, "version", "--json")
	require.Equal(t, exit.Done, r.code)
	report := decodeLine[versionReport](t, r)
	require.Equal(t, version, report.Version)
	require.NotEmpty(t, report.CPU)
	text := kleid(t, "version").stdout
	require.Contains(t, text, "kleid "+version)
	for _, flag := range []string{"--version", "-v"} {
		r := kleid(t, flag)
		require.Equal(t, exit.Done, r.code, flag)
		require.Equal(t, text, r.stdout, flag)
	}
}
