package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/models"
)

// TestONNXTrunk takes networks from elsewhere as trunks and trains a facet's head on them; the model's file is all
// that is needed then.
func TestONNXTrunk(t *testing.T) {
	folder, rows := ownPhotos(t)
	manifest := manifestOf(t, folder, rows)
	for name, flags := range map[string][]string{
		"vit":      {"--trunk"},
		"convnext": {"--backbone", "--onnx-mean=0.5,0.5,0.5", "--onnx-deviation=0.25,0.25,0.25"},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("..", "..", "models", "onnx", "testdata", name+".onnx"))
			require.NoError(t, err)
			network, work := write(t, filepath.Join(t.TempDir(), "network.onnx"), data), t.TempDir()
			r := kleid(t, append([]string{"train", "trunk", "--work", work, flags[0], "onnx:" + network}, flags[1:]...)...)
			require.Zero(t, r.code, r.stderr)
			require.Contains(t, r.stderr, "the trunk's features are layer")
			moved := filepath.Join(t.TempDir(), "moved.onnx")
			require.NoError(t, os.Rename(network, moved))
			r = kleid(t, append([]string{"train", "trunk", "--work", work, flags[0], "onnx:" + moved}, flags[1:]...)...)
			require.Zero(t, r.code, r.stderr)
			require.Contains(t, r.stderr, "this stage is done", "whatever the file is called")
			require.NoError(t, os.Remove(moved))

			trunk := filepath.Join(work, "model.safetensors")
			before := readModel(t, trunk)
			require.NotNil(t, before.Config.ONNX)
			require.Equal(t, "onnx:moved.onnx", before.Config.TrunkName())
			if len(flags) > 1 {
				require.Equal(t, [3]float32{0.25, 0.25, 0.25}, before.Config.ONNX.Deviation)
			}
			// Heads that answer for each photo, as train projection would fit them.
			size := before.Config.EmbeddingSize
			ofCells, ofTexture := before.Config.EmbeddingParts()
			before.Weights["unsupervised.weight"] = models.NewTensor(ofCells, before.Config.CellRows*before.Config.CellColumns*before.Config.ONNX.Channels)
			before.Weights["unsupervised.bias"], before.Weights["deeprank.weight"] = models.NewTensor(ofCells), models.NewTensor(size, size)
			if ofTexture > 0 {
				before.Weights["texture.weight"], before.Weights["texture.bias"] = models.NewTensor(ofTexture, models.TextureFeatures), models.NewTensor(ofTexture)
			}
			var file bytes.Buffer
			require.NoError(t, before.Encode(&file, models.Float32))
			write(t, trunk, file.Bytes())

			facets := t.TempDir()
			r = kleid(t, "train", "facets", "--models", trunk, "--dataset", manifest, "--facets", "sleeve", "--steps", "40", "--work", facets, "--yes")
			require.Zero(t, r.code, r.stderr)
			after := readModel(t, filepath.Join(facets, "model.safetensors"))
			require.Equal(t, before.EmbeddingModel(), after.EmbeddingModel(), "the trunk stays as it is")
			c := after.Config
			require.Equal(t, "onnx:moved.onnx", c.TrunkName())
			report, err := os.ReadFile(filepath.Join(facets, "report.html"))
			require.NoError(t, err)
			require.Contains(t, string(report), "onnx:moved.onnx, as it was")
			head := after.Weights["facets.sleeve.weight"]
			require.Equal(t, []int{len(facetOf(t, after, "sleeve").Labels), c.CellRows * c.CellColumns * c.ONNX.Channels}, head.Shape)
			require.NotEqual(t, make([]float32, len(head.Data)), head.Data)
		})
	}
}

