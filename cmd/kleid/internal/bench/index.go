package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/index"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/indexer"
)

// IndexFigures is what `bench index` prints.
type IndexFigures struct {
	Photos          int                `json:"photos"`
	OK              int                `json:"ok"`
	NoDress         int                `json:"no_dress"`
	Unreadable      int                `json:"unreadable"`
	Embedded        int                `json:"embedded"` // photos that are different and can be read
	Seconds         float64            `json:"seconds"`
	ImagesPerSecond float64            `json:"images_per_second"`
	Stages          map[string]float64 `json:"stages"` // seconds
	Work            map[string]float64 `json:"work"`   // seconds, of all goroutines together
	// WorkShares is Work by what took it, as shares of the job's time.
	WorkShares map[string]float64 `json:"work_shares"`
	// NetworksAlone is the embedded photos a second of the networks on ready inputs in full batches, with nothing else
	// at work, measured after the job on the same photos.
	NetworksAlone float64 `json:"networks_images_per_second"`
	// PipelineEfficiency is Embedded by Seconds, divided by NetworksAlone.
	PipelineEfficiency float64 `json:"pipeline_efficiency"`
	PeakRSS            float64 `json:"peak_rss_mb"` // of the process after the first job, in 10⁶ bytes
}

// indexCommand measures the whole way from files to a published index, into a folder that goes again.
func indexCommand() *cli.Command {
	return &cli.Command{
		Name:  "index",
		Usage: "photos a second through the whole pipeline: read, locate, embed, write, publish",
		Description: `Makes an index in a folder that goes again, then runs the networks alone on the same photos, decoded and scaled
beforehand. The quotient of the two rates is the pipeline's efficiency. Reading and embedding overlap, so
their shares of the time add up to more than one. The networks are compiled before the time begins. On a
machine that others use, too, take several rounds: the fastest job and the fastest networks count.

Examples:
  kleid bench index --catalogue photos/
  kleid bench index --catalogue photos/ --rounds 3 --json
  kleid bench index --products 50`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "catalogue", EnvVars: flags.Env("catalogue"), Usage: "folder of photos, or a .csv or .jsonl `FILE`", DefaultText: "painted dresses"},
			&cli.IntFlag{Name: "products", Value: 50, EnvVars: flags.Env("bench-products"), Usage: "`N` dresses to paint, three photos of each, where nothing else is named"},
			&cli.IntFlag{Name: "workers", EnvVars: flags.Env("workers"), Usage: "`N` photos to read at once", DefaultText: "one for each CPU"},
			&cli.IntFlag{Name: "rounds", Value: 1, EnvVars: flags.Env("rounds"), Usage: "`N` times both"},
			flags.JSON(),
		}, open.EmbedderFlags()...),
		Action: runIndex,
	}
}

func runIndex(c *cli.Context) error {
	if err := flags.Positive(c, "products", "rounds"); err != nil {
		return err
	}
	if err := flags.NotNegative(c, "workers"); err != nil {
		return err
	}
	embedder, err := open.Embedder(c)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kleid-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := terminal.NewProgress(c)
	defer p.End()
	catalogue := c.String("catalogue")
	if catalogue == "" {
		painted := filepath.Join(dir, "catalogue")
		err := studio.WriteCatalogue(c.Context, painted, studio.Products("bench", 1, c.Int("products")), 3, func(done, total int) {
			p.Show("paint", done, total, "")
		})
		if err != nil {
			return err
		}
		catalogue = filepath.Join(painted, "catalogue.csv")
	}
	if err := warmUp(c.Context, embedder); err != nil {
		return err
	}
	var f IndexFigures
	for round := range c.Int("rounds") {
		out := filepath.Join(dir, fmt.Sprintf("index-%d", round))
		report, err := index.Run(c.Context, p, "embedded:"+out, indexer.Options{
			Catalogue: catalogue, Out: out, Embedder: embedder, Workers: c.Int("workers"), MaxBad: 1,
		}, indexer.Run)
		p.End()
		if err != nil {
			return err
		}
		f.take(report)
		alone, photos, err := networksAlone(c.Context, catalogue, out, embedder, func(done, total int) { p.Show("networks", done, total, "") })
		p.End()
		if err != nil {
			return err
		}
		if alone > 0 {
			f.NetworksAlone = max(f.NetworksAlone, float64(photos)/alone.Seconds())
		}
	}
	if f.NetworksAlone > 0 {
		f.PipelineEfficiency = float64(f.Embedded) / f.Seconds / f.NetworksAlone
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(f)
	}
	_, err = io.WriteString(c.App.Writer, f.text())
	return err
}

// take keeps the figures of a job if it is the fastest so far.
func (f *IndexFigures) take(report indexer.Report) {
	if f.ImagesPerSecond >= report.ImagesPerSecond {
		return
	}
	peak := f.PeakRSS
	if peak == 0 {
		peak = float64(peakRSS()) / 1e6
	}
	*f = IndexFigures{
		Photos: report.Photos, OK: report.OK, NoDress: report.NoDress, Unreadable: report.Unreadable, Embedded: report.Embedded,
		Seconds: report.Seconds, ImagesPerSecond: report.ImagesPerSecond, Stages: report.Stages, Work: report.Work,
		WorkShares: make(map[string]float64), NetworksAlone: f.NetworksAlone, PeakRSS: peak,
	}
	for kind, seconds := range f.Work {
		f.WorkShares[kind] = seconds / f.Seconds
	}
}

func (f *IndexFigures) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d photos in %.1f s: %.1f photos/s (%d with a dress, %d without, %d unreadable)\n",
		f.Photos, f.Seconds, f.ImagesPerSecond, f.OK, f.NoDress, f.Unreadable)
	fmt.Fprintf(&b, "networks alone: %.1f photos/s; pipeline efficiency %.2f; peak memory %.0f MB\n",
		f.NetworksAlone, f.PipelineEfficiency, f.PeakRSS)
	for _, kind := range []string{
		indexer.WorkRead, indexer.WorkHash, indexer.WorkDecode, indexer.WorkThumbnails, indexer.WorkQueue,
		indexer.WorkWaiting, indexer.WorkScale, indexer.WorkNetworks, indexer.WorkJournal,
		indexer.WorkParquet, indexer.WorkStore, indexer.WorkVerify,
	} {
		fmt.Fprintf(&b, "%-10s %7.2f s  %5.1f%%  %7.3f ms a photo\n", kind, f.Work[kind], 100*f.WorkShares[kind], 1e3*f.Work[kind]/float64(f.Photos))
	}
	return b.String()
}
