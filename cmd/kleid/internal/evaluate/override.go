package evaluate

import (
	"encoding/json"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/tables"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/evaluation"
)

// overrideCommand measures the search for the same dress with another facet, on painted dresses.
func overrideCommand() *cli.Command {
	return &cli.Command{
		Name:  "override",
		Usage: "is the same dress with another neckline, sleeve, … or colour found",
		Description: `Searches with painted customers' photos for the dress's sibling: the same cloth, but one or two facets
differ, or the colour alone. The gallery is what has the sibling's label, by the truth or by what the model
predicts. Prints how often the sibling comes first, among the first five, and its mean reciprocal rank: with
the query's vector as it is, with the facet taken out of it (what search --ignore does), with the facet taken out
of both sides (the cosine of what is left), and with that of the dresses of the wanted label in its place.

Examples:
  kleid evaluate override
  kleid evaluate override --products 1200 --models build/override/model.safetensors --json`,
		Flags: append([]cli.Flag{
			&cli.Uint64Flag{Name: "seed", Value: 1, EnvVars: flags.Env("seed"), Usage: "`N` chooses the dresses"},
			&cli.IntFlag{Name: "products", Value: 600, EnvVars: flags.Env("evaluate-products"), Usage: "`N` dresses, and their siblings in other colours"},
			flags.JSON(),
		}, open.EmbedderFlags()...),
		Action: evaluateOverride,
	}
}

func evaluateOverride(c *cli.Context) error {
	if err := flags.Positive(c, "products"); err != nil {
		return err
	}
	embedder, err := open.Embedder(c)
	if err != nil {
		return err
	}
	p := terminal.NewProgress(c)
	defer p.End()
	report, err := evaluation.Override(c.Context, embedder, c.Uint64("seed"), c.Int("products"), func(done, total int) { p.Show("paint and embed", done, total, "") })
	if err != nil {
		return err
	}
	p.End()
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(report)
	}
	row := tables.New(c)
	row("embedding\tgallery\tfacet\tsearches\tmethod\tfirst\tfirst five\treciprocal rank")
	for _, r := range report {
		// The facets one by one for what searches do by default; the JSON has all.
		if r.Facet != "all" && (r.Embedding != "deeprank" || r.Gallery != "true" || r.Method != evaluation.OverridePlain && r.Method != evaluation.OverrideIgnore) {
			continue
		}
		row("%s\t%s\t%s\t%d\t%s\t%.3f\t%.3f\t%.3f", r.Embedding, r.Gallery, r.Facet, r.Searches, r.Method, r.First, r.FirstFive, r.ReciprocalRank)
	}
	row("")
	return nil
}