// TestCropFlag makes a model that reads larger crops than the shipped one, of the same trunk.
func TestCropFlag(t *testing.T) {
	work := t.TempDir()
	weights := filepath.Join("..", "..", "models", "weights", "kleid-s.safetensors")
	r := kleid(t, "train", "trunk", "--work", work, "--trunk-weights", weights, "--half-steps", "0", "--full-steps", "0", "--crop", "288x192")
	require.Zero(t, r.code, r.stderr)
	model := readModel(t, filepath.Join(work, "model.safetensors"))
	require.Equal(t, []int{288, 192}, []int{model.Config.CropHeight, model.Config.CropWidth})

	// Heads are trained on what it reads.
	folder, rows := ownPhotos(t)
	facets := t.TempDir()
	r = kleid(t, "train", "facets", "--models", filepath.Join(work, "model.safetensors"), "--dataset", manifestOf(t, folder, rows), "--facets", "sleeve", "--steps", "40", "--work", facets, "--yes")
	require.Zero(t, r.code, r.stderr)
	after := readModel(t, filepath.Join(facets, "model.safetensors"))
	require.Equal(t, model.EmbeddingModel(), after.EmbeddingModel())
	require.NotEqual(t, readModel(t, weights).EmbeddingModel(), after.EmbeddingModel())
}

// TestTrunkFlags refuses what cannot be before anything is painted.
func TestTrunkFlags(t *testing.T) {
	vit := "onnx:" + filepath.Join("..", "..", "models", "onnx", "testdata", "vit.onnx")
	for want, flags := range map[string][]string{
		`no backbone is called "alexnet"; there are kleid-s`: {"--trunk", "alexnet"},
		`or onnx:FILE`:                                   {"--backbone", "alexnet"},
		`--onnx-layer is for a trunk onnx:FILE`:          {"--onnx-layer", "a"},
		`takes three numbers`:                            {"--trunk", vit, "--onnx-mean", "0.5"},
		`deviations above zero`:                          {"--trunk", vit, "--onnx-deviation", "1,0,1"},
		`takes HEIGHTxWIDTH`:                             {"--trunk", vit, "--onnx-size", "32"},
		`--crop is "300", but takes HEIGHTxWIDTH`:        {"--crop", "300"},
		`multiples of 16, the trunk's stride`:            {"--crop", "300x200"},
		`such as 288x192`:                                {"--crop", "2048x1024"},
		`multiples of 32`:                                {"--trunk", "resnet50", "--crop", "240x128"},
		`says that it reads 32x32`:                       {"--trunk", vit, "--crop", "64x64"},
		`--trunk-weights are not for`:                    {"--trunk", vit, "--trunk-weights", "a.safetensors"},
		`kleid-s has no stage "stage7"; there are input`: {"--spatial-transformer", "stage7"},
		`needs --spatial-transformer`:                    {"--spatial-transformer-weight", "1"},
		`padding is "mirror"`:                            {"--spatial-transformer", "input", "--spatial-transformer-padding", "mirror"},
		`a spatial transformer learns with the trunk`:    {"--spatial-transformer", "input", "--half-steps", "0", "--full-steps", "0"},
	} {
		r := kleid(t, append([]string{"train", "trunk", "--work", t.TempDir()}, flags...)...)
		require.Equal(t, exit.Usage, r.code, want)
		require.Contains(t, r.stderr, want)
	}
	r := kleid(t, "train", "trunk", "--work", t.TempDir(), "--trunk", vit, "--onnx-layer", "nothing")
	require.Equal(t, exit.Failed, r.code)
	require.Regexp(t, `the network has no layer "nothing"; its last ones are \[.*"/LayerNormalization_293" .*\]\n`, r.stderr)
	r = kleid(t, "train", "trunk", "--work", t.TempDir(), "--trunk", vit, "--onnx-layer", "layernorm")
	require.Equal(t, exit.Failed, r.code)
	require.Regexp(t, `no layer "layernorm"; there are \["/LayerNormalization_\d+"`, r.stderr)
	r = kleid(t, "train", "trunk", "--work", t.TempDir(), "--trunk", "onnx:none.onnx")
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "none.onnx")
}
