package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/models"
)

// NetworkFigures is what `bench embed` and `bench train` print.
type NetworkFigures struct {
	Network         string  `json:"network"`
	Precision       string  `json:"precision"`
	Batch           int     `json:"batch"`
	Size            int     `json:"size"`
	ImagesPerSecond float64 `json:"images_per_second"`
	LatencyP50      float64 `json:"latency_ms_p50"` // of a batch
	LatencyP99      float64 `json:"latency_ms_p99"`
	PeakRSS         float64 `json:"peak_rss_mb"` // of the process so far, in 10⁶ bytes
}

// networkFlags are those that both commands have.
func networkFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "network", Value: "kleid-s", EnvVars: flags.Env("network"), Usage: strings.Join(models.BackboneNames(), ", ")},
		&cli.IntFlag{Name: "batch", Value: 8, EnvVars: flags.Env("batch"), Usage: "images at once"},
		&cli.IntFlag{Name: "size", Value: 224, EnvVars: flags.Env("size"), Usage: "height and width of the images in pixels"},
		&cli.Float64Flag{Name: "seconds", Value: 5, EnvVars: flags.Env("seconds"), Usage: "how long to measure"},
		flags.JSON(),
		open.BackendFlag(), open.ThreadsFlag(),
	}
}

// maxNumbers is how many numbers a batch may have: what a network makes of them takes ten times the memory.
const maxNumbers = 100_000_000

// networkOf checks the flags that both commands have and returns the backbone of --network.
func networkOf(c *cli.Context) (models.Backbone, error) {
	if err := flags.Positive(c, "batch", "size"); err != nil {
		return models.Backbone{}, err
	}
	batch, size := c.Int("batch"), c.Int("size")
	if numbers := float64(batch) * float64(size) * float64(size) * 3; numbers > maxNumbers {
		return models.Backbone{}, exit.WrongUsage(c, "%d images of %d px are %.3g numbers, but at most %d are measured: take a smaller --batch or --size", batch, size, numbers, maxNumbers)
	}
	if seconds := c.Float64("seconds"); !(seconds > 0) {
		return models.Backbone{}, exit.WrongUsage(c, "--seconds is %v, but must be more than 0", seconds)
	}
	backbone, err := models.BackboneByName(c.String("network"))
	if err != nil {
		return models.Backbone{}, exit.WrongUsage(c, "%v", err)
	}
	return backbone, nil
}

// randomImages are normally distributed pixels, [batch, size, size, 3].
func randomImages(batch, size int) *tensors.Tensor {
	rng := rand.New(rand.NewPCG(1, 1))
	pixels := make([]float32, batch*size*size*3)
	for i := range pixels {
		pixels[i] = float32(rng.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(pixels, batch, size, size, 3)
}

// measure times run, which works through a batch, for about so many seconds after two rounds that compile
// and warm up, and adds what it found to f.
func (f *NetworkFigures) measure(ctx context.Context, seconds float64, run func() error) error {
	for range 2 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := run(); err != nil {
			return err
		}
	}
	var latencies []float64
	begun := time.Now()
	// Once at least: a clock may be coarser than the shortest time that can be asked for.
	for len(latencies) == 0 || time.Since(begun).Seconds() < seconds {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := time.Now()
		if err := run(); err != nil {
			return err
		}
		latencies = append(latencies, 1000*time.Since(at).Seconds())
	}
	f.ImagesPerSecond = float64(len(latencies)*f.Batch) / time.Since(begun).Seconds()
	slices.Sort(latencies)
	f.LatencyP50, f.LatencyP99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	f.PeakRSS = float64(peakRSS()) / 1e6
	return nil
}

// print writes the figures as the flags want them.
func (f *NetworkFigures) print(c *cli.Context) error {
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(f)
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s %s, batch %d, %d px: %.1f images/s, %.1f ms a batch (p99 %.1f ms), at most %.0f MB of memory\n",
		f.Network, f.Precision, f.Batch, f.Size, f.ImagesPerSecond, f.LatencyP50, f.LatencyP99, f.PeakRSS)
	return err
}
