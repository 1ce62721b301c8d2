package evaluate

import (
	"encoding/json"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/demo"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/tables"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/evaluation"
)

// PaintedFigures is what `evaluate painted --json` prints. Their names begin with "painted", so that a registry does not
// take them for those of real photos.
type PaintedFigures struct {
	Painted struct {
		Location evaluation.LocationReport `json:"location"`
		Facets   []evaluation.FacetReport  `json:"facets"`
	} `json:"painted"`
}

// paintedCommand measures on painted customers' photos, of which the truth is known whole.
func paintedCommand() *cli.Command {
	return &cli.Command{
		Name:  "painted",
		Usage: "location and facets on painted customers' photos",
		Description: `Prints what location and facets print, on the photos that kleid demo --once with the same --seed, --products and
--queries searches with.

Examples:
  kleid evaluate painted --queries 2000 --seed 7
  kleid evaluate painted --models kleid-s-int8.safetensors --json`,
		Flags: append([]cli.Flag{
			&cli.Uint64Flag{Name: "seed", Value: 1, EnvVars: flags.Env("seed"), Usage: "`N` chooses the dresses"},
			&cli.IntFlag{Name: "products", Value: 200, EnvVars: flags.Env("evaluate-products"), Usage: "`N` dresses"},
			&cli.IntFlag{Name: "queries", Value: demo.Queries, EnvVars: flags.Env("evaluate-queries"), Usage: "`N` photos"},
			flags.JSON(),
		}, open.EmbedderFlags()...),
		Action: evaluatePainted,
	}
}

func evaluatePainted(c *cli.Context) error {
	if err := flags.Positive(c, "products", "queries"); err != nil {
		return err
	}
	embedder, err := open.Embedder(c)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kleid-evaluate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := terminal.NewProgress(c)
	defer p.End()
	products := studio.Products(demo.Domain, c.Uint64("seed"), c.Int("products"))
	err = studio.WriteQueries(c.Context, dir, products, c.Int("queries"), func(done, total int) { p.Show("paint", done, total, "") })
	if err != nil {
		return err
	}
	p.End()
	examples, err := studio.ReadTruth(dir)
	if err != nil {
		return err
	}
	part := evaluation.Part{Embedder: embedder, Examples: examples}
	var figures PaintedFigures
	f := &figures.Painted
	if f.Location, err = evaluation.Location(c.Context, part); err != nil {
		return err
	}
	if f.Facets, err = evaluation.Facets(c.Context, embedder.Metadata().Facets, true, evaluation.Counting{Least: evaluation.MinCount}, part); err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(figures)
	}
	row := tables.New(c)
	row(tables.LocationHead)
	tables.Location(row, "painted", f.Location)
	row("")
	tables.Facets(row, f.Facets)
	return nil
}
