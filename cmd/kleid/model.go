package main

import (
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
)

func modelsFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "models", EnvVars: env("models"), DefaultText: "the one in the program",
		Usage: "model to use: a `FILE`, or an https:// or s3:// URL",
	}
}

// loadModel returns the model of --models.
func loadModel(c *cli.Context) (*models.Model, error) {
	if url := c.String("models"); url != "" {
		return models.Load(c.Context, url)
	}
	return models.Default()
}

// embedderFlags are those that newEmbedder reads.
func embedderFlags() []cli.Flag { return []cli.Flag{backendFlag(), threadsFlag(), modelsFlag()} }

// newEmbedder makes the embedder that --backend, --threads and --models describe.
func newEmbedder(c *cli.Context) (*embedding.Embedder, error) {
	backend, err := newBackend(c)
	if err != nil {
		return nil, err
	}
	model, err := loadModel(c)
	if err != nil {
		return nil, err
	}
	return embedding.New(backend, model)
}
