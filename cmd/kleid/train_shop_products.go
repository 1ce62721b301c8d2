package main

import "github.com/kleid-search/kleid/models/training"

// tellShop tells what is learned from, and what became of photos and products that are there more than once.
func tellShop(progress *progress, shop *training.Shop) {
	progress.say("%d products to learn from, %d to measure with; %d photos are taken whole, since no dress was found in them", shop.Learned(), shop.Apart(), shop.Whole)
	for _, line := range []struct {
		count int
		text  string
	}{
		{shop.Repeated, "%d photos are the same as one before, byte for byte: each is taken once"},
		{shop.Joined, "%d products share a photo with another one, and are taken for it"},
		{shop.Common, "%d photos are left out: many products have them that differ otherwise, as they have a size chart"},
	} {
		if line.count > 0 {
			progress.say(line.text, line.count)
		}
	}
	if shop.Pairs() == 0 {
		progress.say("no product to learn from has two photos, so that all that is learned of them is that a photo is like itself in another light")
	}
}
