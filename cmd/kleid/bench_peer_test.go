package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/models"
)

// readTensor reads one tensor of a safetensors file.
func readTensor(t *testing.T, path, name string) *models.Tensor {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	file, _, err := models.DecodeSafetensors(data)
	require.NoError(t, err)
	require.Contains(t, file, name)
	return file[name]
}

// TestFeaturesAgainstOnnxRuntime gives ONNX Runtime and the program the same weights and images.
func TestFeaturesAgainstOnnxRuntime(t *testing.T) {
	if testing.Short() {
		t.Skip("-short runs no other runtime")
	}
	root := filepath.Join("..", "..")
	python := filepath.Join(root, ".venv", "bin", "python")
	if err := exec.Command(python, "-c", "import onnx, onnxruntime").Run(); err != nil {
		t.Skip("needs ONNX Runtime: run scripts/venv")
	}
	for _, test := range []struct {
		network     string
		count, size int
	}{
		{"resnet18", 3, 80},
		{"resnet34", 1, 64},
		{"resnet50", 2, 64},
		{"inception_v3", 2, 107},
	} {
		t.Run(test.network, func(t *testing.T) {
			folder := t.TempDir()
			out, err := exec.Command(python, filepath.Join(root, "scripts", "peers", "reference.py"),
				test.network, strconv.Itoa(test.count), strconv.Itoa(test.size), folder).CombinedOutput()
			require.NoError(t, err, "%s", out)
			want := readTensor(t, filepath.Join(folder, "features.safetensors"), "y")
			// How far a feature may be, in deviations of all.
			for precision, tolerance := range map[string]float64{"f32": 3e-5, "bf16": 0.1, "int8": 0.3} {
				output := filepath.Join(folder, precision)
				r := kleid(t, "bench", "embed", "--network", test.network, "--precision", precision, "--batch", "2", "--seconds", "1e-12",
					"--weights", filepath.Join(folder, "weights.safetensors"), "--input", filepath.Join(folder, "x.safetensors"), "--output", output)
				require.Equal(t, exit.Done, r.code, r.stderr)
				require.Empty(t, r.stderr)
				got := readTensor(t, output, "y")
				require.Equal(t, want.Shape, got.Shape)
				largest := 0.0
				for i, v := range want.Data {
					largest = max(largest, math.Abs(float64(v-got.Data[i]))/deviation(want.Data))
				}
				t.Logf("%s: features differ by %.2g of their deviation at most", precision, largest)
				require.Less(t, largest, tolerance, precision)
			}
		})
	}
}
