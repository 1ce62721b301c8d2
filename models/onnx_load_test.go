package models

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models/onnx"
	"github.com/kleid-search/kleid/storage"
)

// loadONNX reads a network of package onnx's tests.
func loadONNX(t testing.TB, name string) (*onnx.Network, Weights) {
	t.Helper()
	network, weights, err := LoadONNX(t.Context(), testBackend(t), filepath.Join("onnx", "testdata", name+".onnx"), DefaultONNXOptions())
	require.NoError(t, err)
	return network, weights
}

// TestONNXWeightsBesideIt: a network whose weights lie in another file is read with them, and what is wrong with that
// file is said.
func TestONNXWeightsBesideIt(t *testing.T) {
	network, err := os.ReadFile("onnx/testdata/reductions.onnx")
	require.NoError(t, err)
	weights, err := os.ReadFile("onnx/testdata/reductions.onnx.data")
	require.NoError(t, err)
	folder := t.TempDir()
	place := filepath.Join(folder, "renamed.onnx")
	require.NoError(t, os.WriteFile(place, network, 0o600))
	load := func(place string) (*onnx.Network, Weights, error) {
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

// TestONNXFilesTogether: a network and the files beside it have no more bytes together than one file may have.
func TestONNXFilesTogether(t *testing.T) {
	const place, another = "reductions.onnx.data", "reductions.onnx.more" // as long, so that one may stand for the other
	folder := t.TempDir()
	network, err := os.ReadFile("onnx/testdata/reductions.onnx")
	require.NoError(t, err)
	weights, err := os.ReadFile("onnx/testdata/" + place)
	require.NoError(t, err)
	require.Greater(t, bytes.Count(network, []byte(place)), 1)
	network = bytes.Replace(network, []byte(place), []byte(another), 1)
	for file, content := range map[string][]byte{"network.onnx": network, place: weights, another: weights} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), content, 0o600))
	}
	before := fetching
	t.Cleanup(func() { fetching = before })
	load := func(limit int) error {
		fetching.Limit = int64(limit)
		_, _, err := LoadONNX(t.Context(), testBackend(t), filepath.Join(folder, "network.onnx"), DefaultONNXOptions())
		return err
	}
	sum := len(network) + 2*len(weights)
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
