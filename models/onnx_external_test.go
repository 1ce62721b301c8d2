package models

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kleid-search/kleid/storage"
)

// TestONNXWeightsBesideIt: a network whose weights lie in another file is read with them, and what is wrong with that
// file is said.
func TestONNXWeightsBesideIt(t *testing.T) {
	network, err := os.ReadFile("testdata/onnx/reductions.onnx")
	require.NoError(t, err)
	weights, err := os.ReadFile("testdata/onnx/reductions.onnx.data")
	require.NoError(t, err)
	folder := t.TempDir()
	place := filepath.Join(folder, "renamed.onnx")
	require.NoError(t, os.WriteFile(place, network, 0o600))
	load := func(place string) (*ONNXConfig, Weights, error) {
		return LoadONNX(t.Context(), testBackend(t), place, DefaultONNXOptions())
	}
	_, _, err = load(place)
	require.ErrorContains(t, err, "its weights are in a file reductions.onnx.data, which is missing: put it beside the network")
	keep := func(content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "reductions.onnx.data"), content, 0o600))
	}
	keep(weights[:len(weights)-1])
	_, _, err = load(place)
	require.ErrorContains(t, err, "it ends at byte 36107, before byte 36108: it is cut off, or another network's")
	keep(weights)
	c, read, err := load(place)
	require.NoError(t, err)

	weights[0] ^= 1
	keep(weights)
	other, changed, err := load("file://" + filepath.ToSlash(place))
	require.NoError(t, err)
	require.NotEqual(t, read, changed)
	require.NotEqual(t, c.SHA256, other.SHA256, "other weights are another network")
}

// TestONNXReadsNoOtherFiles: a network's file names weights in its own folder, whoever wrote it, and a model's none.
func TestONNXReadsNoOtherFiles(t *testing.T) {
	elsewhere := func(location, offset, length string) []byte {
		return changedONNX(t, "opset9", func(g *onnxGraph) {
			for _, tensor := range g.tensors {
				tensor.Clear(field(tensor, "raw_data"))
				for key, value := range map[string]string{"location": location, "offset": offset, "length": length} {
					entry := appended(tensor, "external_data")
					setText(entry, "key", key)
					setText(entry, "value", value)
				}
				tensor.Set(field(tensor, "data_location"), protoreflect.ValueOfEnum(1))
			}
		})
	}
	never := func(string) ([]byte, error) { return nil, fs.ErrInvalid }
	for _, location := range []string{"", ".", "..", "../w", "/etc/passwd", `..\w`, `C:\w`, "w?x", "a/../../w"} {
		_, err := inlineONNX(elsewhere(location, "", ""), never)
		require.ErrorContains(t, err, "but a network's lie in its own folder or below it", location)
	}
	for _, offset := range []string{"-1", "one", "9223372036854775807"} {
		_, err := inlineONNX(elsewhere("w", offset, "9223372036854775807"), func(string) ([]byte, error) { return []byte{1}, nil })
		require.ErrorContains(t, err, "in the file w: ", offset)
	}
	_, err := inlineONNX(elsewhere("w", "", ""), func(string) ([]byte, error) { return make([]byte, 1<<20), nil })
	require.ErrorContains(t, err, "the weights in the file w claim more than its 1048576 bytes: they overlap")
	_, _, err = importONNX(testBackend(t), elsewhere("w", "", ""), DefaultONNXOptions())
	require.ErrorContains(t, err, "has 0 bytes and 0 numbers")
}

// TestONNXFilesTogether: a network and the files beside it have no more bytes together than one file may have.
func TestONNXFilesTogether(t *testing.T) {
	folder, sum := t.TempDir(), 0
	network := changedONNX(t, "opset9", func(g *onnxGraph) {
		for name, tensor := range g.tensors {
			content := get(tensor, "raw_data").Bytes()
			if len(content) == 0 {
				continue
			}
			file := fmt.Sprintf("%x", name)
			require.NoError(t, os.WriteFile(filepath.Join(folder, file), content, 0o600))
			sum += len(content)
			tensor.Clear(field(tensor, "raw_data"))
			entry := appended(tensor, "external_data")
			setText(entry, "key", "location")
			setText(entry, "value", file)
		}
	})
	place := filepath.Join(folder, "network.onnx")
	require.NoError(t, os.WriteFile(place, network, 0o600))
	before := fetching
	t.Cleanup(func() { fetching = before })
	load := func(limit int) error {
		fetching.Limit = int64(limit)
		_, _, err := LoadONNX(t.Context(), testBackend(t), place, DefaultONNXOptions())
		return err
	}
	sum += len(network)
	require.ErrorIs(t, load(sum-1), storage.ErrTooLarge)
	require.NoError(t, load(sum))
}

func TestBeside(t *testing.T) {
	for document, want := range map[string]string{
		"net.onnx":                              "w.data",
		"a/net.onnx":                            "a/w.data",
		"file:///a/net.onnx":                    "/a/w.data",
		"s3://bucket/net.onnx":                  "s3://bucket/w.data",
		"s3://bucket/a/net.onnx":                "s3://bucket/a/w.data",
		"https://shop.example/a/net.onnx?k=a/b": "https://shop.example/a/w.data?k=a/b",
	} {
		require.Equal(t, want, strings.ReplaceAll(beside(document, "w.data"), `\`, "/"), document)
	}
}
