package train

import (
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/tables"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/registry"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/report"
)

// measureShop prints how well the model finds the products that are apart, beside the one it comes from, and writes
// that for kleid models push and for the report.
func measureShop(c *cli.Context, options training.Options, model *models.Model) (report.Figures, error) {
	after, err := options.Shop.Measure(c.Context, options, model)
	if err != nil {
		return report.Figures{}, err
	}
	if after.Queries == 0 && after.Triplets == nil {
		terminal.Say(c, "There is nothing to measure with: %s.", learning.ToMeasureWith)
		return report.Figures{}, nil
	}
	var before *training.ShopFigures
	if options.From.Embeds() { // a trunk alone has nothing to compare with
		figures, err := options.Shop.Measure(c.Context, options, options.From)
		if err != nil {
			return report.Figures{}, err
		}
		before = &figures
	}
	metrics := learning.ShopFigures{Shop: after}
	if before != nil {
		metrics.Before = &learning.ShopFigures{Shop: *before}
	}
	measured := report.Figures{Tables: tables.ShopReport(before, after)}
	if err := put(c.Context, options.Work, registry.MetricsFile, writeJSON(metrics)); err != nil {
		return measured, err
	}
	return measured, tables.Shop(c, before, after)
}
