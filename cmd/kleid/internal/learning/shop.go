package learning

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// ShopFlags are those of who reads a shop's own products, and what for, beside those of a loaded model.
func ShopFlags(what string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "catalogue", EnvVars: flags.Env("catalogue"), Usage: "`PLACE` of a shop's photos, as kleid index takes it: " + what},
		maxbad.Flag(),
	}
}

// miningFlag says which other dress a dress is compared with.
func miningFlag() cli.Flag {
	return &cli.StringFlag{Name: "mining", Value: string(training.BatchHard), EnvVars: flags.Env("mining"), Usage: fmt.Sprintf("which other product of a batch one is compared with: one of %v, of which the second leaves aside those that are nearer than its own photo, so that a dress with two ids does less harm", training.Minings())}
}

// SetMining reads miningFlag, where there is one.
func SetMining(c *cli.Context, options *training.Options) error {
	mining := training.Mining(c.String("mining"))
	if err := mining.Check(); err != nil {
		return exit.WrongUsage(c, "%v", err)
	}
	if mining != training.BatchHard { // the default, which work of before goes on from
		options.Mining = mining
	}
	return nil
}

// ReadShop reads the photos of --catalogue, with --triplets of them; named says whether it gives product ids.
func ReadShop(c *cli.Context, options training.Options) (shop *training.Shop, named bool, err error) {
	place := c.String("catalogue")
	clicks, err := readClicks(c)
	if err != nil {
		return nil, named, err
	}
	listing, err := indexer.Scan(c.Context, place, "")
	if err != nil {
		return nil, named, err
	}
	if named, err = checkProducts(place, listing.Entries); err != nil {
		return nil, named, err
	}
	if err := options.CheckPhotos(len(listing.Entries)); err != nil { // they are read for as long as they are many
		return nil, named, err
	}
	fetcher := storage.NewFetcher(storage.FetchOptions{Limit: photo.DefaultLimits().MaxBytes, Attempts: fetchAttempts})
	defer fetcher.Close()
	var photos []training.ShopPhoto
	for _, entry := range listing.Entries {
		photos = append(photos, training.ShopPhoto{Product: entry.ProductID, Name: entry.Source, Read: func() ([]byte, error) {
			if entry.Err != "" {
				return nil, errors.New(entry.Err)
			}
			return open.FetchPhoto(c.Context, fetcher, entry.Location)
		}})
	}
	if shop, err = training.ReadShop(c.Context, options, photos); err != nil {
		return nil, named, err
	}
	if len(clicks) > 0 {
		shop.AddTriplets(clicks)
	}
	return shop, named, nil
}

// fetchAttempts is how often a server is asked for a photo, as an index asks.
const fetchAttempts = 3

// readClicks reads --triplets of the catalogue's photos; with --reference they are of its.
func readClicks(c *cli.Context) ([]datasets.Triplet, error) {
	if c.String("reference") != "" {
		return nil, nil
	}
	var all []datasets.Triplet
	for _, path := range flags.Repeated(c, "triplets") {
		triplets, err := datasets.ReadTriplets(path)
		if err != nil {
			return nil, err
		}
		all = append(all, triplets...)
	}
	return all, nil
}
