package train

import (
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
)

// largestCrop bounds the sides of --crop, in pixels: beyond, photos of shops are not sharp.
const largestCrop = 1024

// attachToTrunk reads what is said of a trunk, whichever it is.
func attachToTrunk(c *cli.Context, options *training.TrunkOptions) error {
	if err := setCrop(c, &options.Config); err != nil {
		return err
	}
	return attachSpatialTransformer(c, options)
}

// setCrop reads --crop.
func setCrop(c *cli.Context, config *models.Config) error {
	if !c.IsSet("crop") {
		return nil
	}
	height, width, err := size(c, "crop", "288x192")
	if err != nil {
		return err
	}
	if o := config.ONNX; o != nil && o.Height > 0 && (o.Height != height || o.Width != width) {
		return exit.WrongUsage(c, "--crop is %dx%d, but the trunk's file says that it reads %dx%d", height, width, o.Height, o.Width)
	}
	backbone, err := config.Trunk()
	if err != nil {
		return err
	}
	s := backbone.Stride
	if height%s != 0 || width%s != 0 || min(height, width) < 2*s || max(height, width) > largestCrop {
		return exit.WrongUsage(c, "--crop is %dx%d, but sides must be multiples of %d, the trunk's stride, from %d to %d; such as %dx%d", height, width, s, 2*s, largestCrop, models.RoundUp(288, s), models.RoundUp(192, s))
	}
	config.CropHeight, config.CropWidth = height, width
	return nil
}
