package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
)

// shopFigures are the metricsFile of a training on a shop's products.
type shopFigures struct {
	Shop   training.ShopFigures `json:"shop"`
	Before *shopFigures         `json:"before,omitempty"` // the model that was trained from, see registry.OfParent
}

// measureShop prints how well the model finds the products that are apart, beside the one it comes from, and writes
// that for kleid models push.
func measureShop(c *cli.Context, options training.Options, model *models.Model) error {
	after, err := options.Shop.Measure(c.Context, options, model)
	if err != nil {
		return err
	}
	if after.Queries == 0 && after.Triplets == nil {
		say(c, "There is nothing to measure with: %s.", toMeasureWith)
		return nil
	}
	var before *training.ShopFigures
	if options.From.Embeds() { // a trunk alone has nothing to compare with
		figures, err := options.Shop.Measure(c.Context, options, options.From)
		if err != nil {
			return err
		}
		before = &figures
	}
	metrics := shopFigures{Shop: after}
	if before != nil {
		metrics.Before = &shopFigures{Shop: *before}
	}
	if err := put(c.Context, options.Work, metricsFile, writeJSON(metrics)); err != nil {
		return err
	}
	return writeShop(c, before, after)
}

// toMeasureWith is what it takes to measure.
const toMeasureWith = "that takes a product of two photos that is kept apart, and another one"

// writeShop prints the figures of a model, beside those of the one before, where there is one.
func writeShop(c *cli.Context, before *training.ShopFigures, after training.ShopFigures) error {
	if after.Queries > 0 {
		if err := writeRecall(c, before, after); err != nil {
			return err
		}
	}
	if after.Triplets != nil {
		was := ""
		if before != nil {
			was = fmt.Sprintf("; before: %.3f and %.3f", before.Triplets.Unsupervised, before.Triplets.DeepRank)
		}
		fmt.Fprintf(c.App.Writer, "of %d triplets with a photo of those, people agree with the unsupervised embedding in %.3f and with DeepRank in %.3f%s\n",
			after.Triplets.Triplets, after.Triplets.Unsupervised, after.Triplets.DeepRank, was)
	}
	return nil
}

// writeRecall prints how often another photo of a product comes first, and warns where that is less often than before.
func writeRecall(c *cli.Context, before *training.ShopFigures, after training.ShopFigures) error {
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d photos of products kept apart, each among %d others\tR@1\tR@5\t", after.Queries, after.Gallery)
	had := before != nil
	if had {
		fmt.Fprint(w, "before: R@1\tR@5\t")
	} else {
		before = &training.ShopFigures{}
	}
	fmt.Fprintln(w)
	for _, row := range []struct {
		name          string
		before, after *training.RecallPair
	}{{"unsupervised", before.Unsupervised, after.Unsupervised}, {"DeepRank", before.DeepRank, after.DeepRank}} {
		fmt.Fprintf(w, "%s\t%s\t", row.name, recallText(row.after))
		if had {
			fmt.Fprintf(w, "%s\t", recallText(row.before))
		}
		fmt.Fprintln(w)
		if row.before != nil && row.after.At1 < row.before.At1 {
			say(c, "%s finds another photo of a product first in %.3f, and the model before did in %.3f: for this catalogue that may be the better one", row.name, row.after.At1, row.before.At1)
		}
	}
	return w.Flush()
}

// recallText is R@1 and R@5, as far as they are known.
func recallText(r *training.RecallPair) string {
	switch {
	case r == nil:
		return "–\t–"
	case r.At5 == nil:
		return fmt.Sprintf("%.3f\t–", r.At1)
	}
	return fmt.Sprintf("%.3f\t%.3f", r.At1, *r.At5)
}
