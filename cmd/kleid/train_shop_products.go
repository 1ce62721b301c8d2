package main

import (
	"fmt"
	"path"
	"path/filepath"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/storage"
)

// checkProducts says whether a catalogue gives product ids. It returns an error where rows have none and the photos of
// each dress are in a folder, photos/DRESS/front.jpg: by their files' names, all of them would be of the one dress "front".
func checkProducts(place string, entries []source.Entry) (named bool, err error) {
	folders, of := map[string]bool{}, map[string]map[string]bool{}
	for _, e := range entries {
		if e.Named {
			named = true
			continue
		}
		folder := path.Dir(filepath.ToSlash(e.Source))
		folders[folder] = true
		if of[e.ProductID] == nil {
			of[e.ProductID] = map[string]bool{}
		}
		of[e.ProductID][folder] = true
	}
	most := ""
	for product, in := range of {
		if n := len(in); n > len(of[most]) || n == len(of[most]) && product < most {
			most = product
		}
	}
	// Folders that are views, front/DRESS.jpg and back/DRESS.jpg, are few, and products by their files' names are right.
	if len(of[most]) > 1 && len(folders) >= len(of) {
		gives := "gives no product ids"
		if named {
			gives = "does not give each photo a product id"
		}
		return named, fmt.Errorf("the catalogue %s %s, so that a file's name stands for its product, and %q is in %d folders: write a manifest (.csv) with the columns product_id and photo", storage.WithoutSecrets(place), gives, most, len(of[most]))
	}
	return named, nil
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
