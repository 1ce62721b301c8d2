package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/models"
)

// benchPrecision is in what numbers a network computes.
type benchPrecision string

const (
	float32Precision  benchPrecision = "f32"
	bfloat16Precision benchPrecision = "bf16"
	int8Precision     benchPrecision = "int8"
)

// benchPrecisions are those that --precision takes.
var benchPrecisions = []benchPrecision{float32Precision, bfloat16Precision, int8Precision}

func precisionFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "precision", Value: string(float32Precision), EnvVars: flags.Env("precision"),
		Usage: "f32, bf16 or int8, which calibrates on the images that it measures",
	}
}

// precisionOf reads --precision.
func precisionOf(c *cli.Context) (benchPrecision, error) {
	p := benchPrecision(c.String("precision"))
	if !slices.Contains(benchPrecisions, p) {
		return "", exit.WrongUsage(c, "--precision is %q, but must be one of %s", p, strings.Trim(fmt.Sprint(benchPrecisions), "[]"))
	}
	return p, nil
}

// newFeatures prepares a backbone with net's constant weights, up to global average pooling: images
// [batch, height, width, 3] to features [batch, channels]. The sample are images that a precision may
// calibrate on.
func newFeatures(backend backends.Backend, backbone models.Backbone, net *models.Net, precision benchPrecision, sample *tensors.Tensor) (*graph.Exec, error) {
	switch precision {
	case int8Precision:
		var err error
		if net, err = backbone.Quantise(backend, net, sample); err != nil {
			return nil, fmt.Errorf("%s in int8: %w", backbone.Name, err)
		}
	case bfloat16Precision:
		net = net.InBFloat16()
	}
	return graph.NewExec(backend, func(x *graph.Node) *graph.Node {
		return backbone.Features(net, x)
	})
}
