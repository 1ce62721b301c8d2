package train

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/storage"
)

// onnxPrefix names a trunk from a file, as in onnx:model.onnx.
const onnxPrefix = "onnx:"

// onnxFlags say of such a trunk what its file does not.
func onnxFlags() []cli.Flag {
	standard := models.DefaultONNXOptions()
	return []cli.Flag{
		&cli.StringFlag{Name: "onnx-layer", EnvVars: flags.Env("onnx-layer"), Usage: "`NAME` of the output or operation that gives the features; without it the last one that has a place for each part of the photo"},
		&cli.StringFlag{Name: "onnx-mean", Value: joined(standard.Mean), EnvVars: flags.Env("onnx-mean"), Usage: "`R,G,B` that are taken from the pixels, in 0..1"},
		&cli.StringFlag{Name: "onnx-deviation", Value: joined(standard.Deviation), EnvVars: flags.Env("onnx-deviation"), Usage: "`R,G,B` that the pixels are then divided by"},
		&cli.StringFlag{Name: "onnx-size", EnvVars: flags.Env("onnx-size"), Usage: "`HEIGHTxWIDTH` in pixels of what it reads, where its file does not tell"},
	}
}

func joined(v [3]float32) string { return fmt.Sprintf("%v,%v,%v", v[0], v[1], v[2]) }

// trunkConfig reads which network the trunk is: one of Kleid's own, or a file's with its weights, which stay as
// they are unless steps are asked for.
func trunkConfig(c *cli.Context, options *training.TrunkOptions) error {
	name := c.String("trunk")
	file, ok := strings.CutPrefix(name, onnxPrefix)
	var err error
	if !ok {
		for _, flag := range onnxFlags() {
			if flags.OnCommandLine(c, flag.Names()[0]) {
				return exit.WrongUsage(c, "--%s is for a trunk %sFILE", flag.Names()[0], onnxPrefix)
			}
		}
		if options.Config, err = models.ConfigFor(name); err != nil {
			return exit.WrongUsage(c, "%v, or %sFILE", err, onnxPrefix)
		}
		return attachToTrunk(c, options)
	}
	if flags.OnCommandLine(c, "trunk-weights") {
		return exit.WrongUsage(c, "--trunk-weights are not for a trunk %sFILE, whose file has its weights", onnxPrefix)
	}
	o := models.DefaultONNXOptions()
	o.Layer = c.String("onnx-layer")
	if o.Mean, err = threeNumbers(c, "onnx-mean"); err != nil {
		return err
	}
	if o.Deviation, err = threeNumbers(c, "onnx-deviation"); err != nil {
		return err
	}
	if c.String("onnx-size") != "" {
		if o.Height, o.Width, err = size(c, "onnx-size", "224x224"); err != nil {
			return err
		}
	}
	if err := o.Check(); err != nil {
		return exit.WrongUsage(c, "%v", err)
	}
	if !c.IsSet("half-steps") && !c.IsSet("full-steps") {
		options.HalfSteps, options.FullSteps = 0, 0
	}
	backend, err := open.Backend(c)
	if err != nil {
		return err
	}
	defer backend.Finalize()
	network, weights, err := models.LoadONNX(c.Context, backend, file, o)
	if err != nil {
		return err
	}
	options.Initial = weights
	if options.Config, err = models.ConfigForONNX(network); err != nil {
		return err
	}
	options.Config.Notes = map[string]string{models.NoteTrunk: path.Base(filepath.ToSlash(storage.WithoutSecrets(file)))}
	terminal.Say(c, "the trunk's features are layer %q: %d channels, a cell for %d x %d pixels", network.Layer, network.Channels, network.Stride, network.Stride)
	return attachToTrunk(c, options)
}

// size reads a flag's HEIGHTxWIDTH in pixels.
func size(c *cli.Context, flag, example string) (height, width int, err error) {
	text := c.String(flag)
	if _, err := fmt.Sscanf(text, "%dx%d", &height, &width); err != nil || fmt.Sprintf("%dx%d", height, width) != text {
		return 0, 0, exit.WrongUsage(c, "--%s is %q, but takes HEIGHTxWIDTH, such as %s", flag, text, example)
	}
	return height, width, nil
}

func threeNumbers(c *cli.Context, flag string) (v [3]float32, err error) {
	parts := strings.Split(c.String(flag), ",")
	wrong := len(parts) != len(v)
	for i, part := range parts {
		f, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		if wrong = wrong || err != nil; wrong {
			return v, exit.WrongUsage(c, "--%s is %q, but takes three numbers with commas between them", flag, c.String(flag))
		}
		v[i] = float32(f)
	}
	return v, nil
}
