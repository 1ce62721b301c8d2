package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/models"
)

// networkFigures is what `bench embed` and `bench train` print.
type networkFigures struct {
	Network         string  `json:"network"`
	Precision       string  `json:"precision"`
	Batch           int     `json:"batch"`
	Size            int     `json:"size"`
	ImagesPerSecond float64 `json:"images_per_second"`
	LatencyP50      float64 `json:"latency_ms_p50"` // of a batch
	LatencyP99      float64 `json:"latency_ms_p99"`
}

func benchNetworkFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "network", Value: "kleid-s", EnvVars: env("network"), Usage: strings.Join(models.BackboneNames(), ", ")},
		&cli.IntFlag{Name: "batch", Value: 8, EnvVars: env("batch"), Usage: "images at once"},
		&cli.IntFlag{Name: "size", Value: 224, EnvVars: env("size"), Usage: "height and width of the images in pixels"},
		&cli.Float64Flag{Name: "seconds", Value: 5, EnvVars: env("seconds"), Usage: "how long to measure"},
		&cli.BoolFlag{Name: "random-weights", Value: true, EnvVars: env("random-weights"), Usage: "measure with random weights, which are as fast as any; there is no other choice yet"},
		jsonFlag(),
		backendFlag(), threadsFlag(),
	}
}

// benchEmbedCommand measures a backbone's forward pass, up to global average pooling.
func benchEmbedCommand() *cli.Command {
	return &cli.Command{
		Name: "embed", Usage: "images a second through a network", Flags: benchNetworkFlags(),
		Description: "Example:\n  kleid bench embed --network resnet18 --batch 8 --threads 2 --seconds 5",
		Action: func(c *cli.Context) error {
			return benchNetwork(c, func(backend backends.Backend, backbone models.Backbone, pixels *tensors.Tensor) (func() error, error) {
				exec, err := graph.NewExec(backend, func(x *graph.Node) *graph.Node {
					return models.GlobalAveragePool(backbone.Build(models.NewRandomNet(1).In("trunk"), x))
				})
				if err != nil {
					return nil, err
				}
				return func() error {
					out, err := exec.Exec1(pixels)
					if err != nil {
						return err
					}
					return out.FinalizeAll()
				}, nil
			})
		},
	}
}

// benchTrainCommand measures forward, backward and AdamW's update of a backbone with a classifier of
// ten classes.
func benchTrainCommand() *cli.Command {
	return &cli.Command{
		Name: "train", Usage: "images a second through a training step", Flags: benchNetworkFlags(),
		Description: "Example:\n  kleid bench train --network resnet18 --batch 16 --size 128",
		Action: func(c *cli.Context) error {
			return benchNetwork(c, func(backend backends.Backend, backbone models.Backbone, pixels *tensors.Tensor) (func() error, error) {
				const classes = 10
				targets := make([]float32, c.Int("batch")*classes)
				for i := range c.Int("batch") {
					targets[i*classes+i%classes] = 1
				}
				y := tensors.FromFlatDataAndDimensions(targets, c.Int("batch"), classes)
				trainer, err := models.NewTrainer(backend, func(net *models.Net, inputs []*graph.Node) []*graph.Node {
					features := models.GlobalAveragePool(backbone.Build(net.In("trunk"), inputs[0]))
					return []*graph.Node{models.CrossEntropy(net.Linear("classes", features, classes), inputs[1])}
				}, models.TrainerOptions{Seed: 1})
				if err != nil {
					return nil, err
				}
				return func() error {
					_, err := trainer.Step(1e-4, pixels, y)
					return err
				}, nil
			})
		},
	}
}

// benchNetwork times what prepare returns, after two rounds that compile and warm up.
func benchNetwork(c *cli.Context, prepare func(backends.Backend, models.Backbone, *tensors.Tensor) (func() error, error)) error {
	if err := positive(c, "batch", "size"); err != nil {
		return err
	}
	if seconds := c.Float64("seconds"); !(seconds > 0) {
		return wrongUsage(c, "--seconds is %v, but must be more than 0", seconds)
	}
	if !c.Bool("random-weights") {
		return wrongUsage(c, "networks are measured with random weights only: leave out --random-weights=false")
	}
	backbone, err := models.BackboneByName(c.String("network"))
	if err != nil {
		return wrongUsage(c, "%v", err)
	}
	backend, err := newBackend(c)
	if err != nil {
		return err
	}
	f := networkFigures{Network: backbone.Name, Precision: "f32", Batch: c.Int("batch"), Size: c.Int("size")}
	rng := rand.New(rand.NewPCG(1, 1))
	pixels := make([]float32, f.Batch*f.Size*f.Size*3)
	for i := range pixels {
		pixels[i] = float32(rng.NormFloat64())
	}
	run, err := prepare(backend, backbone, tensors.FromFlatDataAndDimensions(pixels, f.Batch, f.Size, f.Size, 3))
	if err != nil {
		return err
	}
	for range 2 {
		if err := run(); err != nil {
			return err
		}
	}
	var latencies []float64
	begun := time.Now()
	// Once at least: a clock may be coarser than the shortest time that can be asked for.
	for len(latencies) == 0 || time.Since(begun).Seconds() < c.Float64("seconds") {
		at := time.Now()
		if err := run(); err != nil {
			return err
		}
		latencies = append(latencies, 1000*time.Since(at).Seconds())
	}
	f.ImagesPerSecond = float64(len(latencies)*f.Batch) / time.Since(begun).Seconds()
	slices.Sort(latencies)
	f.LatencyP50, f.LatencyP99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(f)
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s %s, batch %d, %d px: %.1f images/s, %.1f ms a batch (p99 %.1f ms)\n",
		f.Network, f.Precision, f.Batch, f.Size, f.ImagesPerSecond, f.LatencyP50, f.LatencyP99)
	return err
}
