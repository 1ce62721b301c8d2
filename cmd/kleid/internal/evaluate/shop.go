package evaluate

import (
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/tables"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models/training"
)

// evaluateShop measures the embeddings on the products of --catalogue that trainings keep apart, as those do.
func evaluateShop(c *cli.Context) error {
	for _, name := range []string{"reference", "dresses", "folds", "mining"} {
		if flags.OnCommandLine(c, name) {
			return exit.WrongUsage(c, "--catalogue and --%s exclude each other", name)
		}
	}
	if err := c.Set("reference", ""); err != nil { // of the environment, perhaps
		return err
	}
	limit, err := maxbad.Of(c)
	if err != nil {
		return err
	}
	progress := terminal.NewProgress(c)
	defer progress.End()
	options := training.Options{Heads: []string{}, Logger: progress.Logger(), Watch: progress.WatchTraining()}
	if options.Backend, err = open.Backend(c); err != nil {
		return err
	}
	if options.From, err = open.Model(c); err != nil {
		return err
	}
	shop, _, err := learning.ReadShop(c, options)
	if err != nil {
		return err
	}
	list := maxbad.NewList(c, progress, limit)
	if err := list.TakeKinds(maxbad.Kind{Name: "photos", Bad: shop.Bad, Total: shop.Total}, maxbad.Kind{Name: "triplets", Bad: shop.BadTriplets, Total: shop.TotalTriplets}); err != nil {
		return err
	}
	figures, err := shop.Measure(c.Context, options, options.From)
	if err != nil {
		return err
	}
	progress.End()
	if figures.Queries == 0 && figures.Triplets == nil {
		return fmt.Errorf("there is nothing to measure with: %s", learning.ToMeasureWith)
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(learning.ShopFigures{Shop: figures})
	}
	return tables.Shop(c, nil, figures)
}
