package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

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
		terminal.Say(c, "There is nothing to measure with: %s.", toMeasureWith)
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
	metrics := shopFigures{Shop: after}
	if before != nil {
		metrics.Before = &shopFigures{Shop: *before}
	}
	measured := report.Figures{Tables: shopTables(before, after)}
	if err := put(c.Context, options.Work, registry.MetricsFile, writeJSON(metrics)); err != nil {
		return measured, err
	}
	return measured, writeShop(c, before, after)
}

// shopTables are the figures of a model, beside those of the one before, where there is one.
func shopTables(before *training.ShopFigures, after training.ShopFigures) []report.Table {
	var tables []report.Table
	if after.Queries > 0 {
		tables = append(tables, recallTable(before, after))
	}
	if of := after.Triplets; of != nil {
		t := report.Table{
			Title: "Triplets kept apart", Caption: fmt.Sprintf("how often people agree with the embedding in %d triplets with a photo of products kept apart", of.Triplets),
			Head: []string{"embedding", "agreed"}, Rows: [][]string{{"unsupervised", figureText(of.Unsupervised)}, {"DeepRank", figureText(of.DeepRank)}},
		}
		if before != nil {
			t.Head = append(t.Head, "before")
			t.Rows[0], t.Rows[1] = append(t.Rows[0], figureText(before.Triplets.Unsupervised)), append(t.Rows[1], figureText(before.Triplets.DeepRank))
		}
		tables = append(tables, t)
	}
	return tables
}
