package train

import (
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
)

// teacherComponents is to how many numbers a cell of each of the teacher's stages is brought.
const teacherComponents = 192

// teacherFlag names the weights of a pretrained network.
func teacherFlag() cli.Flag {
	return &cli.StringFlag{Name: "teacher", EnvVars: flags.Env("teacher"), Usage: "safetensors `FILE` or URL of Inception v3 (TensorFlow's of 2015, as far as mixed_8), whose features of the real photos the trunk learns to see; without it the trunk learns of them by itself"}
}

// teacher reads teacherFlag; nil where it is not given.
func teacher(c *cli.Context) (*training.Teacher, error) {
	url := c.String("teacher")
	if url == "" {
		return nil, nil
	}
	weights, err := models.LoadWeights(c.Context, url)
	if err != nil {
		return nil, err
	}
	return &training.Teacher{Weights: weights, Components: teacherComponents}, nil
}
