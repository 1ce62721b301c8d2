package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/storage"
)

// readPhotos reads the photos of --catalogue and --dataset, and those of the triplets of --reference, into the options,
// looks into the others of --reference, lists what is bad of all, which is left out, and tells of the others. Photos of
// URLs are brought to a folder.
func readPhotos(c *cli.Context, progress *terminal.Progress, options *training.Options, fetched string) error {
	catalogue := c.String("catalogue") != ""
	var places []string
	if training.LearnsLocation(options.Heads) { // facets have other datasets
		var err error
		if places, err = learning.LocationPlaces(c); err != nil {
			return err
		}
	}
	if !catalogue && len(places) == 0 {
		if err := options.CheckPhotos(0); err != nil || options.Reference == nil {
			return err
		}
	}
	limit, err := maxbad.Of(c)
	if err != nil {
		return err
	}
	var bad []maxbad.Kind
	if len(places) > 0 {
		if options.Location, err = learning.ReadLocationPhotos(c, progress, *options, places, fetched); err != nil {
			return err
		}
		bad = append(bad, maxbad.Kind{Name: "photos", Bad: options.Location.Bad, Total: options.Location.Total})
	}
	named := false
	if catalogue {
		if options.Shop, named, err = learning.ReadShop(c, *options); err != nil {
			return err
		}
		bad = append(bad, maxbad.Kind{Name: "photos", Bad: options.Shop.Bad, Total: options.Shop.Total}, maxbad.Kind{Name: "triplets", Bad: options.Shop.BadTriplets, Total: options.Shop.TotalTriplets})
	}
	if options.Reference != nil {
		if options.Heads == nil || slices.Contains(options.Heads, "deeprank") { // first: of a photo that is held back nobody tells
			if options.Triplets, err = training.ReadTriplets(c.Context, *options); err != nil {
				return err
			}
			bad = append(bad, maxbad.Kind{Name: "triplets", Bad: options.Triplets.Bad, Total: options.Triplets.Total})
		}
		examples, err := training.ReferenceExamples(options.Reference)
		if err != nil {
			return err
		}
		of, total, err := training.HoldBackBad(c.Context, *options, examples)
		if err != nil {
			return err
		}
		progress.End()
		bad = append(bad, maxbad.Kind{Name: "photos of --reference", Bad: of, Total: total})
	}
	list := maxbad.NewList(c, progress, limit)
	list.Work = options.Work
	if err := list.TakeKinds(bad...); err != nil {
		return err
	}
	if options.Location != nil {
		if err := tellLocation(progress, options.Location); err != nil {
			return err
		}
		if err := options.CheckPhotos(0); err != nil {
			return err
		}
	}
	if shop := options.Shop; shop != nil {
		if shop.Learned() == 0 {
			return fmt.Errorf("the catalogue %s has no product to learn from: it has %d photos", storage.WithoutSecrets(c.String("catalogue")), shop.Total-len(shop.Bad))
		}
		tellShop(progress, shop, named)
	}
	return nil
}

// tellLocation tells what becomes of the photos, and fails where there is none to learn from.
func tellLocation(progress *terminal.Progress, photos *training.LocationPhotos) error {
	dresses, others := countDresses(photos.Learned)
	progress.Say("%d photos with a dress and %d without one to learn from, %d to measure with", dresses, others, len(photos.Measured))
	learning.TellLeftOut(progress, photos)
	if n := len(photos.Shared); n > 0 {
		progress.Say("%d photos more are not learned from: another dataset has photos of their products to measure with", n)
	}
	if len(photos.Learned) == 0 {
		return errors.New("--dataset has no photo to learn from: that takes the dress's box (x_min, y_min, x_max, y_max), or is_dress no, in photos that are not marked as test")
	}
	return nil
}

func countDresses(examples []datasets.Example) (dresses, others int) {
	for _, e := range examples {
		if e.NoDress {
			others++
		} else {
			dresses++
		}
	}
	return dresses, others
}

// tellShop tells what is learned from, and what became of photos and products that are there more than once.
func tellShop(progress *terminal.Progress, shop *training.Shop, named bool) {
	progress.Say("%d products to learn from, %d to measure with; %d photos are taken whole, since no dress was found in them", shop.Learned(), shop.Apart(), shop.Whole)
	for _, line := range []struct {
		count int
		text  string
	}{
		{shop.Repeated, "%d photos are the same as one before, byte for byte: each is taken once"},
		{shop.Joined, "%d products share half of their photos with another one, or more, and are taken for it"},
		{shop.Common, "%d photos are left out: several products have them that differ otherwise, as they have a size chart"},
	} {
		if line.count > 0 {
			progress.Say(line.text, line.count)
		}
	}
	if shop.TotalTriplets > 0 {
		progress.Say("%d triplets to learn from, %d, of products that are kept apart, to measure with", shop.Triplets(), shop.Held())
	}
	if shop.Dropped > 0 {
		progress.Say("%d triplets are left out: they have a photo that is bad or of many products, or the same photo twice", shop.Dropped)
	}
	if shop.Pairs() > 0 {
		return
	}
	hint := ""
	if !named {
		hint = "; the catalogue gives no product ids: a manifest (.csv) with the columns product_id and photo says which photos belong together"
	}
	progress.Say("no product to learn from has two photos, so that all that is learned of them is that a photo is like itself in another light%s", hint)
}
