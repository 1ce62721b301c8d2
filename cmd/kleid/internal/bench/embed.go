package bench

import (
	"fmt"

	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/output"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models"
)

// embedCommand measures a backbone's forward pass, up to global average pooling.
func embedCommand() *cli.Command {
	return &cli.Command{
		Name:  "embed",
		Usage: "images a second through a network",
		Description: `The features are those after global average pooling. peak_rss_mb is the most memory that the process has
held, in 10⁶ bytes.

--weights is a safetensors file with torchvision's names and layouts, batch normalisation apart, as
torchvision and timm write it; a classifier's last layer in it is left out. --input is a safetensors file
with the tensor x, [n, 3, size, size], float32 and normalised; it is measured instead of random images, and
all of x is run once and its features written to --output as the tensor y, [n, features].

Examples:
  kleid bench embed --network resnet18 --batch 8 --threads 2 --seconds 5
  kleid bench embed --network resnet50 --weights resnet50.safetensors --input x.safetensors --output y.safetensors`,
		Flags: append(networkFlags(),
			precisionFlag(),
			&cli.BoolFlag{Name: "random-weights", Value: true, EnvVars: flags.Env("random-weights"), Usage: "measure with random weights, which are as fast as any, where there is no --weights"},
			&cli.StringFlag{Name: "weights", EnvVars: flags.Env("weights"), Usage: "the network's weights: a safetensors `FILE`, or an https:// or s3:// URL"},
			&cli.StringFlag{Name: "input", EnvVars: flags.Env("input"), Usage: "images: a safetensors `FILE` with the tensor x"},
			&cli.StringFlag{Name: "output", EnvVars: flags.Env("output"), Usage: "where to write the images' features: a safetensors `FILE`"},
		),
		Action: embed,
	}
}

func embed(c *cli.Context) error {
	backbone, err := networkOf(c)
	if err != nil {
		return err
	}
	precision, err := precisionOf(c)
	if err != nil {
		return err
	}
	if (c.String("input") == "") != (c.String("output") == "") {
		return exit.WrongUsage(c, "--input and --output go together")
	}
	if !c.Bool("random-weights") && c.String("weights") == "" {
		return exit.WrongUsage(c, "without random weights it needs --weights")
	}
	var out *output.File
	if c.String("output") != "" {
		if out, err = output.Create(c, "output", c.String("input"), c.String("weights")); err != nil {
			return err
		}
		defer out.Close()
	}
	backend, err := open.Backend(c)
	if err != nil {
		return err
	}
	f := NetworkFigures{Network: backbone.Name, Precision: string(precision), Batch: c.Int("batch"), Size: c.Int("size")}

	var input *imageFile
	if path := c.String("input"); path != "" {
		if input, err = readImages(path); err != nil {
			return err
		}
		if flags.OnCommandLine(c, "size") && f.Size != input.size {
			return exit.WrongUsage(c, "--size is %d, but the images of %s have %d pixels", f.Size, path, input.size)
		}
		f.Size = input.size
	}
	net := models.NewRandomNet(1)
	if url := c.String("weights"); url != "" {
		weights, err := models.LoadWeights(c.Context, url)
		if err != nil {
			return err
		}
		if trunk := weights.Sub("trunk."); len(trunk) > 0 { // a model of Kleid
			weights = trunk
		}
		net = models.NewFrozenNet(weights)
	}
	var batch, sample *tensors.Tensor
	if input != nil {
		batch, sample = input.batch(0, f.Batch), input.batch(0, input.count)
	} else {
		batch = randomImages(f.Batch, f.Size)
		sample = batch
	}
	exec, err := newFeatures(backend, backbone, net, precision, sample)
	if err != nil {
		return err
	}
	if input != nil {
		y, err := input.features(c.Context, exec, f.Batch, backbone.Channels)
		if err != nil {
			return fmt.Errorf("%s: %w", backbone.Name, err)
		}
		if err := writeFeatures(out, y); err != nil {
			return err
		}
	}
	err = f.measure(c.Context, c.Float64("seconds"), func() error {
		out, err := exec.Exec1(batch)
		if err != nil {
			return fmt.Errorf("%s: %w", backbone.Name, err)
		}
		return out.FinalizeAll()
	})
	if err != nil {
		return err
	}
	if unused := net.Unused(); len(unused) > 0 {
		terminal.Say(c, "%s has no use for %d of the weights, such as %q: are they another network's?", backbone.Name, len(unused), unused[0])
	}
	return f.print(c)
}
