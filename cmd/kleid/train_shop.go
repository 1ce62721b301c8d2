package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/photo"
)

// shopFlags are those of what learns from a shop's own products, beside those of a loaded model.
func shopFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "catalogue", EnvVars: env("catalogue"), Usage: "`PLACE` of a shop's photos, as kleid index takes it: photos of one product_id are learned to be alike, and a fifth of the products is kept apart to measure with"},
		maxBadFlag(),
	}
}

// miningFlag says which other dress a dress is compared with.
func miningFlag() cli.Flag {
	return &cli.StringFlag{Name: "mining", Value: string(training.BatchHard), EnvVars: env("mining"), Usage: fmt.Sprintf("which other product of a batch one is compared with: one of %v, of which the second forgives photos of one dress that have two ids", training.Minings())}
}

// setMining reads miningFlag, where there is one.
func setMining(c *cli.Context, options *training.Options) error {
	mining := training.Mining(c.String("mining"))
	if err := mining.Check(); err != nil {
		return wrongUsage(c, "%v", err)
	}
	if mining != training.BatchHard { // the default, which work of before goes on from
		options.Mining = mining
	}
	return nil
}

// readShop reads the photos of --catalogue, lists those that are bad, and tells of the others; nil without one.
func readShop(c *cli.Context, progress *progress, options training.Options) (*training.Shop, error) {
	place := c.String("catalogue")
	if place == "" {
		return nil, nil
	}
	limit, err := parseMaxBad(c.String("max-bad"))
	if err != nil {
		return nil, wrongUsage(c, "%v", err)
	}
	clicks, err := readClicks(c)
	if err != nil {
		return nil, err
	}
	listing, err := indexer.Scan(c.Context, place, "")
	if err != nil {
		return nil, err
	}
	var photos []training.ShopPhoto
	for _, entry := range listing.Entries {
		photos = append(photos, training.ShopPhoto{Product: entry.ProductID, Name: entry.Source, Open: func() (*photo.Image, error) {
			if entry.Err != "" {
				return nil, fmt.Errorf("%s", entry.Err)
			}
			data, err := readPhoto(c, entry.Location)
			if err != nil {
				return nil, err
			}
			return photo.Open(data, photo.DefaultLimits())
		}})
	}
	shop, err := training.ReadShop(c.Context, options, photos)
	if err != nil {
		return nil, err
	}
	if err := listBad(c, progress, options.Work, limit, shop.Bad, shop.Total); err != nil {
		return nil, err
	}
	if shop.Learned() == 0 {
		return nil, fmt.Errorf("the catalogue %s has no product to learn from: it has %d photos", place, shop.Total-len(shop.Bad))
	}
	if len(clicks) > 0 {
		if err := shop.AddTriplets(clicks); err != nil {
			return nil, fmt.Errorf("--triplets: %w", err)
		}
		progress.say("%d triplets to learn from, %d, of products that are kept apart, to measure with", shop.Triplets(), shop.Held())
	}
	progress.say("%d products to learn from, %d to measure with; %d photos are taken whole, since no dress was found in them", shop.Learned(), shop.Apart(), shop.Whole)
	return shop, nil
}

// readClicks reads --triplets of the catalogue's photos; with --reference they are of its.
func readClicks(c *cli.Context) ([]datasets.Triplet, error) {
	if c.String("reference") != "" {
		return nil, nil
	}
	var all []datasets.Triplet
	for _, path := range repeated(c, "triplets") {
		triplets, err := datasets.ReadTriplets(path)
		if err != nil {
			return nil, err
		}
		all = append(all, triplets...)
	}
	return all, nil
}

// shopFigures are the metricsFile of a training on a shop's products.
type shopFigures struct {
	Shop training.ShopFigures `json:"shop"`
}

// measureShop prints how well the model finds the products that are apart, beside the one it comes from, and writes
// that for kleid models push.
func measureShop(c *cli.Context, options training.Options, model *models.Model) error {
	after, err := options.Shop.Measure(c.Context, options, model)
	if err != nil {
		return err
	}
	if after.Queries == 0 && after.Triplets == nil {
		fmt.Fprintln(c.App.ErrWriter, "No product that is kept apart has two photos: there is nothing to measure with.")
		return options.Work.Delete(c.Context, metricsFile) // of a run before
	}
	var before training.ShopFigures
	had := options.From.Embeds() // a trunk alone has nothing to compare with
	if had {
		if before, err = options.Shop.Measure(c.Context, options, options.From); err != nil {
			return err
		}
	}
	if after.Queries > 0 {
		if err := writeRecall(c, before, after, had); err != nil {
			return err
		}
	}
	if after.Triplets != nil {
		was := ""
		if had {
			was = fmt.Sprintf("; before: %.3f and %.3f", before.Triplets.Unsupervised, before.Triplets.DeepRank)
		}
		fmt.Fprintf(c.App.Writer, "of %d triplets with a photo of those, people agree with the unsupervised embedding in %.3f and with DeepRank in %.3f%s\n",
			after.Triplets.Triplets, after.Triplets.Unsupervised, after.Triplets.DeepRank, was)
	}
	return put(c.Context, options.Work, metricsFile, writeJSON(shopFigures{after}))
}

// writeRecall prints how often another photo of a product comes first.
func writeRecall(c *cli.Context, before, after training.ShopFigures, had bool) error {
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d photos of products kept apart, among %d\tR@1\tR@5\tbefore: R@1\tR@5\t\n", after.Queries, after.Gallery)
	for _, row := range []struct {
		name          string
		before, after training.RecallPair
	}{{"unsupervised", before.Unsupervised, after.Unsupervised}, {"DeepRank", before.DeepRank, after.DeepRank}} {
		was := "–\t–"
		if had {
			was = fmt.Sprintf("%.3f\t%.3f", row.before.At1, row.before.At5)
		}
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%s\t\n", row.name, row.after.At1, row.after.At5, was)
	}
	return w.Flush()
}
