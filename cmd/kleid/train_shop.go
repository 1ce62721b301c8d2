package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
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
	return &cli.StringFlag{Name: "mining", Value: string(training.BatchHard), EnvVars: env("mining"), Usage: fmt.Sprintf("which other product of a batch one is compared with: one of %v, of which the second leaves aside those that are nearer than its own photo, so that a dress with two ids does less harm", training.Minings())}
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
	named, err := checkProducts(place, listing.Entries)
	if err != nil {
		return nil, err
	}
	if err := options.CheckPhotos(len(listing.Entries)); err != nil { // they are read for as long as they are many
		return nil, err
	}
	fetcher := storage.NewFetcher(storage.FetchOptions{Limit: photo.DefaultLimits().MaxBytes, Attempts: fetchAttempts})
	defer fetcher.Close()
	var photos []training.ShopPhoto
	for _, entry := range listing.Entries {
		photos = append(photos, training.ShopPhoto{Product: entry.ProductID, Name: entry.Source, Read: func() ([]byte, error) {
			if entry.Err != "" {
				return nil, errors.New(entry.Err)
			}
			return fetchPhoto(c.Context, fetcher, entry.Location)
		}})
	}
	shop, err := training.ReadShop(c.Context, options, photos)
	if err != nil {
		return nil, err
	}
	bad := badPhotos{c: c, progress: progress, limit: limit, work: options.Work}
	if err := bad.list(shop.Bad, shop.Total); err != nil {
		return nil, err
	}
	if shop.Learned() == 0 {
		return nil, fmt.Errorf("the catalogue %s has no product to learn from: it has %d photos", storage.WithoutSecrets(place), shop.Total-len(shop.Bad))
	}
	tellShop(progress, shop, named)
	if len(clicks) > 0 {
		if err := shop.AddTriplets(clicks); err != nil {
			return nil, fmt.Errorf("--triplets: %w", err)
		}
		progress.say("%d triplets to learn from, %d, of products that are kept apart, to measure with", shop.Triplets(), shop.Held())
		if shop.Dropped > 0 {
			progress.say("%d triplets are left out: they have a photo that is bad or of many products, or the same photo twice", shop.Dropped)
		}
	}
	return shop, nil
}

// fetchAttempts is how often a server is asked for a photo, as an index asks.
const fetchAttempts = 3

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
