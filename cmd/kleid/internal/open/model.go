// Package open opens what commands name by flags and arguments: the model and what computes it, the store of the vectors, the
// rows of an index, photos.
package open

import (
	"errors"
	"os"
	"strings"

	"github.com/gomlx/gomlx/backends"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/registry"
	"github.com/kleid-search/kleid/storage"
)

// ModelsFlag names the model.
func ModelsFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "models", EnvVars: flags.Env("models"), DefaultText: "the one in the program",
		Usage: "model to use: a `FILE`, an https:// or s3:// URL of one, or a registry (a folder, or s3://bucket/prefix) whose promoted one it is, or REGISTRY@VERSION",
	}
}

// Model returns the model of --models.
func Model(c *cli.Context) (*models.Model, error) {
	url := c.String("models")
	if url == "" {
		return models.Default()
	}
	if location, version, ok := registryOf(url); ok {
		cache, err := registry.DefaultCache()
		if err != nil {
			return nil, err
		}
		r, err := registry.Open(c.Context, location, cache)
		if err != nil {
			return nil, err
		}
		if url, err = r.Pull(c.Context, version); err != nil {
			return nil, err
		}
	}
	return models.Load(c.Context, url)
}

// registryOf splits REGISTRY@VERSION; ok is false for what is a model's file itself. A folder may have an @ in its name.
func registryOf(url string) (location, version string, ok bool) {
	isFolder := func(location string) bool {
		path, local := storage.LocalPath(location)
		info, err := os.Stat(path)
		return local && err == nil && info.IsDir()
	}
	if isFolder(url) {
		return url, "", true
	}
	location = url
	if i := strings.LastIndexByte(url, '@'); i >= 0 && !strings.ContainsAny(url[i:], "/.") {
		location, version = url[:i], url[i+1:]
	}
	if strings.HasPrefix(location, "s3://") {
		return location, version, !strings.HasSuffix(location, ".safetensors")
	}
	return location, version, isFolder(location)
}

// EmbedderFlags are those that Embedder reads.
func EmbedderFlags() []cli.Flag { return []cli.Flag{BackendFlag(), ThreadsFlag(), ModelsFlag()} }

// Embedder makes the embedder that --backend, --threads and --models describe.
func Embedder(c *cli.Context) (*embedding.Embedder, error) {
	backend, model, err := loadOnBackend(c)
	if err != nil {
		return nil, err
	}
	return embedding.New(backend, model)
}

// Describer is Embedder for who needs no vectors. A model without location is for photos whose box is given.
func Describer(c *cli.Context, boxed bool) (*embedding.Embedder, error) {
	backend, model, err := loadOnBackend(c)
	switch {
	case err != nil:
		return nil, err
	case !boxed && !model.Locates():
		return nil, errors.New("the model cannot find dresses, since its location was never trained: say where the dress is with --box, or train all that a trunk lacks with kleid train heads")
	case !model.Embeds() && len(model.Config.Facets) == 0:
		return nil, errors.New("the model has a trunk, but no facets to name: train them with kleid train heads or, on photos of your own, kleid train facets")
	}
	return embedding.NewDescriber(backend, model)
}

// loadOnBackend returns the backend and the model of the flags.
func loadOnBackend(c *cli.Context) (backends.Backend, *models.Model, error) {
	backend, err := Backend(c)
	if err != nil {
		return nil, nil, err
	}
	model, err := Model(c)
	return backend, model, err
}
