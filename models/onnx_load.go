package models

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/gomlx/gomlx/backends"

	"github.com/kleid-search/kleid/models/onnx"
	"github.com/kleid-search/kleid/storage"
)

// LoadONNX reads a trunk from an ONNX file at a path, `https://` or `s3://` URL, with weights that lie in files beside it: its
// part of the configuration, and the weights of the bare trunk. The backend computes shapes, not the network.
func LoadONNX(ctx context.Context, backend backends.Backend, url string, options onnx.Options) (*onnx.Network, Weights, error) {
	network, tensors, err := fetchONNX(ctx, backend, url, options)
	if err != nil {
		return nil, nil, fmt.Errorf("network %s: %w", storage.WithoutSecrets(url), err)
	}
	weights := Weights{}
	for name, t := range tensors {
		weights[name] = &Tensor{Shape: t.Shape, Data: t.Data}
	}
	return network, weights, nil
}

func fetchONNX(ctx context.Context, backend backends.Backend, url string, options onnx.Options) (*onnx.Network, map[string]onnx.Tensor, error) {
	data, err := storage.Fetch(ctx, url, fetching)
	if err != nil {
		return nil, nil, err
	}
	rest := fetching // the network and what lies beside it have no more together
	less := func(read []byte) { rest.Limit = max(rest.Limit-int64(len(read)), 1) }
	less(data)
	return onnx.Read(backend, data, func(file string) ([]byte, error) {
		content, err := storage.Fetch(ctx, beside(url, file), rest)
		less(content)
		return content, err
	}, options)
}

// beside is where a file beside a document is, a path or URL as that is.
func beside(document, file string) string {
	if local, ok := storage.LocalPath(document); ok {
		return filepath.Join(filepath.Dir(local), filepath.FromSlash(file))
	}
	document, query, asked := strings.Cut(document, "?") // such as a signature, which may be of the folder
	scheme, rest, _ := strings.Cut(document, "://")
	place := scheme + "://" + path.Join(path.Dir(rest), file)
	if asked {
		place += "?" + query
	}
	return place
}
