package train

import (
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
)

// spatialTransformerFlags attach one to the trunk.
func spatialTransformerFlags() []cli.Flag {
	standard := models.DefaultSpatialTransformer("")
	return []cli.Flag{
		&cli.StringFlag{Name: "spatial-transformer", EnvVars: flags.Env("spatial-transformer"), Usage: "`STAGE` of the trunk (input, stage1, stage2, …) where a network chooses which part of the crop goes on, by an affine map; without it all goes on"},
		&cli.StringFlag{Name: "spatial-transformer-padding", Value: "zero", EnvVars: flags.Env("spatial-transformer-padding"), Usage: "what lies beyond the crop's border: zero or border"},
		&cli.Float64Flag{Name: "spatial-transformer-weight", Value: standard.Weight, EnvVars: flags.Env("spatial-transformer-weight"), Usage: "how much the map's squared distance from the identity counts in the loss"},
	}
}

// attachSpatialTransformer reads spatialTransformerFlags.
func attachSpatialTransformer(c *cli.Context, options *training.TrunkOptions) error {
	stage := c.String("spatial-transformer")
	if stage == "" {
		for _, name := range []string{"spatial-transformer-padding", "spatial-transformer-weight"} {
			if flags.OnCommandLine(c, name) {
				return exit.WrongUsage(c, "--%s needs --spatial-transformer", name)
			}
		}
		return nil
	}
	backbone, err := options.Config.Trunk()
	if err != nil {
		return err
	}
	s := &models.SpatialTransformerConfig{Stage: stage, Weight: c.Float64("spatial-transformer-weight"), Padding: c.String("spatial-transformer-padding")}
	if err := s.Check(backbone); err != nil {
		return exit.WrongUsage(c, "%v", err)
	}
	if options.HalfSteps+options.FullSteps == 0 {
		return exit.WrongUsage(c, "a spatial transformer learns with the trunk, which takes no steps: give --half-steps or --full-steps")
	}
	options.Config.SpatialTransformer = s
	return nil
}
