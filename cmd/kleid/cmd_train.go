package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/storage"
)

// trainCommand trains the model's parts: `train all` makes the shipped weights.
func trainCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "work", Value: "build/weights", EnvVars: env("work"), Usage: "folder or URL for checkpoints and the result; training goes on from what is there"},
		&cli.StringFlag{Name: "reference", EnvVars: env("reference"), Usage: "folder of labelled real photos; without it the model learns from painted dresses alone"},
		&cli.IntFlag{Name: "products", Value: training.DefaultPaintOptions().Products, EnvVars: env("products"), Usage: "painted dresses to learn from"},
		&cli.IntFlag{Name: "half-steps", Value: training.DefaultTrunkOptions().HalfSteps, EnvVars: env("half-steps"), Usage: "steps of the trunk at half the crop's size"},
		&cli.IntFlag{Name: "full-steps", Value: training.DefaultTrunkOptions().FullSteps, EnvVars: env("full-steps"), Usage: "steps of the trunk at full size"},
		&cli.StringFlag{Name: "trunk", Value: models.DefaultConfig().Backbone, EnvVars: env("trunk"), Usage: "backbone: " + strings.Join(models.BackboneNames(), ", ")},
		&cli.StringFlag{Name: "trunk-weights", EnvVars: env("trunk-weights"), Usage: "safetensors `FILE|URL` that the trunk starts from, with torchvision's or timm's names; with --half-steps 0 --full-steps 0 it stays as it is"},
		backendFlag(), threadsFlag(), modelsFlag(),
	}
	command := &cli.Command{
		Name:  "train",
		Usage: "train the model, or one of its parts, on painted and real photos",
		Description: `Examples:
  kleid train all --reference ../shared/data --work build/weights
  kleid train facets --reference ../shared/data --work build/facets
  kleid train all --trunk resnet18 --trunk-weights resnet18.safetensors --half-steps 0 --full-steps 0

"train all" goes from nothing to a model; it leaves checkpoints and goes on where it stopped. The
others train a part of the model named by --models (by default the shipped one) on its frozen trunk
and write WORK/model.safetensors, which --models reads.`,
		Subcommands: []*cli.Command{
			{Name: "all", Usage: "trunk and all heads, from nothing", Flags: flags, Action: func(c *cli.Context) error { return train(c, nil) }},
			{Name: "trunk", Usage: "the trunk alone, from nothing", Flags: flags, Action: func(c *cli.Context) error { return train(c, []string{}) }},
		},
	}
	for _, head := range []struct{ name, usage string }{
		{"projection", "the unsupervised embedding: a principal component analysis of the trunk's features"},
		{"background", "the background network: dress or background, for each place in a photo"},
		{"location", "the location network: the dress's box"},
		{"facets", "the facet heads"},
		{"deeprank", "the similarity embedding, from triplets"},
	} {
		command.Subcommands = append(command.Subcommands, &cli.Command{
			Name: head.name, Usage: head.usage, Flags: flags,
			Action: func(c *cli.Context) error { return train(c, []string{head.name}) },
		})
	}
	return command
}

// train runs training.Make. heads nil means a whole model, empty a trunk alone, else those heads of an
// existing model.
func train(c *cli.Context, heads []string) error {
	if err := positive(c, "products"); err != nil {
		return err
	}
	if err := notNegative(c, "half-steps", "full-steps"); err != nil {
		return err
	}
	if _, err := models.BackboneByName(c.String("trunk")); err != nil {
		return wrongUsage(c, "%v", err)
	}
	work, err := storage.Open(c.Context, c.String("work"))
	if err != nil {
		return err
	}
	backend, err := newBackend(c)
	if err != nil {
		return err
	}
	options := training.Options{
		Backend: backend, Work: work, Logger: logger(c), Heads: heads,
		Trunk: training.DefaultTrunkOptions(), Paint: training.DefaultPaintOptions(),
	}
	options.Paint.Products = c.Int("products")
	options.Trunk.HalfSteps, options.Trunk.FullSteps = c.Int("half-steps"), c.Int("full-steps")
	if options.Trunk.Config, err = models.ConfigFor(c.String("trunk")); err != nil {
		return wrongUsage(c, "%v", err)
	}
	if url := c.String("trunk-weights"); url != "" {
		if options.Trunk.Initial, err = models.LoadWeights(c.Context, url); err != nil {
			return err
		}
	}
	if dir := c.String("reference"); dir != "" {
		if options.Reference, err = datasets.OpenReference(dir); err != nil {
			return err
		}
	}
	if len(heads) > 0 {
		if options.From, err = loadModel(c); err != nil {
			return err
		}
	}
	model, err := training.Make(c.Context, options)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "wrote model.safetensors to %s: %d parameters, embedding model %s\n", c.String("work"), model.Weights.Parameters(), model.EmbeddingModel())
	return nil
}
